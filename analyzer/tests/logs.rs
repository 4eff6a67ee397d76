//! What a log beside the capture shows is a fact like any other: rules hold by it, and reports cite its lines.

use pml_analyzer::{
    Certainty, Code, Format, Knowledge, Language, LogEvidence, Moment, Observation, Origin, Paint, Position,
    Report, TriageOptions, triage_with_logs,
};
use pml_parser::{FileTime, Log, LogSet, NoProgress};
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario;
use serde_json::{Value, json};

/// A cause for as long as the fact holds that a service hung.
const RULE: &str = r#"
id = "TEST-HANG-NOTED"
bucket = "HANG"
kind = "cause"
status = "experimental"
title = { en = "Servicing hung", zh = "-" }
text = { en = "Servicing hung.", zh = "-" }
why = { en = "The log says so.", zh = "-" }
silent_in = ["S01"]

[when]
facts = [{ all = ["hang-noted"] }]
needs_rollback = false

[[when.evidence]]
id = "child"
points = 10
facts = { all = ["child-failed"] }
text = { en = "a child of the installer failed", zh = "-" }
"#;

/// A healthy boot.
fn capture() -> LogSet<Vec<u8>> {
    let all = scenario::all().unwrap();
    let healthy = all.iter().find(|scenario| scenario.id() == "S01").unwrap();
    let options = Options { amount: Amount::Events(3_000), ..healthy.options() };
    let parts = healthy.generate_in_memory(&options).unwrap().parts;
    LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect())
}

fn report(set: &LogSet<Vec<u8>>, logs: Vec<LogEvidence>, knowledge: &Knowledge) -> Report {
    let triage = triage_with_logs(set, logs, knowledge, TriageOptions::default(), &NoProgress).unwrap();
    Report::new(set, &triage, knowledge, &Origin::default(), Language::En)
}

#[test]
fn a_line_of_a_log_makes_a_rule_hold_and_is_cited() {
    let knowledge = Knowledge::with(&[("rules/TEST.toml".to_owned(), RULE.to_owned())]).unwrap();
    let set = capture();
    let begin = set.time_span().unwrap().0;
    let hang = Observation {
        position: Position::Line(1_234),
        time: Some(Moment { at: FileTime(begin.0 + 20_000_000), certainty: Certainty::Zone }),
        what: "hang-noted".into(),
        code: Some(Code::Hresult(0x800F_0922)),
        text: "Startup: <b>Timed out</b> \u{1b}[31m[0x800f0922]".to_owned(),
    };
    let failed = Observation {
        position: Position::Record(77),
        time: None,
        what: "child-failed".into(),
        code: None,
        text: "a child failed".to_owned(),
    };
    let logs = vec![
        LogEvidence { name: "CBS.log".to_owned(), observations: vec![hang] },
        LogEvidence { name: "System.evtx".to_owned(), observations: vec![failed] },
    ];
    let report = report(&set, logs, &knowledge);
    let json = serde_json::to_value(&report).unwrap();
    let finding = &json["findings"][0];
    assert_eq!((&finding["rule"], &finding["event_id"]), (&json!("TEST-HANG-NOTED"), &Value::Null));
    assert_eq!((&finding["events"], &finding["seconds"]), (&json!([]), &json!(2.0)));
    assert_eq!((&finding["status"], &finding["hresult"]), (&json!("0x800F0922"), &json!("0x800F0922")));
    assert!(finding["hresult_text"].as_str().unwrap().starts_with("CBS_E_INSTALLERS_FAILED"), "{finding}");
    let (line, record) = (&finding["lines"][0], &finding["lines"][1]);
    assert_eq!(
        (&line["log"], &line["line"], &line["record"]),
        (&json!("CBS.log"), &json!(1_234), &Value::Null)
    );
    assert_eq!((&line["certainty"], &line["code"]), (&json!("zone"), &json!("0x800F0922")));
    assert_eq!((&record["log"], &record["record"]), (&json!("System.evtx"), &json!(77)));
    assert_eq!(record["role"], "a child of the installer failed");
    let render = |format| report.render(&knowledge, format, Paint::Plain).unwrap();
    for format in [Format::Text, Format::Markdown, Format::Html] {
        let text = render(format);
        assert!(text.contains("CBS.log:1234") && text.contains("System.evtx:77"), "{text}");
        assert!(!text.contains('\u{1b}'), "{format:?}");
    }
    assert!(!render(Format::Html).contains("<b>Timed") && !render(Format::Markdown).contains("<b>Timed"));
}

#[test]
fn without_logs_a_report_has_no_lines() {
    let knowledge = Knowledge::with(&[("rules/TEST.toml".to_owned(), RULE.to_owned())]).unwrap();
    let report = report(&capture(), Vec::new(), &knowledge);
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("TEST-HANG-NOTED\",\"bucket") && !json.contains("\"lines\""), "{json}");
}
