//! What WindowsUpdate.log of both generations and ReportingEvents.log say: calls, updates, results.

use super::codes::{self, code_after, code_prefix, failures};
use super::encoding::repair_double_encoding;
use super::event::{Call, Sink, What};
use super::fields::{after, between, guid, kb, until};
use super::record::Record;

/// Literals of records that are worth a look.
pub(crate) const NEEDLES: &[&str] = &[
    "* START *",
    "* END *",
    ":: START ::",
    "WU client version",
    "Client version: ",
    "WSUS server",
    "Title = ",
    "UpdateId = ",
    "CBS called ",
    "LogHistory called",
    " call complete (",
    "Exit code = 0x",
    "Call error code",
    "Reboot required = ",
    "shutdown notification",
    "*FAILED* [",
    "FATAL: ",
    "WARNING: ",
    "END **",
    "END  **",
    "Server URL = ",
    "CBS package identity",
    "No Format Information found",
    "code Call failed and error",
    "REPORT EVENT: ",
];

/// Reads WindowsUpdate.log record by record.
pub(crate) fn record(record: &Record<'_>, is_noise: bool, sink: &mut Sink) {
    let text = record.text();
    let text = text.trim_start();
    if let Some(rest) = after(text, "REPORT EVENT: ") {
        report_fields(record, rest, sink);
        return;
    }
    let mut push = |what| sink.push(record.line, record.time, text, what);
    if let Some(version) = after(text, "WU client version ").or_else(|| after(text, "Client version: Core: "))
    {
        push(What::Client { version: until(version, &[' ', ',']).to_owned() });
        return;
    }
    if let Some(url) = after(text, "WSUS server: ") {
        let url = until(url, &[' ']);
        let known = !matches!(url, "" | "(null)" | "NULL" | "<NULL>");
        push(What::Server { url: known.then(|| url.to_owned()) });
        return;
    }
    if let Some(url) = after(text, "Server URL = ") {
        // `http://server:8530/ClientWebService/client.asmx`: what follows the server says nothing.
        let url = until(url, &[' ', ',']);
        let end = url.match_indices('/').nth(2).map_or(url.len(), |slash| slash.0);
        push(What::Server { url: url.get(..end).map(str::to_owned) });
        return;
    }
    // Windows 7 lists them with an asterisk.
    let listed = text.strip_prefix("* ").unwrap_or(text);
    if let Some(title) = listed.strip_prefix("Title = ") {
        let title = until(title, &[]);
        let title = repair_double_encoding(title).unwrap_or_else(|| title.to_owned());
        let kb = kb(&title);
        push(What::Title { title, kb });
        return;
    }
    if listed.starts_with("UpdateId = ") {
        guid(text).into_iter().for_each(|guid| push(What::UpdateId { guid }));
        return;
    }
    if text.starts_with("* START *") || text.starts_with(":: START ::") || text.starts_with("** START **") {
        if let Some(call) = call(text) {
            let caller = between(text, "CallerId = ", &[',']).unwrap_or_default();
            push(What::CallBegin { call, caller: caller.trim_end_matches(']').to_owned() });
        }
        return;
    }
    let marked = text.trim_start_matches(['*', ':']).trim_start();
    if marked.len() < text.len()
        && (marked.starts_with("END *") || marked.starts_with("END  *") || marked.starts_with("END ::"))
    {
        if let Some(call) = call(text) {
            push(What::CallEnd { call, code: exit_code(text) });
        }
        return;
    }
    // Windows 7 gives the code of a call that failed in the line before its end.
    if let Some(code) = listed.strip_prefix("WARNING: Exit code = ").and_then(code_prefix) {
        push(What::ExitCode { code });
        return;
    }
    if let Some(rest) = after(text, "CBS called ") {
        if rest.starts_with("Error") || rest.starts_with("Failed") {
            push(What::Serviced { code: codes::deepest(rest).or_else(|| code_after(rest, "with ")) });
        } else {
            push(What::Serviced { code: None });
        }
        return;
    }
    if text.contains("LogHistory called") {
        let mapped = code_after(text, "resultMapped=").unwrap_or_default();
        let unmapped = code_after(text, "resultUnMapped=").unwrap_or_default();
        let operation = match between(text, "operation = ", &[',']) {
            Some("Install") => Some(Call::Install),
            Some("Download") => Some(Call::Download),
            _ => None,
        };
        push(What::Result { guid: guid(text).unwrap_or_default(), mapped, unmapped, operation });
        return;
    }
    if let Some(at) = text.find(" call complete (") {
        let call = match text.get(..at).unwrap_or_default() {
            head if head.ends_with("Install") => Call::Install,
            head if head.ends_with("Download") => Call::Download,
            _ => Call::Scan,
        };
        let count = |name: &str| {
            let digits = after(text, name).map(|rest| until(rest, &[',', ')']));
            digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
        };
        let (succeeded, failed) = (count("(succeeded = "), count(", failed = "));
        push(What::CallCounts { call, succeeded, failed, cancelled: count("cancelled = ") });
        return;
    }
    if text.contains("Call error code = ") || text.contains("code Call failed and error") {
        let codes = failures(text);
        if !codes.is_empty() {
            push(What::CallCode { codes });
        }
        return;
    }
    if text.starts_with("Reboot required = ") {
        push(What::Restart { needed: text.contains("= True") || text.contains("= Yes") });
        return;
    }
    if text.contains("shutdown notification") {
        push(What::ClientStops);
        return;
    }
    if text.contains("No Format Information found") {
        push(What::Undecoded);
        return;
    }
    if is_noise {
        return;
    }
    if let Some(code) = codes::deepest(text) {
        push(What::ClientFailure { code, component: record.component.to_owned() });
    }
}

