//! Parts that were never closed, beside a part that knows their processes.

use crate::logs::{COUNT, HEADER, TABLES, forget_tables, pointer_at, records, records_end};
use libtest_mimic::Failed;
use pml_parser::{Log, LogSet, NoProgress, OpenOptions, RecoverMode};
use std::collections::BTreeMap;
use std::fs;

/// The first events of a log as a sound part, and the others as a part that was never closed.
fn parts_of(whole: &[u8], middle: usize) -> (Vec<u8>, Vec<u8>) {
    let records = records(whole);
    let [array, processes, ..] = TABLES.map(|at| pointer_at(whole, at));
    let entry = (processes - array) / records.len();
    let cut = records_end(&records[..middle]);
    let mut first = whole[..cut].to_vec();
    first.extend(&whole[array..array + middle * entry]);
    let moved = processes - first.len();
    first.extend(&whole[processes..]);
    first[COUNT].copy_from_slice(&(middle as u32).to_le_bytes());
    for (number, at) in TABLES.into_iter().enumerate() {
        let place = if number == 0 { cut } else { pointer_at(whole, at) - moved };
        first[at..at + 8].copy_from_slice(&(place as u64).to_le_bytes());
    }
    let mut second = whole[..HEADER].to_vec();
    second.extend(&whole[records[middle].start()..records_end(&records)]);
    forget_tables(&mut second);
    (first, second)
}

/// Processes of a part that was never closed are named by the part before it, none wrongly. Of the second half of a log, at
/// least `share` percent of the events get the name of their process.
pub(crate) fn second_halves_are_named(whole: &[u8], share: u64) -> Result<(), Failed> {
    let count = Log::parse(whole)?.view().event_count();
    for quarters in [1, 3, 2] {
        let middle = count / 4 * quarters;
        let (right, sure) = named_after(whole, middle)?;
        let all = u64::from(count - middle);
        println!(
            "from {middle}: {right} of {all} events are named, {} %; {sure} with their process",
            right * 100 / all
        );
        let is_half = quarters == 2;
        assert!(
            !is_half || right * 100 >= all * share,
            "{right} of {all} events have the name of their process"
        );
    }
    Ok(())
}

/// How many events after the first `middle` ones get the name of their process, and how many the process itself.
fn named_after(whole: &[u8], middle: u32) -> Result<(u64, u64), Failed> {
    let truth = Log::parse(whole)?;
    let (first, second) = parts_of(whole, middle as usize);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("Bootlog.pml");
    fs::write(&path, first)?;
    fs::write(folder.path().join("Bootlog-1.pml"), second)?;
    let options = OpenOptions { recover: RecoverMode::Always, ..OpenOptions::default() };
    let opened = LogSet::open_files(&[&path], options, &NoProgress).map_err(|error| error.to_string())?;
    let parts: Vec<_> = opened.set.parts().collect();
    let [first, second] = parts[..] else { return Err("not two parts".into()) };
    assert_eq!((first.event_count(), second.event_count()), (middle, truth.view().event_count() - middle));
    let (mut right, mut sure, mut wrong) = (0, 0, BTreeMap::new());
    for (position, event) in (middle..).zip(second.events(0..second.event_count())) {
        let (event, expected) = (event?, truth.view().event(position)?);
        let (named, expected) = (event.process(), expected.process());
        let text =
            |process: Option<pml_parser::Process<'_>>| process.map(|process| process.name().to_string());
        // Of a program whose process stays open, the PID is unknown.
        let pid = |process: Option<pml_parser::Process<'_>>| process.map_or(0, pml_parser::Process::pid);
        match text(named).filter(|name| !name.is_empty()) {
            name if name == text(expected) && [0, pid(expected)].contains(&pid(named)) => {
                right += 1;
                sure += u64::from(pid(named) == pid(expected));
            }
            None => {}
            Some(name) => {
                let wrong = wrong.entry(format!("{name} {} for {:?}", pid(named), text(expected)));
                *wrong.or_insert(0u64) += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "from {middle}: {wrong:?}");
    Ok((right, sure))
}
