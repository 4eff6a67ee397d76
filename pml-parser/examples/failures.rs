//! Prints every failed file operation of a capture: `cargo run --example failures --features mmap -- LOG`.

use pml_parser::{EventClass, LogSet};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a log: Bootlog.pml")?;
    let opened = LogSet::open(path)?;
    for event in opened.set.events() {
        // A damaged event is one error, and the next event can still be read.
        let Ok(event) = event else { continue };
        if event.class() == EventClass::FileSystem && event.status().is_error() {
            let process = event.process().map(|process| process.name().to_string()).unwrap_or_default();
            println!(
                "{} {process} {} {} {}",
                event.time(),
                event.operation().name(),
                event.path(),
                event.status()
            );
        }
    }
    // Bytes of the file that could not be read were taken for zeros, so check before trusting the results.
    opened.check()?;
    Ok(())
}
