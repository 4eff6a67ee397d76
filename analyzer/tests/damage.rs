//! A damaged log costs what it touches: an analysis never fails, and its report still renders.

use pml_analyzer::{Format, Knowledge, Language, Origin, Paint, Report, TriageOptions, triage};
use pml_parser::{Log, LogSet, NoProgress};
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario;

/// Numbers that look random, the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn damage_never_ends_an_analysis() {
    let knowledge = Knowledge::embedded().unwrap();
    let mut read = 0;
    for (at, scenario) in scenario::all().unwrap().into_iter().enumerate() {
        let options = Options { amount: Amount::Events(4_000), frames: 4, ..scenario.options() };
        let whole = scenario.generate_in_memory(&options).unwrap().parts.remove(0);
        for share in [40, 400, 4_000] {
            let mut dice = Dice(share as u64 + at as u64 * 1_000);
            let mut bytes = whole.clone();
            for _ in 0..bytes.len() / share {
                let place = dice.below(bytes.len());
                bytes[place] = dice.below(256) as u8;
            }
            // The header leads to everything: it stays.
            bytes[..0x3A8].copy_from_slice(&whole[..0x3A8]);
            let Ok(log) = Log::parse(bytes) else { continue };
            read += 1;
            let set = LogSet::new(vec![log]);
            let triage = triage(&set, &knowledge, TriageOptions::default(), &NoProgress).unwrap();
            let report = Report::new(&set, &triage, &knowledge, &Origin::default(), Language::Zh);
            for format in [Format::Text, Format::Markdown, Format::Html] {
                assert!(report.render(&knowledge, format, Paint::Plain).unwrap().len() > 500);
            }
        }
    }
    assert!(read > 60, "{read} damaged logs could be opened");
}

#[test]
fn a_log_without_events_has_a_report() {
    let knowledge = Knowledge::embedded().unwrap();
    let set = LogSet::new(Vec::<Log<Vec<u8>>>::new());
    let triage = triage(&set, &knowledge, TriageOptions::default(), &NoProgress).unwrap();
    let report = Report::new(&set, &triage, &knowledge, &Origin::default(), Language::En);
    assert!(report.findings.is_empty() && report.phases.is_empty());
    for format in [Format::Html, Format::Text, Format::Markdown] {
        let text = report.render(&knowledge, format, Paint::Plain).unwrap();
        assert!(!text.contains("1601"), "no event has a time: {text}");
        assert!(text.contains("NOTHING TO JUDGE") && !text.contains("No rollback in this log"), "{text}");
    }
}
