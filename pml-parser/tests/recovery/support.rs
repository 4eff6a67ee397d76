//! What the tests compare: the events and processes of a recovered log with those of the whole log.

use crate::logs::Record;
use libtest_mimic::Failed;
use pml_parser::export::ScanOptions;
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::{Log, LogSet, LogView, NoProgress, Process, Recovery};
use std::io::{Read, Seek, SeekFrom};

pub(crate) fn recovered(bytes: &[u8]) -> Log<&[u8]> {
    Log::recover(bytes).unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn recovery(log: &Log<&[u8]>) -> Recovery {
    log.view().recovery().unwrap().clone()
}

/// Where the events of a log are, in their order.
pub(crate) fn offsets(log: LogView<'_>) -> Vec<usize> {
    log.events(0..log.event_count()).map(|event| event.unwrap().offset() as usize).collect()
}

pub(crate) fn sorted(mut offsets: Vec<usize>) -> Vec<usize> {
    offsets.sort_unstable();
    offsets
}

/// Exactly these records were found.
pub(crate) fn assert_found<'r>(
    log: &Log<&[u8]>,
    expected: impl IntoIterator<Item = &'r Record>,
    context: &str,
) {
    let expected = sorted(expected.into_iter().map(Record::start).collect());
    let found = sorted(offsets(log.view()));
    let first = found.iter().zip(&expected).position(|(a, b)| a != b);
    assert!(
        found == expected,
        "{context}: {} found, {} expected, first difference at {first:?}: {:?}",
        found.len(),
        expected.len(),
        recovery(log)
    );
}

/// All that a process says of itself.
pub(crate) fn identity(process: Process<'_>) -> Vec<String> {
    let texts = [
        process.name(),
        process.image_path(),
        process.command_line(),
        process.user(),
        process.integrity(),
        process.company(),
    ];
    let mut identity: Vec<String> = texts.iter().map(ToString::to_string).collect();
    identity.push(format!(
        "{} {} {} {} {:?} {:?} {:?} {}",
        process.pid(),
        process.parent_pid(),
        process.session(),
        process.authentication_id(),
        process.start(),
        process.end(),
        process.virtualized(),
        process.is_64_bit(),
    ));
    identity
}

/// The same processes with the same modules.
pub(crate) fn assert_same_processes(a: LogView<'_>, b: LogView<'_>) {
    assert_eq!(a.process_count(), b.process_count());
    for (a, b) in a.processes().zip(b.processes()) {
        assert_eq!((a.index(), identity(a)), (b.index(), identity(b)));
        let modules = |process: Process<'_>| -> Vec<_> {
            process.modules().map(|m| (m.base, m.size, m.load_time, m.path().to_string())).collect()
        };
        assert_eq!(modules(a), modules(b));
    }
}

pub(crate) fn read_back(mut file: std::fs::File) -> Result<Vec<u8>, Failed> {
    let mut written = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut written)?;
    Ok(written)
}

/// All of a capture as a log.
pub(crate) fn sliced<B: AsRef<[u8]> + Sync>(set: &LogSet<B>) -> Result<Log<Vec<u8>>, Failed> {
    let file = tempfile::tempfile()?;
    let options =
        SliceOptions { scan: ScanOptions { threads: 2, ..ScanOptions::default() }, part_bytes: u64::MAX };
    slice(set, &options, |_| file.try_clone(), &NoProgress).map_err(|e| e.to_string())?;
    Ok(Log::parse(read_back(file)?).map_err(|e| e.to_string())?)
}
