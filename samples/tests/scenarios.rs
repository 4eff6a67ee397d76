//! The log of every scenario and variant contains what its script says.

use pml_parser::{Decoded, Log, LogSet, Number, TextOptions};
use pml_samples::boot::{Amount, Bits, Options};
use pml_samples::scenario::Companions;
use pml_samples::scenario::{self, Expectation, Scenario, ScenarioError};
use std::collections::HashMap;
use std::path::Path;

/// The part of an event that scenarios determine.
#[derive(Debug)]
struct Row {
    process: String,
    pid: u32,
    operation: &'static str,
    path: String,
    target: Option<String>,
    status: u32,
    /// With what its process ends.
    exit: Option<u64>,
}

fn read(parts: Vec<Vec<u8>>, is_unclosed: bool, name: &str) -> Vec<Row> {
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
    let (mut rows, mut previous) = (Vec::new(), None);
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
        rows.push(Row {
            process: process.name().to_string(),
            pid: process.pid(),
            operation: event.operation().name(),
            path,
            target: event.target_path().map(|target| without_prefix(&target.to_string()).to_owned()),
            status: event.status().0,
            exit: event.numbers().get(Number::ExitStatus),
        });
    }
    rows
}

/// Each thread of each role does all of its scripted operations, in order.
fn check_scripted(scenario: &Scenario, bits: Bits, rows: &[Row], name: &str) {
    let mut position: HashMap<(String, usize), usize> = HashMap::new();
    let mut pid: HashMap<String, u32> = HashMap::new();
    for scripted in scenario.scripted(bits).unwrap() {
        let from = position.entry((scripted.role.clone(), scripted.thread)).or_default();
        let known = pid.get(&scripted.role).copied();
        let found = rows.iter().enumerate().skip(*from).find(|(_, event)| {
            event.process == scripted.process
                && known.is_none_or(|pid| pid == event.pid)
                && event.operation == scripted.operation
                && event.path == scripted.path
                && event.status == scripted.status.0
                && event.target.as_deref() == scripted.target.as_deref().map(without_prefix)
        });
        let Some((at, event)) = found else {
            let near: Vec<_> = rows
                .iter()
                .filter(|event| event.process == scripted.process && event.path == scripted.path)
                .collect();
            panic!("{name}: {scripted:?} is not in the log after event {from}: {near:?}")
        };
        *from = at + 1;
        pid.insert(scripted.role.clone(), event.pid);
    }
}

/// A path without the prefix of native paths.
fn without_prefix(path: &str) -> &str {
    path.trim_start_matches(r"\??\")
}

fn check_expected(expected: &Expectation, rows: &[Row], name: &str) {
    for finding in &expected.finding {
        for process in finding.process.iter().chain(&finding.blames) {
            assert!(rows.iter().any(|event| &event.process == process), "{name}: no {process}");
        }
        for part in finding.path.iter().chain(&finding.component) {
            let is_there = |event: &Row| {
                event.path.contains(part.as_str()) || event.target.as_ref().is_some_and(|t| t.contains(part))
            };
            assert!(rows.iter().any(is_there), "{name}: no path with {part}");
        }
        if let (Some(status), Some(process)) = (finding.status, &finding.process) {
            let has =
                |event: &Row| event.status == status || event.exit.map(|exit| exit as u32) == Some(status);
            let met = |event: &Row| has(event) && &event.process == process;
            assert!(rows.iter().any(met), "{name}: {process} never met {status:#X}");
        }
    }
}

fn expectations(scenario: &Scenario) -> Vec<Expectation> {
    let path = Path::new(scenario.file()).with_extension("expect.toml");
    scenario::expectations(&path).unwrap_or_else(|error| panic!("{error}"))
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
            // An unclosed part has no tables: its processes are known from its own events alone.
            let is_unclosed = scenario.is_unclosed().unwrap();
            let parts = if is_unclosed { 1 } else { 2 };
            let options = Options { amount: Amount::Events(6_000), parts, seed, ..scenario.options() };
            let capture = scenario.generate_in_memory(&options).unwrap();
            let rows = read(capture.parts, is_unclosed, &name);
            check_scripted(&scenario, options.bits, &rows, &name);
            check_expected(expected, &rows, &name);
            for companion in capture.companions {
                let year = if companion.name == "CBS.log" { "2024-11-1" } else { "1db" };
                assert!(companion.text.lines().all(|line| line.starts_with(year)), "{}", companion.text);
            }
        }
    }
}

