//! The logs that are kept in the repository are what the generator makes today.

use pml_samples::boot::{Amount, Options, generate_in_memory};
use pml_samples::scenario;
use std::path::Path;

/// Compares a kept directory with what was made; the command lines are in README.md.
fn is_kept(directory: &str, made: &[(&str, &[u8])]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs").join(directory);
    let mut names: Vec<_> = made.iter().map(|(name, _)| (*name).to_owned()).collect();
    let kept = std::fs::read_dir(&directory).unwrap();
    let mut kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    kept.sort();
    names.sort();
    assert_eq!(kept, names);
    for (name, bytes) in made {
        let kept = std::fs::read(directory.join(name)).unwrap();
        assert!(&kept == bytes, "{name} differs: make it again as README.md says");
    }
    assert!(made.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 1_500_000);
}

#[test]
fn missing_payload() {
    let options =
        Options { amount: Amount::Events(3_000), parts: 2, seed: 7, frames: 28, ..Options::default() };
    let parts = generate_in_memory(&options).unwrap();
    assert_eq!(parts.len(), 2);
    is_kept("missing-payload", &[("Bootlog.pml", &parts[0]), ("Bootlog-1.pml", &parts[1])]);
}

#[test]
fn disk_and_missing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/S04-disk-and-missing.toml");
    let scenario = scenario::load(&file).unwrap();
    let options = Options { amount: Amount::Events(4_000), seed: 4, frames: 16, ..scenario.options() };
    let capture = scenario.generate_in_memory(&options).unwrap();
    let mut made = vec![("Bootlog.pml", capture.parts[0].as_slice())];
    made.extend(capture.companions.iter().map(|companion| (companion.name, companion.text.as_bytes())));
    is_kept("disk-and-missing", &made);
}
