//! Any bytes as the chunks of an event log with a sound header.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pml_analyzer::logs::{LogFile, Signatures};
use pml_fuzz::event_log;
use std::sync::LazyLock;

static SIGNATURES: LazyLock<Signatures> =
    LazyLock::new(|| Signatures::embedded().expect("they have no mistakes"));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let files = LogFile::read("System.evtx", &event_log::file(bytes), &SIGNATURES);
    let [file] = &files[..] else { panic!("an event log") };
    // A record that says nothing is a record all the same.
    let read = file.reading.records + file.reading.damage.stray.count;
    if read == 0 { Corpus::Reject } else { Corpus::Keep }
});
