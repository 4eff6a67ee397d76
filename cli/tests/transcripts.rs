//! Transcripts of `pml`: help texts, outputs, errors and exit codes, in cmd/.

#[test]
fn commands_print_what_the_transcripts_show() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
