//! Any bytes as the files of a case: the target detects, reads and joins the files. A separator line lets one
//! input hold several files.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pml_analyzer::Language;
use pml_analyzer::logs::case::Case;
use pml_analyzer::logs::{LogFile, Signatures};
use std::sync::LazyLock;

static SIGNATURES: LazyLock<Signatures> =
    LazyLock::new(|| Signatures::embedded().expect("they have no mistakes"));

/// What separates files.
const SEPARATOR: &[u8] = b"\n=-=-=-=-=\n";

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let mut files = Vec::new();
    let mut rest = bytes;
    loop {
        let end = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
        let (file, after) = match end {
            Some(end) => (&rest[..end], Some(&rest[end + SEPARATOR.len()..])),
            None => (rest, None),
        };
        files.extend(LogFile::read(&format!("file {}", files.len()), file, &SIGNATURES));
        match after {
            Some(after) => rest = after,
            None => break,
        }
    }
    if files.is_empty() {
        return Corpus::Reject;
    }
    for file in &files {
        assert!(file.reading.damage.count() >= file.reading.damage.stray.lines.len() as u64);
        if let Some((first, last)) = file.reading.span {
            assert!(first.ticks <= last.ticks);
        }
    }
    let case = Case::new(files, &SIGNATURES);
    for finding in &case.findings {
        assert!((0.0..=1.0).contains(&finding.confidence));
        assert!(!finding.proofs.is_empty() || !finding.attempts.is_empty(), "{} without a proof", finding.id);
        for language in [Language::En, Language::Zh] {
            assert!(!finding.title(language).is_empty() && !finding.text(language).is_empty());
        }
    }
    for proof in case.findings.iter().flat_map(|finding| &finding.proofs) {
        assert!(proof.file < case.files.len());
    }
    for &attempt in case.updates.iter().flat_map(|update| &update.attempts) {
        assert!(attempt < case.attempts.len());
    }
    Corpus::Keep
});