fn call(text: &str) -> Option<Call> {
    let lower = text.to_ascii_lowercase();
    let calls = [
        (Call::Scan, "finding updates"),
        (Call::Download, "downloading updates"),
        (Call::Install, "installing updates"),
        (Call::Scan, "search"),
        (Call::Download, "download"),
        (Call::Install, "install"),
    ];
    calls.iter().find(|(_, words)| lower.contains(words)).map(|(call, _)| *call)
}

fn exit_code(text: &str) -> Option<u32> {
    after(text, "Exit code = ").or_else(|| after(text, "exit code = ")).and_then(code_prefix)
}

/// Reads ReportingEvents.log: GUID, time, one, event id, category, source, update, revision, HRESULT,
/// caller, outcome, action, text, with tabs between.
pub(crate) fn report(record: &Record<'_>, sink: &mut Sink) {
    report_fields(record, &record.text(), sink);
}

/// The fields of a report, which WindowsUpdate.log of Windows 7 repeats.
fn report_fields(record: &Record<'_>, text: &str, sink: &mut Sink) {
    let fields: Vec<&str> = text.split('\t').collect();
    let field = |at: usize| fields.get(at).copied().unwrap_or_default();
    let has_code = |at: &usize| {
        let field = field(*at);
        (1..=8).contains(&field.len()) && field.bytes().all(|b| b.is_ascii_hexdigit())
    };
    // The code follows update and revision; some versions have one column more.
    let Some(update) = (4..9).find(|&at| guid(field(at)).is_some()) else { return };
    let Some(code) =
        [update + 2, update + 3].iter().find(|at| has_code(at)).and_then(|&at| code_prefix(field(at)))
    else {
        return;
    };
    let guid = guid(field(update)).unwrap_or_default();
    if guid.bytes().all(|b| matches!(b, b'0' | b'-')) {
        return;
    }
    let rest = fields.get(update..).unwrap_or_default();
    let is_install = rest.iter().any(|field| field.contains("Install"));
    let is_download = rest.iter().any(|field| field.contains("Download"));
    let operation = if is_install { Some(Call::Install) } else { is_download.then_some(Call::Download) };
    let Some(operation) = operation else { return };
    // `181 [AGENT_INSTALLING_STARTED]`
    let number = fields.get(..update).unwrap_or_default().iter().rev().nth(1);
    let number = number.and_then(|field| field.split(' ').next()).unwrap_or_default();
    let outcome =
        !NO_RESULT.contains(&number) && rest.iter().any(|field| matches!(*field, "Success" | "Failure"));
    if outcome {
        let sentence = rest.last().map(|text| text.trim()).unwrap_or_default();
        if let Some(kb) = kb(sentence) {
            let title = title_in(sentence).to_owned();
            sink.push(record.line, record.time, text, What::Title { title, kb: Some(kb) });
            sink.push(record.line, record.time, text, What::UpdateId { guid: guid.clone() });
        }
        let what = What::Result { guid, mapped: code, unmapped: 0, operation: Some(operation) };
        sink.push(record.line, record.time, text, what);
    }
}

/// Numbers of reports that say "Success" of something that has no result yet: an installation has begun, or is ready
/// to begin.
const NO_RESULT: [&str; 2] = ["181", "188"];

/// The title in the sentence of a report, in any language: `Installation Successful: Windows successfully installed
/// the following update: TITLE`.
fn title_in(sentence: &str) -> &str {
    let ends = [": ", ":", "\u{ff1a}"];
    let parts = ends.iter().filter_map(|end| sentence.rfind(end).map(|at| at + end.len()));
    let title = parts.max().and_then(|at| sentence.get(at..)).unwrap_or(sentence);
    if kb(title).is_some() { title.trim().trim_end_matches(['.', '\u{3002}']) } else { sentence }
}

#[cfg(test)]
mod tests {
    use super::title_in;

    #[test]
    fn titles_in_the_sentences_of_reports() {
        let title = "2024-11 Cumulative Update for Windows 10 Version 22H2 (KB5046613)";
        for sentence in [
            format!("Installation Successful: Windows successfully installed the following update: {title}"),
            format!(
                "Installation Failure: Windows failed to install the following update with error 0x80070643: {title}."
            ),
            format!("安装成功: Windows 成功安装以下更新: {title}"),
            format!("安装失败\u{ff1a}Windows 无法安装以下更新\u{ff1a}{title}\u{3002}"),
            title.to_owned(),
        ] {
            assert_eq!(title_in(&sentence), title, "{sentence}");
        }
        let without = "Installation Failure: KB5046613 could not be installed: see the log";
        assert_eq!(title_in(without), without);
    }
}
