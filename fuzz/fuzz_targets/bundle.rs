//! A bundle of any members, and any bytes as a zip file or a 7z file: the target finds what is in it, reads and visits all logs, and
//! unpacks all captures.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pml_analyzer::bundle;
use pml_analyzer::logs::case::Case;
use pml_analyzer::logs::{Kind, Signatures};
use pml_fuzz::zip_file;
use pml_parser::NoProgress;
use std::path::PathBuf;
use std::sync::LazyLock;

static SIGNATURES: LazyLock<Signatures> =
    LazyLock::new(|| Signatures::embedded().expect("they have no mistakes"));

/// The file that each input becomes: bundles are read from files only.
static PLACE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("pml-fuzz-{}.zip", std::process::id())));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let packed = match bytes {
        [b'P', b'K', ..] => bytes.to_vec(),
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => zip_file::repaired_7z(bytes),
        _ => zip_file::of(bytes),
    };
    std::fs::write(&*PLACE, packed).expect("the temporary folder can be written to");
    let found = bundle::find(std::slice::from_ref(&*PLACE), false, &NoProgress).expect("nothing cancels");
    let mut is_read = false;
    for case in found.cases {
        let mut files = Vec::new();
        for log in &case.logs {
            files.extend(log.read(&SIGNATURES).into_iter().flatten());
            // Of an event log, the line is the number of the record, which a forged one may begin at 0.
            let _ = log.visit(&mut |_, kind, record| {
                assert!(record.line > 0 || matches!(kind, Kind::Evtx | Kind::EventXml));
            });
        }
        is_read |= !files.is_empty() || !case.captures.is_empty();
        let case_files = files.len();
        let case_of_logs = Case::new(files, &SIGNATURES);
        assert!(case_of_logs.files.len() <= case_files);
        for capture in &case.captures {
            let Ok(files) = capture.files(&NoProgress) else { continue };
            assert!(files.paths().iter().all(|path| path.starts_with(std::env::temp_dir())));
        }
    }
    if is_read { Corpus::Keep } else { Corpus::Reject }
});
