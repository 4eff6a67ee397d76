//! Any bytes as a log, through the whole analysis.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pml_analyzer::{Format, Knowledge, Language, Origin, Paint, Report, TriageOptions, triage};
use pml_parser::{Log, LogSet, NoProgress};
use std::sync::LazyLock;

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::embedded().expect("it has no mistakes"));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(log) = Log::parse(bytes) else { return Corpus::Reject };
    let set = LogSet::new(vec![log]);
    let triage = triage(&set, &KNOWLEDGE, TriageOptions::default(), &NoProgress).expect("nothing cancels it");
    let report = Report::new(&set, &triage, &KNOWLEDGE, &Origin::default(), Language::En);
    assert!(report.cited_events().iter().all(|&event| event < set.event_count()));
    let text = report.render(&KNOWLEDGE, Format::Text, Paint::Plain).expect("the template is whole");
    assert!(!text.contains('\u{1B}'), "a log cannot control a terminal");
    Corpus::Keep
});
