//! The logs that are kept in the repository are what the generator makes today.

use pml_samples::boot::{Amount, Options, generate_in_memory};
use std::path::Path;

#[test]
fn missing_payload() {
    // The command line is in README.md.
    let options =
        Options { amount: Amount::Events(3_000), parts: 2, seed: 7, frames: 28, ..Options::default() };
    let parts = generate_in_memory(&options).unwrap();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs/missing-payload");
    for (name, bytes) in ["Bootlog.pml", "Bootlog-1.pml"].iter().zip(&parts) {
        let kept = std::fs::read(directory.join(name)).unwrap();
        assert!(&kept == bytes, "{name} differs: make it again as README.md says");
    }
    assert!(parts.iter().map(Vec::len).sum::<usize>() < 1_500_000);
}
