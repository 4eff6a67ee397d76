//! Every scenario, in every variant, gets the verdict that its file expects.

use pml_analyzer::{Format, Knowledge, Language, NoWatch, Origin, Paint, Report, TriageOptions, triage};
use pml_parser::{Log, LogSet};
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario::{self, Expectation, Finding, Scenario};
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| match Knowledge::embedded() {
    Ok(knowledge) => knowledge,
    Err(errors) => panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>()),
});

/// Each scenario and variant, with its name and what is expected of it.
fn cases() -> Vec<(String, Scenario, Expectation)> {
    let mut cases = Vec::new();
    for scenario in scenario::all().unwrap() {
        let path = Path::new(scenario.file()).with_extension("expect.toml");
        for expected in scenario::expectations(&path).unwrap() {
            let (name, scenario) = match &expected.variant {
                None => (scenario.id().to_owned(), scenario.clone()),
                Some(variant) => (format!("{}/{variant}", scenario.id()), scenario.variant(variant).unwrap()),
            };
            cases.push((name, scenario, expected));
        }
    }
    assert!(cases.len() > 40);
    cases
}

/// The capture, as far as it is there where it was never closed.
fn opened(scenario: &Scenario, parts: Vec<Vec<u8>>) -> LogSet<Vec<u8>> {
    let open = if scenario.is_unclosed().unwrap() { Log::recover } else { Log::parse };
    LogSet::new(parts.into_iter().map(|bytes| open(bytes).unwrap()).collect())
}

fn report(scenario: &Scenario, options: &Options, threads: usize) -> (LogSet<Vec<u8>>, Report) {
    let parts = scenario.generate_in_memory(options).unwrap().parts;
    let set = opened(scenario, parts);
    let triage_options = TriageOptions { threads, parts_missing: false };
    let triage = triage(&set, &KNOWLEDGE, triage_options, &NoWatch).unwrap();
    let source =
        Origin { name: "Bootlog.pml".to_owned(), argument: "Bootlog.pml".to_owned(), ..Origin::default() };
    let report = Report::new(&set, &triage, &KNOWLEDGE, &source, Language::En);
    (set, report)
}

/// Whether a finding of a report is what is expected.
fn fits(finding: &Value, expected: &Finding) -> bool {
    let text = |key: &str| finding[key].as_str().unwrap_or_default().to_lowercase();
    let events = finding["events"].as_array().unwrap();
    let in_events = |part: &str| {
        events.iter().any(|e| {
            let path =
                format!("{} {}", e["path"].as_str().unwrap(), e["target"].as_str().unwrap_or_default());
            path.to_lowercase().contains(part)
        })
    };
    let id = expected
        .id
        .as_ref()
        .is_none_or(|id| finding["rule"] == id.as_str() || finding["bucket"] == id.as_str());
    let path = expected.path.as_ref().is_none_or(|path| {
        let path = path.to_lowercase();
        text("path").contains(&path) || text("target").contains(&path) || in_events(&path)
    });
    let component = expected.component.as_ref().is_none_or(|c| {
        finding["component"]["directory"].as_str().is_some_and(|d| d.eq_ignore_ascii_case(c))
    });
    let status = expected.status.is_none_or(|status| finding["status_number"] == status);
    let process = expected.process.as_ref().is_none_or(|process| finding["process"] == process.as_str());
    let blames = expected.blames.as_ref().is_none_or(|blamed| {
        finding["interfering"].as_array().unwrap().iter().any(|i| i["process"] == blamed.as_str())
    });
    id && path && component && status && process && blames
}

