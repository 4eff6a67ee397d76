//! Damages a raw boot log: all events that are left can be read, within bounds, and become a log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pml_fuzz::reading::{self, Budget};
use pml_parser::write::LogWriter;
use pml_parser::{Drives, Log, NoProgress};
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let log = match Log::read_raw_boot(bytes, &Drives::default(), &NoProgress) {
        Ok(log) => log,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let view = log.view();
    let mut pml = LogWriter::like(Cursor::new(Vec::new()), view).expect("memory takes every log");
    for event in view.events(0..view.event_count()) {
        let event = event.expect("every record of a raw boot log was read before");
        pml.copy_event(&event, |index| index).expect("memory takes every event");
    }
    let pml =
        Log::parse(pml.finish().expect("memory takes every log").into_inner()).expect("it was just written");
    assert_eq!(pml.view().event_count(), view.event_count());
    for (ours, theirs) in view.events(0..view.event_count()).zip(pml.view().events(0..view.event_count())) {
        let (Ok(ours), Ok(theirs)) = (ours, theirs) else { continue };
        assert_eq!(
            (ours.time(), ours.status(), ours.duration()),
            (theirs.time(), theirs.status(), theirs.duration())
        );
        assert_eq!(ours.extra(), theirs.extra());
    }
    reading::log(log, &mut Budget::new(Budget::USUAL));
});
