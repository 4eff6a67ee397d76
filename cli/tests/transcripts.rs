//! Transcripts of `pml`: help texts, outputs, errors and exit codes, in cmd/.

#[test]
fn commands_print_what_the_transcripts_show() {
    let cases = trycmd::TestCases::new();
    cases.case("tests/cmd/*.trycmd");
    // Messages of the system, and what only one system has.
    cases.skip(if cfg!(windows) { "tests/cmd/unix.trycmd" } else { "tests/cmd/windows.trycmd" });
}
