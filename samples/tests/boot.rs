//! Generated boot logs read back: events, parts, stacks, the mix of operations.

use pml_parser::{Decoded, Event, EventClass, FileTime, Log, LogSet, NtStatus, Resolution, TextOptions};
use pml_samples::boot::{Amount, Bits, Options, Repetition};
use pml_samples::scenario::{generate, generate_in_memory};
use std::collections::{HashMap, HashSet};

fn options(bits: Bits) -> Options {
    Options { amount: Amount::Events(30_000), parts: 3, seed: 11, bits, ..Options::default() }
}

fn set(options: &Options) -> LogSet<Vec<u8>> {
    let parts = generate_in_memory(options).unwrap();
    LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect())
}

fn path(event: &Event<'_>) -> String {
    let mut path = String::new();
    event.push_path(&TextOptions::default(), &mut path);
    path
}

#[test]
fn every_event_reads_back() {
    for bits in [Bits::B64, Bits::B32] {
        let set = set(&options(bits));
        assert!(set.table_damage().is_empty(), "{:?}", set.table_damage());
        assert_eq!(set.event_count(), 30_000);
        let mut previous = FileTime(0);
        let mut detail = String::new();
        for event in set.events() {
            let event = event.unwrap();
            let name = event.operation().name();
            assert!(previous < event.time(), "{name} is not later than the previous event");
            previous = event.time();
            let process = event.process().expect("a process record");
            assert!(process.start() <= event.time(), "{name} of a process that does not exist yet");
            assert!(name != "<Unknown>" && !name.is_empty());
            detail.clear();
            assert_eq!(event.push_detail(&TextOptions::default(), &mut detail), Decoded::Yes, "{name}");
            assert!(!detail.contains("nknown"), "{name}: {detail}");
        }
    }
}

#[test]
fn parts_follow_one_another() {
    let set = set(&options(Bits::B64));
    let parts: Vec<_> = set.parts().collect();
    for pair in parts.windows(2) {
        assert_eq!(pml_parser::mismatch(pair[0], pair[1]), None);
        assert!(pair[0].time_span().unwrap().1 < pair[1].time_span().unwrap().0);
    }
    // All parts have the System process, under different process indexes.
    let indexes: HashSet<u32> = parts.iter().map(|log| log.system_process().unwrap().index()).collect();
    assert_eq!(indexes.len(), 2);
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let small = Options { amount: Amount::Events(2_000), parts: 2, ..Options::default() };
    let first = generate_in_memory(&small).unwrap();
    assert_eq!(first, generate_in_memory(&small).unwrap());
    assert_ne!(first, generate_in_memory(&Options { seed: 2, ..small }).unwrap());
}

#[test]
fn stacks_lead_through_the_modules() {
    for bits in [Bits::B64, Bits::B32] {
        let set = set(&options(bits));
        let (mut frames, mut located, mut distinct) = (0, 0, HashSet::new());
        for event in set.events().map(Result::unwrap) {
            let stack = event.stack();
            distinct.insert(stack.raw().to_vec());
            for address in stack.addresses() {
                frames += 1;
                located += usize::from(event.locate(address, Resolution::Corrected).is_some());
            }
        }
        let mean = frames as f64 / 30_000.0;
        assert!((28.0..40.0).contains(&mean), "{mean} frames");
        assert!(located < frames, "some frames have no module");
        assert!(located * 1000 > frames * 990, "{located} of {frames} frames have a module");
        let share = distinct.len() as f64 / 30_000.0;
        assert!((0.05..0.25).contains(&share), "{share} of the stacks are distinct");
    }
}

#[test]
fn the_mix_is_that_of_a_boot() {
    let set = set(&options(Bits::B64));
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut statuses: HashMap<NtStatus, usize> = HashMap::new();
    let (mut registry, mut chinese) = (0, 0);
    for event in set.events().map(Result::unwrap) {
        *names.entry(event.operation().name()).or_default() += 1;
        *statuses.entry(event.status()).or_default() += 1;
        registry += usize::from(event.class() == EventClass::Registry);
        chinese += usize::from(!path(&event).is_ascii());
    }
    assert!((9_000..21_000).contains(&registry), "{registry} registry events");
    assert!(chinese > 100, "{chinese} paths are not ASCII");
    let wanted = [
        "RegOpenKey",
        "RegQueryValue",
        "RegCloseKey",
        "RegEnumKey",
        "RegEnumValue",
        "RegSetValue",
        "RegLoadKey",
        "CreateFile",
        "ReadFile",
        "WriteFile",
        "CloseFile",
        "QueryDirectory",
        "SetRenameInformationFile",
        "SetLinkInformationFile",
        "SetDispositionInformationFile",
        "SetDispositionInformationEx",
        "CreateFileMapping",
        "FileSystemControl",
        "QueryOpen",
        "Process Create",
        "Process Start",
        "Process Exit",
        "Thread Create",
        "Thread Exit",
        "Load Image",
        "Shutdown",
    ];
    for name in wanted {
        assert!(names.contains_key(name), "no {name} among {names:?}");
    }
    // Not found, buffer too small, no more entries, no more files, end of file, pending.
    for code in [0xC000_0034, 0xC000_0023, 0x8000_001A, 0x8000_0006, 0xC000_0011, 0x103] {
        assert!(statuses.contains_key(&NtStatus(code)), "no {code:#X} among {statuses:?}");
    }
}

