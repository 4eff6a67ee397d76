//! Transcripts of `pml`: help texts, outputs, errors and exit codes, in cmd/.

#[test]
fn commands_answer_as_written() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