/// What is wrong with a report; nothing where it is as expected.
fn wrong(report: &Value, expected: &Expectation) -> Vec<String> {
    let mut wrong = Vec::new();
    let boot = format!("{:?}", expected.boot).to_lowercase();
    if report["boot"] != boot.as_str() {
        wrong.push(format!("boot {} instead of {boot}", report["boot"]));
    }
    let class = format!("{:?}", expected.rollback).to_lowercase();
    if report["rollback"]["class"] != class.as_str() {
        wrong.push(format!(
            "rollback {} {} instead of {class}",
            report["rollback"]["class"], report["rollback"]["confidence"]
        ));
    }
    let findings = report["findings"].as_array().unwrap();
    for (rank, expected) in expected.finding.iter().enumerate() {
        if !findings.get(rank).is_some_and(|finding| fits(finding, expected)) {
            wrong.push(format!("finding {} is not {expected:?}", rank + 1));
        }
    }
    if expected.finding.is_empty() && !findings.is_empty() {
        wrong.push("findings where there should be none".to_owned());
    }
    for never in &expected.never {
        if findings.iter().any(|finding| fits(finding, never)) {
            wrong.push(format!("found {never:?}"));
        }
    }
    let notes = report["notes"].as_array().unwrap();
    for note in &expected.notes {
        if !notes.iter().any(|known| known["rule"] == note.as_str()) {
            wrong.push(format!("no note {note}"));
        }
    }
    if !wrong.is_empty() {
        for finding in findings {
            wrong.push(format!(
                "  found {} {} {} {} {} {}",
                finding["rule"],
                finding["score"],
                finding["process"],
                finding["path"],
                finding["result"],
                finding["interfering"]
            ));
        }
        let signals = report["rollback"]["signals"].as_array().unwrap();
        wrong.push(format!(
            "  signals {:?}",
            signals.iter().map(|s| s["id"].as_str().unwrap()).collect::<Vec<_>>()
        ));
    }
    wrong
}

/// Checks all scenarios, each told in one's own way.
fn check(
    tell: impl Fn(&str, Scenario) -> (Scenario, Options),
    wrong: impl Fn(&Value, &Expectation) -> Vec<String>,
) {
    let mut all = Vec::new();
    for (name, scenario, expected) in cases() {
        let (scenario, options) = tell(&name, scenario);
        let (_, report) = report(&scenario, &options, 2);
        let wrong = wrong(&serde_json::to_value(&report).unwrap(), &expected);
        if !wrong.is_empty() {
            all.push(format!("{name}:\n    {}", wrong.join("\n    ")));
        }
    }
    assert!(all.is_empty(), "{} wrong\n{}", all.len(), all.join("\n"));
}

fn sized(scenario: &Scenario, events: u64, parts: u32, seed: u64) -> Options {
    Options { amount: Amount::Events(events), parts, seed, ..scenario.options() }
}

#[test]
fn every_scenario_gets_its_verdict() {
    check(
        |_, scenario| {
            let options = sized(&scenario, 6_000, 1, 1);
            (scenario, options)
        },
        wrong,
    );
}

/// Seeds beside the usual ones: `SEEDS=60 cargo test --release -p pml-analyzer` tries so many.
fn seeds() -> std::ops::Range<u64> {
    let most = std::env::var("SEEDS").ok().and_then(|number| number.parse::<u64>().ok()).unwrap_or(2);
    2..2 + most.max(1)
}

#[test]
fn other_seeds_and_parts_change_no_verdict() {
    for seed in seeds() {
        // Sparse logs, dense ones, and those between.
        let events = match seed {
            2 | 3 => 7_000,
            _ => [5_000, 30_000, 150_000][(seed % 3) as usize],
        };
        check(
            |_, scenario| {
                let options = sized(&scenario, events, 3, seed);
                (scenario, options)
            },
            |report, expected| {
                let mut wrong = wrong(report, expected);
                if !wrong.is_empty() {
                    wrong.insert(0, format!("seed {seed}, {events} events"));
                }
                wrong
            },
        );
    }
}

#[test]
fn ten_times_the_noise_changes_no_verdict() {
    check(
        |_, scenario| {
            let options = sized(&scenario, 60_000, 2, 4);
            (scenario, options)
        },
        wrong,
    );
}

#[test]
fn another_drive_changes_no_verdict() {
    check(
        |_, scenario| {
            let options = sized(&scenario, 6_000, 1, 5);
            (scenario.on_drive('E'), options)
        },
        wrong,
    );
}

