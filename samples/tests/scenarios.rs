//! Every scenario, in every variant, reads back as what it tells.

use pml_parser::{Decoded, Log, LogSet, TextOptions};
use pml_samples::boot::{Amount, Bits, Options};
use pml_samples::scenario::{self, Expectation, Scenario, ScenarioError};
use std::collections::HashMap;
use std::path::Path;

/// One event as far as scenarios tell of it.
#[derive(Debug)]
struct Seen {
    process: String,
    pid: u32,
    operation: &'static str,
    path: String,
    target: Option<String>,
    status: u32,
}

fn read(parts: Vec<Vec<u8>>, is_unclosed: bool, name: &str) -> Vec<Seen> {
    let open = if is_unclosed { Log::recover } else { Log::parse };
    let logs = parts.into_iter().map(|bytes| open(bytes).unwrap_or_else(|e| panic!("{name}: {e}")));
    let set = LogSet::new(logs.collect());
    match set.recovery() {
        None => assert!(set.table_damage().is_empty(), "{name}: {:?}", set.table_damage()),
        Some(recovery) => {
            assert_eq!((recovery.doubtful, recovery.lost), (0, 0), "{name}: {recovery:?}");
            assert_eq!(recovery.processes_unknown, 0, "{name}: {recovery:?}");
        }
    }
    let (mut seen, mut previous) = (Vec::new(), None);
    let mut detail = String::new();
    for event in set.events() {
        let event = event.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(previous < Some(event.time()), "{name}: times ascend");
        previous = Some(event.time());
        detail.clear();
        assert_eq!(event.push_detail(&TextOptions::default(), &mut detail), Decoded::Yes, "{name}");
        let process = event.process().unwrap();
        let mut path = String::new();
        event.push_path(&TextOptions::default(), &mut path);
        seen.push(Seen {
            process: process.name().to_string(),
            pid: process.pid(),
            operation: event.operation().name(),
            path,
            target: event
                .target_path()
                .map(|target| target.to_string().trim_start_matches(r"\??\").to_owned()),
            status: event.status().0,
        });
    }
    seen
}

/// Each thread of each role tells its beats in order, and all of them.
fn check_told(scenario: &Scenario, bits: Bits, seen: &[Seen], name: &str) {
    let mut position: HashMap<(String, usize), usize> = HashMap::new();
    let mut pid: HashMap<String, u32> = HashMap::new();
    for told in scenario.told(bits).unwrap() {
        let from = position.entry((told.role.clone(), told.thread)).or_default();
        let known = pid.get(&told.role).copied();
        let found = seen.iter().enumerate().skip(*from).find(|(_, event)| {
            event.process == told.process
                && known.is_none_or(|pid| pid == event.pid)
                && event.operation == told.operation
                && event.path == told.path
                && event.status == told.status.0
                && event.target == told.target
        });
        let Some((at, event)) = found else {
            let near: Vec<_> = seen
                .iter()
                .filter(|event| event.process == told.process && event.path == told.path)
                .collect();
            panic!("{name}: {told:?} is not in the log after event {from}: {near:?}")
        };
        *from = at + 1;
        pid.insert(told.role.clone(), event.pid);
    }
}

fn check_expected(expected: &Expectation, seen: &[Seen], name: &str) {
    for finding in &expected.finding {
        for process in finding.process.iter().chain(&finding.blames) {
            assert!(seen.iter().any(|event| &event.process == process), "{name}: no {process}");
        }
        for part in finding.path.iter().chain(&finding.component) {
            let is_there = |event: &Seen| {
                event.path.contains(part.as_str()) || event.target.as_ref().is_some_and(|t| t.contains(part))
            };
            assert!(seen.iter().any(is_there), "{name}: no path with {part}");
        }
        if let (Some(status), Some(process)) = (finding.status, &finding.process) {
            let met = |event: &Seen| event.status == status && &event.process == process;
            assert!(seen.iter().any(met), "{name}: {process} never met {status:#X}");
        }
    }
}

fn expectations(scenario: &Scenario) -> Vec<Expectation> {
    let path = Path::new(scenario.file()).with_extension("expect.toml");
    scenario::expectations(&path).unwrap()
}

fn check(scenario: &Scenario) {
    let verdicts = expectations(scenario);
    let names: Vec<String> = scenario.variants().map(str::to_owned).collect();
    let mut variants = vec![(None, scenario.clone())];
    variants.extend(names.iter().map(|name| (Some(name.clone()), scenario.variant(name).unwrap())));
    assert_eq!(verdicts.len(), variants.len(), "{}", scenario.id());
    for (variant, scenario) in variants {
        let expected = verdicts.iter().find(|verdict| verdict.variant == variant);
        let name = format!("{} {}", scenario.id(), variant.as_deref().unwrap_or(""));
        let expected = expected.unwrap_or_else(|| panic!("{name}: no verdict"));
        for seed in [1, 2] {
            // What is not closed has no tables: only events of its own part tell of processes.
            let is_unclosed = scenario.is_unclosed().unwrap();
            let parts = if is_unclosed { 1 } else { 2 };
            let options = Options { amount: Amount::Events(6_000), parts, seed, ..scenario.options() };
            let capture = scenario.generate_in_memory(&options).unwrap();
            let seen = read(capture.parts, is_unclosed, &name);
            check_told(&scenario, options.bits, &seen, &name);
            check_expected(expected, &seen, &name);
            for companion in capture.companions {
                let year = if companion.name == "CBS.log" { "2024-11-1" } else { "1db" };
                assert!(companion.text.lines().all(|line| line.starts_with(year)), "{}", companion.text);
            }
        }
    }
}

macro_rules! quarters {
    ($($name:ident: $quarter:literal,)*) => {
        // Several tests, so that they run side by side.
        $(#[test]
        fn $name() {
            let all = scenario::all().unwrap();
            assert!(all.len() >= 24);
            all.iter().skip($quarter).step_by(4).for_each(check);
        })*
    };
}

quarters! {
    scenarios_read_back_1: 0,
    scenarios_read_back_2: 1,
    scenarios_read_back_3: 2,
    scenarios_read_back_4: 3,
}

#[test]
fn the_same_scenario_gives_the_same_bytes() {
    let scenario = scenario::load(&scenario::directory().join("S04-disk-and-missing.toml")).unwrap();
    let options = Options { amount: Amount::Events(2_500), ..scenario.options() };
    let (first, second) = (scenario.generate_in_memory(&options), scenario.generate_in_memory(&options));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.parts, second.parts);
    assert_eq!(first.companions, second.companions);
    let names: Vec<&str> = first.companions.iter().map(|companion| companion.name).collect();
    assert_eq!(names, ["CBS.log", "poqexec.log"]);
}

fn broken(from: &str, to: &str) -> ScenarioError {
    let path = scenario::directory().join("S08-disk-full.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    Scenario::parse("broken.toml", &text.replace(from, to)).unwrap_err()
}

#[test]
fn errors_tell_where() {
    let error = broken("SetEndOfFileInformationFile", "SetEndOfTheWorld");
    assert_eq!((error.file.as_str(), error.key.as_str()), ("broken.toml", "scene[0].beats[1].op"));
    assert!(error.reason.contains("SetEndOfTheWorld"));
    assert_eq!(broken("0xC0190019", "BAD LUCK").key, "scene[0].beats[3].result");
    assert_eq!(broken("{folder}", "{floder}").key, "scene[0].beats[3].to");
    assert_eq!(broken("actor = \"poqexec.exe\"", "actor = \"poqexec\"").key, "scene[0].actor");
    let error = broken("length = 3", "lenght = 3").to_string();
    assert!(error.contains("line ") && error.contains("lenght"), "{error}");
}

#[test]
fn files_lie_beside_one_another() {
    let directory = tempfile::tempdir().unwrap();
    let scenario = scenario::load(&scenario::directory().join("S05-missing-payload.toml")).unwrap();
    let options = Options { amount: Amount::Events(2_500), parts: 2, ..scenario.options() };
    let paths = scenario.generate(&options, directory.path()).unwrap();
    let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["Bootlog.pml", "Bootlog-1.pml", "CBS.log", "poqexec.log"]);
    assert!(scenario.generate(&options, directory.path()).is_err());
}
