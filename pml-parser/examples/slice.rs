//! Cuts the events that an expression selects out of a capture, as a smaller log:
//! `cargo run --example slice --features mmap,export -- LOG OUT.pml 'result = error'`.

use pml_parser::export::ScanOptions;
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::{Filter, LogSet, NoProgress};
use std::fs::File;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [log, out, expression] = arguments.as_slice() else {
        return Err(
            "name a log, a file to write, and an expression: Bootlog.pml small.pml 'result = error'".into()
        );
    };
    let opened = LogSet::open(log)?;
    let scan = ScanOptions { filter: Some(Filter::parse(expression)?), ..ScanOptions::default() };
    let options = SliceOptions { scan, part_bytes: SliceOptions::PART_BYTES };
    // A slice over 4 GiB goes on in further parts; this example writes one.
    let create = |part: u32| match part {
        0 => File::create(out),
        _ => Err(std::io::Error::other("the slice needs a second part")),
    };
    let counts = slice(&opened.set, &options, create, &NoProgress)?;
    opened.check()?;
    println!("{} of {} events kept", counts.kept, counts.looked_at);
    Ok(())
}