#[test]
fn device_paths_and_capitals_change_no_verdict() {
    let spellings = [
        (r"C:\", r"\Device\HarddiskVolume3\"),
        (r"C:\Windows\WinSxS", r"\Device\HarddiskVolume3\WINDOWS\WINSXS"),
        (r"C:\Windows", r"\Device\HarddiskVolume3\WINDOWS"),
    ];
    check(
        |_, scenario| {
            let options = sized(&scenario, 6_000, 1, 6);
            (scenario.spelled(&spellings), options)
        },
        wrong,
    );
}

/// The last 20 seconds are lost: what was found stays, at a lower confidence and with a warning, and
/// nothing else is found.
#[test]
fn the_end_of_a_capture_may_be_missing() {
    let whole: std::cell::RefCell<Vec<(f64, bool)>> = Default::default();
    check(
        |_, scenario| {
            let options = sized(&scenario, 6_000, 1, 7);
            let (_, report) = report(&scenario, &options, 1);
            let ends_early = report.notes.iter().any(|note| note.rule == "INFO-LOG-TRUNCATED");
            whole.borrow_mut().push((report.rollback.confidence, ends_early));
            (scenario.cut_at(1.0 - 20.0 / report.capture.seconds), options)
        },
        |report, expected| {
            let known = *whole.borrow().last().unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let mut expected = expected.clone();
            // Certainty may go, but neither appear from nothing nor vanish altogether.
            let class = text(&report["rollback"]["class"]);
            let mut bad = Vec::new();
            // What little there was may lie in what is lost: then nothing may be claimed.
            if class == "none"
                && !matches!(expected.rollback, scenario::Rollback::Confirmed | scenario::Rollback::None)
            {
                let findings = report["findings"].as_array().unwrap();
                return findings
                    .iter()
                    .map(|finding| format!("found {} from nothing", finding["rule"]))
                    .collect();
            }
            if (class == "none") != (expected.rollback == scenario::Rollback::None) {
                bad.push(format!("rollback {class}, {} of {}", report["rollback"]["confidence"], known.0));
            }
            let (now, (before, was_cut)) = (report["rollback"]["confidence"].as_f64().unwrap(), known);
            let ends_early =
                report["notes"].as_array().unwrap().iter().any(|n| n["rule"] == "INFO-LOG-TRUNCATED");
            let is_lower = now < before || (was_cut && now == before);
            if class != "none" && !(is_lower && ends_early) {
                bad.push(format!("confidence {now} of {before}, warned: {ends_early}"));
            }
            expected.rollback = match class.as_str() {
                "confirmed" => scenario::Rollback::Confirmed,
                "probable" => scenario::Rollback::Probable,
                "possible" => scenario::Rollback::Possible,
                _ => scenario::Rollback::None,
            };
            expected.notes.clear();
            bad.extend(wrong(report, &expected));
            bad
        },
    );
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let scenario = scenario::load(&scenario::directory().join("S04-disk-and-missing.toml")).unwrap();
    let options = sized(&scenario, 300_000, 2, 1);
    let text = |threads| serde_json::to_string(&report(&scenario, &options, threads).1).unwrap();
    let one = text(1);
    assert!(one == text(2) && one == text(5));
}

/// Rules say in which scenarios they fire: that is so, and all names are those of scenarios.
#[test]
fn rules_fire_where_they_say() {
    let mut fired: Vec<(String, Vec<String>)> = Vec::new();
    for (name, scenario, _) in cases() {
        let report = report(&scenario, &sized(&scenario, 6_000, 1, 1), 2).1;
        let rules =
            report.findings.iter().map(|f| f.rule.clone()).chain(report.notes.iter().map(|n| n.rule.clone()));
        fired.push((name, rules.collect()));
    }
    let mut bad = Vec::new();
    for rule in KNOWLEDGE.rules() {
        let (fires, silent) = rule.scenarios();
        for (names, wanted) in [(fires, true), (silent, false)] {
            for name in names {
                match fired.iter().find(|case| &case.0 == name) {
                    None => bad.push(format!("{}: no scenario {name}", rule.id())),
                    Some((_, rules)) if rules.iter().any(|id| id == rule.id()) != wanted => {
                        bad.push(format!("{}: {name}, where it should fire: {wanted}", rule.id()));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Every report renders in every format and language, and says what it must.
#[test]
fn reports_render() {
    for (name, scenario, _) in cases() {
        let parts = scenario.generate_in_memory(&sized(&scenario, 6_000, 1, 1)).unwrap().parts;
        let set = opened(&scenario, parts);
        let triage =
            triage(&set, &KNOWLEDGE, TriageOptions { threads: 1, parts_missing: false }, &NoWatch).unwrap();
        for language in [Language::En, Language::Zh] {
            let report = Report::new(&set, &triage, &KNOWLEDGE, &Origin::default(), language);
            for format in [Format::Text, Format::Markdown, Format::Html] {
                let text =
                    report.render(&KNOWLEDGE, format, Paint::Plain).unwrap_or_else(|e| panic!("{name}: {e}"));
                for finding in &report.findings {
                    assert!(text.contains(&finding.rule), "{name} {language:?} {format:?}: {}", finding.rule);
                }
                let ideographs = text.chars().filter(|c| ('\u{4E00}'..'\u{9FFF}').contains(c)).count();
                assert_eq!(ideographs > 200, language == Language::Zh, "{name} {format:?}");
                assert!(!text.contains("{{") && !text.contains("{path}"), "{name} {format:?}");
            }
        }
    }
}
