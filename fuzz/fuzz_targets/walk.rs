//! Any bytes as a log: everything that can be read is read, within bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pml_fuzz::reading::{self, Budget};
use pml_parser::Log;

fuzz_target!(|bytes: &[u8]| {
    match Log::parse(bytes) {
        Ok(log) => reading::log(log, &mut Budget::new(Budget::USUAL)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