macro_rules! quarters {
    ($($name:ident: $quarter:literal,)*) => {
        // Several tests, so that they run in parallel.
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

/// A directory with these files: name, and the id of the scenario in it.
fn directory_of(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(scenario::directory().join("S01-healthy.toml")).unwrap();
    assert!(text.contains("id = \"S01\""));
    for (name, id) in files {
        let text = text.replace("id = \"S01\"", &format!("id = \"{id}\""));
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

#[test]
fn a_directory_has_no_two_scenarios_with_one_id() {
    let directory = directory_of(&[("a.toml", "S28"), ("b.toml", "S29")]);
    let ids: Vec<_> = scenario::load_directory(directory.path()).unwrap();
    assert_eq!(ids.iter().map(Scenario::id).collect::<Vec<_>>(), ["S28", "S29"]);
    let directory = directory_of(&[("a.toml", "S28"), ("b.toml", "S28")]);
    let error = scenario::load_directory(directory.path()).unwrap_err();
    assert_eq!(error.reason, "two scenarios are called S28: a.toml and b.toml");
}

#[test]
fn expectations_belong_to_a_scenario() {
    let directory = directory_of(&[("a.toml", "S28"), ("a.expect.toml", "S28")]);
    assert_eq!(scenario::load_directory(directory.path()).unwrap().len(), 1);
    let directory = directory_of(&[("a.toml", "S28"), ("b.expect.toml", "S28")]);
    let error = scenario::load_directory(directory.path()).unwrap_err();
    assert_eq!(error.reason, "b.expect.toml belongs to no scenario: there is no b.toml");
}

#[test]
fn variants_have_different_names() {
    let error = broken(
        "id = \"S08\"",
        "id = \"S08\"\nvariant = [{ name = \"x\", title = \"x\" }, { name = \"x\", title = \"y\" }]",
    );
    assert_eq!(error.to_string(), "broken.toml: variant: two variants are called \"x\"");
}

fn broken(from: &str, to: &str) -> ScenarioError {
    let path = scenario::directory().join("S08-disk-full.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    Scenario::parse("broken.toml", &text.replace(from, to)).unwrap_err()
}

#[test]
fn errors_name_the_key() {
    let error = broken("SetEndOfFileInformationFile", "SetEndOfTheWorld");
    assert_eq!((error.file.as_str(), error.key.as_str()), ("broken.toml", "step[0].actions[1].op"));
    assert!(error.reason.contains("SetEndOfTheWorld"));
    assert_eq!(broken("0xC0190019", "BAD LUCK").key, "step[0].actions[3].result");
    assert_eq!(broken("{folder}", "{floder}").key, "step[0].actions[3].to");
    assert_eq!(broken("process = \"poqexec.exe\"", "process = \"poqexec\"").key, "step[0].process");
    let error = broken("length = 3", "lenght = 3").to_string();
    assert!(error.contains("line ") && error.contains("lenght"), "{error}");
}

#[test]
fn parts_and_text_logs_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let scenario = scenario::load(&scenario::directory().join("S05-missing-payload.toml")).unwrap();
    let options = Options { amount: Amount::Events(2_500), parts: 2, ..scenario.options() };
    let paths = scenario.generate(&options, Companions::OfBoot, directory.path()).unwrap();
    let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["Bootlog.pml", "Bootlog-1.pml", "CBS.log", "poqexec.log"]);
    assert!(scenario.generate(&options, Companions::OfBoot, directory.path()).is_err());
}

#[test]
fn logs_of_all_kinds_have_the_lines_of_the_boot_and_the_size_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let scenario = scenario::load(&scenario::directory().join("S05-missing-payload.toml")).unwrap();
    let options = Options { amount: Amount::Events(2_500), overwrite: true, ..scenario.options() };
    let in_memory = scenario.generate_in_memory(&options).unwrap();
    let of_boot = &in_memory.companions.iter().find(|log| log.name == "CBS.log").unwrap().text;
    for size in [0, 300_000] {
        let paths = scenario.generate(&options, Companions::OfAllKinds(size), directory.path()).unwrap();
        assert!(paths.len() > 8, "{paths:?}");
        let text = std::fs::read_to_string(directory.path().join("CBS.log")).unwrap();
        assert!(text.contains(of_boot.as_str()));
        for path in &paths {
            let bytes = path.metadata().unwrap().len();
            let grows = !["Bootlog.pml", "poqexec.log", "sfc.txt"].iter().any(|name| path.ends_with(name));
            if grows {
                assert!(bytes >= size && bytes < size + 40_000, "{}: {bytes}", path.display());
            }
        }
    }
}
