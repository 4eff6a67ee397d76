//! One event with any details, in a log that is whole: all operations are reached at once.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pml_fuzz::body::Body;
use pml_fuzz::reading::{self, Budget};
use pml_parser::Log;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some(body) = Body::read(input) else { return Corpus::Reject };
    let bytes = body.log();
    let log = Log::parse(bytes.as_slice()).expect("it was just written");
    body.check(&log);
    reading::log(log, &mut Budget::new(Budget::USUAL));
    Corpus::Keep
});
