//! Knowledge files: the first line names a file, the rest is its text. Knowledge that loads judges a small log.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pml_analyzer::{Format, Knowledge, Language, Origin, Paint, Report, Rule, TriageOptions, triage};
use pml_fuzz::small;
use pml_parser::{Log, LogSet, NoProgress};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A log of a boot in a few hundred events.
static STORY: LazyLock<LogSet<Vec<u8>>> = LazyLock::new(|| {
    let sample = include_bytes!("../../samples/logs/missing-payload/Bootlog.pml");
    let sample = Log::parse(sample.as_slice()).expect("the sample is whole");
    let mut seen = BTreeMap::new();
    let story = small::log(sample.view(), 0, |event| {
        let kind = (event.process_index(), event.operation().name(), event.status());
        let count = seen.entry(kind).or_insert(0);
        *count += 1;
        *count <= 4
    });
    LogSet::new(vec![Log::parse(story).expect("it was just written")])
});

fuzz_target!(|input: &str| -> Corpus {
    let Some((name, text)) = input.split_once('\n') else { return Corpus::Reject };
    // Most mutations break TOML itself. Loading all knowledge for each of these would leave little time for
    // the other mutations.
    let is_table = name.ends_with(".tsv") || text.parse::<toml::Table>().is_ok();
    if !is_table && text.len() % 16 != 0 {
        return Corpus::Reject;
    }
    let knowledge = match Knowledge::with(&[(name.to_owned(), text.to_owned())]) {
        Ok(knowledge) => knowledge,
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| !error.to_string().is_empty()));
            return Corpus::Keep;
        }
    };
    for language in [Language::En, Language::Zh] {
        assert!(
            knowledge.rules().map(|rule: &Rule| rule.summary(language)).all(|rule| !rule.id.contains('\n'))
        );
    }
    let triage =
        triage(&STORY, &knowledge, TriageOptions::default(), &NoProgress).expect("nothing cancels it");
    let report = Report::new(&STORY, &triage, &knowledge, &Origin::default(), Language::En);
    assert!(report.cited_events().iter().all(|&event| event < STORY.event_count()));
    // Custom labels may be incomplete: rendering then gives an error, and must not panic.
    let _ = report.render(&knowledge, Format::Text, Paint::Plain);
    Corpus::Keep
});
