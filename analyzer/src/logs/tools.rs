//! What dism.log and the consoles of DISM and of the System File Checker say.

use super::codes::{self, code_after, is_failure};
use super::event::{Sink, Verdict, What};
use super::fields::{after, build, kb, until};
use super::record::{Level, Record};
use super::signatures::ConsolePhrase;

/// Literals of records of dism.log that are worth a look.
pub(crate) const NEEDLES: &[&str] = &[
    "Executing command line: ",
    "Target image information: ",
    "processed the command line but failed",
    "Error in operation: ",
    "Failed validating command line",
    "(hr:0x8",
    "(hr:0xC",
    "HRESULT=0x8",
    "HRESULT = 0x8",
];

/// Reads dism.log record by record.
pub(crate) fn record(record: &Record<'_>, is_noise: bool, sink: &mut Sink) {
    let text = record.text();
    let mut push = |what| sink.push(record.line, record.time, &text, what);
    if let Some(command) = after(&text, "Executing command line: ") {
        push(What::Command { line: until(command, &[]).to_owned() });
        return;
    }
    if let Some(rest) = after(&text, "Target image information: ") {
        if let Some((build, revision)) = after(rest, "OS Version=").and_then(|v| build(until(v, &[',']))) {
            push(What::Image { build, revision });
        }
        return;
    }
    let code = codes::deepest(&text).or_else(|| code_after(&text, "hr:")).filter(|&code| is_failure(code));
    if text.contains("processed the command line but failed") {
        code.into_iter().for_each(|code| push(What::CommandFailed { code }));
        return;
    }
    if !is_noise && (record.level == Level::Error || text.contains("Error in operation")) && code.is_some() {
        push(What::Failure { code, is_error: record.level == Level::Error });
    }
}

/// Reads what DISM or the System File Checker printed, in English or Chinese.
pub(crate) fn console(record: &Record<'_>, phrases: &[ConsolePhrase], sink: &mut Sink) {
    let text = record.text();
    let mut push = |what| sink.push(record.line, record.time, &text, what);
    for prefix in ["Image Version: ", "映像版本: ", "Image Version:", "映像版本:"] {
        if let Some((build, revision)) = text.trim().strip_prefix(prefix).and_then(build) {
            push(What::Image { build, revision });
            return;
        }
    }
    // A sentence may be broken by the width of the console, and blanks differ.
    if let Some(phrase) =
        phrases.iter().find(|phrase| phrase.any.iter().any(|words| text.contains(words.as_str())))
    {
        push(What::Console(phrase.verdict));
        return;
    }
    let is_error = ["Error: ", "错误: ", "错误:"].iter().any(|prefix| text.trim_start().starts_with(prefix));
    if is_error {
        let number = after(&text, ":").map(str::trim).unwrap_or_default();
        let decimal = number.parse::<u32>().ok().map(codes::from_win32);
        if let Some(code) = codes::deepest(number).or(decimal).filter(|&code| is_failure(code)) {
            push(What::CommandFailed { code });
        }
    }
    if let Some(kb) =
        kb(&text).filter(|_| text.contains("Package Identity : ") || text.contains("程序包标识 : "))
    {
        sink.machine.installed.push(kb);
    }
}

/// Whether a verdict speaks of damage that is left.
pub(crate) fn is_damaged(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Repairable | Verdict::Unrepairable | Verdict::PartlyRepaired)
}
