//! The reader gives the fields that the writer took, one by one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pml_fuzz::capture::Capture;
use pml_fuzz::small;
use pml_parser::Log;

fuzz_target!(|capture: Capture<'_>| {
    let bytes = capture.write();
    let log = Log::parse(bytes.as_slice()).expect("it was just written");
    capture.check(&log);
    // A copied log holds all events, byte for byte.
    let copy = small::log(log.view(), usize::MAX, |_| true);
    let copy = Log::parse(copy.as_slice()).expect("it was just written");
    assert_eq!(copy.view().event_count(), log.view().event_count());
    let count = 0..log.view().event_count();
    for (copied, event) in copy.view().events(count.clone()).zip(log.view().events(count)) {
        let (copied, event) = (copied.expect("it was just written"), event.expect("it was just written"));
        assert_eq!(copied.raw(), event.raw());
        assert_eq!(
            copied.process().map(|process| process.name().to_str()),
            event.process().map(|process| process.name().to_str())
        );
    }
});