#[test]
fn the_default_scenario_is_complete() {
    for amount in [Amount::Events(3_000), Amount::Events(30_000), Amount::Bytes(8 << 20)] {
        let set = set(&Options { amount, ..options(Bits::B64) });
        let events: Vec<_> = set.events().map(Result::unwrap).collect();
        let by = |name: &str| {
            let of = |event: &&Event<'_>| event.process().is_some_and(|p| p.name().to_string() == name);
            events.iter().filter(of).collect::<Vec<_>>()
        };
        let worker = by("TiWorker.exe");
        let missing: Vec<_> = worker
            .iter()
            .filter(|event| event.status().0 == 0xC000_0034 && path(event).ends_with(r"\amstream.dll"))
            .collect();
        assert_eq!(missing.len(), 4);
        assert!(missing.iter().all(|event| event.tid() == missing[0].tid()));
        let renames = worker.iter().filter(|event| {
            event.id() > missing[0].id()
                && event.operation().name() == "SetRenameInformationFile"
                && event.target_path().is_some()
        });
        assert!(renames.count() >= 10);
        // The same file is linked from the newer component first, and from the older one later.
        let links: Vec<_> = events
            .iter()
            .filter(|event| event.operation().name() == "SetLinkInformationFile")
            .filter(|event| {
                event.target_path().is_some_and(|p| p.to_string().ends_with(r"SysWOW64\schannel.dll"))
            })
            .map(path)
            .collect();
        assert!(links[0].contains(".5122_") && links[1].contains(".4355_"), "{links:?}");
        let bad = r"C:\Windows\WinSxS\pending.xml.bad";
        assert!(worker.iter().any(|event| event.target_path().is_some_and(|p| p.to_string() == bad)));
        assert!(by("poqexec.exe").iter().any(|event| event.operation().name() == "Process Exit"));
        assert!(worker.iter().any(|event| event.operation().name() == "Process Exit"), "{amount:?}");
        assert!(by("System").iter().any(|event| event.operation().name() == "Shutdown"));
    }
}

#[test]
fn a_log_has_the_target_size() {
    let wanted = 6 << 20;
    let parts = generate_in_memory(&Options { amount: Amount::Bytes(wanted), ..options(Bits::B64) }).unwrap();
    let size = parts.iter().map(Vec::len).sum::<usize>() as u64;
    assert!((wanted..wanted + wanted / 10).contains(&size), "{size} bytes");
}

#[test]
fn files_are_overwritten_on_request_alone() {
    let directory = tempfile::tempdir().unwrap();
    let small = Options { amount: Amount::Events(300), parts: 2, ..Options::default() };
    let paths = generate(&small, directory.path()).unwrap();
    let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["Bootlog.pml", "Bootlog-1.pml"]);
    let written: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(written, generate_in_memory(&small).unwrap());
    assert!(generate(&small, directory.path()).is_err());
    let forced = Options { overwrite: true, seed: 3, ..small };
    generate(&forced, directory.path()).unwrap();
    // A shorter capture would leave a part of the longer one in the directory.
    assert!(generate(&Options { parts: 1, ..forced }, directory.path()).is_err());
}

/// The bounds are those of real logs.
#[test]
fn stacks_and_texts_repeat_as_in_real_logs() {
    let count = 65_536;
    let (amount, repetition) = (Amount::Events(count), Repetition::Real);
    let set = set(&Options { amount, parts: 1, repetition, ..options(Bits::B64) });
    let (mut stacks, mut paths, mut details) = (HashSet::new(), HashSet::new(), HashSet::new());
    for event in set.events() {
        let event = event.unwrap();
        stacks.insert((event.process_index(), event.stack().addresses().collect::<Vec<_>>()));
        paths.insert(path(&event));
        let mut detail = String::new();
        event.push_detail(&TextOptions::default(), &mut detail);
        details.insert(detail);
    }
    let share = |distinct: usize| distinct as u64 * 1_000 / count;
    let (stacks, paths, details) = (share(stacks.len()), share(paths.len()), share(details.len()));
    assert!((150..=350).contains(&stacks), "stacks: {stacks} per mille");
    assert!((30..=100).contains(&paths), "paths: {paths} per mille");
    assert!((30..=100).contains(&details), "details: {details} per mille");
}
