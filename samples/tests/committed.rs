//! The committed logs are equal to what the generator makes now.

use pml_samples::boot::{Amount, Options};
use pml_samples::scenario::{self, generate_in_memory};
use std::path::Path;

/// Compares a committed directory with generated files; README.md has the commands.
fn check(directory: &str, generated: &[(&str, &[u8])]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs").join(directory);
    let mut names: Vec<_> = generated.iter().map(|(name, _)| (*name).to_owned()).collect();
    let entries = std::fs::read_dir(&directory).unwrap();
    let mut committed: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    committed.sort();
    names.sort();
    assert_eq!(committed, names);
    for (name, bytes) in generated {
        let committed = std::fs::read(directory.join(name)).unwrap();
        assert!(&committed == bytes, "{name} differs: generate it again as README.md says");
    }
    assert!(generated.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 1_500_000);
}

#[test]
fn missing_payload() {
    let options =
        Options { amount: Amount::Events(3_000), parts: 2, seed: 7, frames: 28, ..Options::default() };
    let parts = generate_in_memory(&options).unwrap();
    assert_eq!(parts.len(), 2);
    check("missing-payload", &[("Bootlog.pml", &parts[0]), ("Bootlog-1.pml", &parts[1])]);
}

#[test]
fn disk_and_missing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/S04-disk-and-missing.toml");
    let scenario = scenario::load(&file).unwrap();
    let options = Options { amount: Amount::Events(4_000), seed: 4, frames: 16, ..scenario.options() };
    let capture = scenario.generate_in_memory(&options).unwrap();
    let mut generated = vec![("Bootlog.pml", capture.parts[0].as_slice())];
    generated.extend(capture.companions.iter().map(|companion| (companion.name, companion.text.as_bytes())));
    check("disk-and-missing", &generated);
}
