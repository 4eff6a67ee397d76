//! Writes the events table of a capture as Parquet:
//! `cargo run --release --example to_parquet --features mmap,export -- LOG OUT.parquet`.

use pml_parser::export::parquet::{ParquetOptions, write_events};
use pml_parser::export::{ScanOptions, TableOptions};
use pml_parser::{LogSet, NoProgress};
use std::fs::File;
use std::io::BufWriter;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(log), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("name a log and a file to write: Bootlog.pml events.parquet".into());
    };
    let opened = LogSet::open(log)?;
    let threads = std::thread::available_parallelism()?.get();
    let export =
        TableOptions { scan: ScanOptions { threads, ..ScanOptions::default() }, ..TableOptions::default() };
    let options = ParquetOptions { export, ..ParquetOptions::default() };
    let out = BufWriter::new(File::create(out)?);
    let counts = write_events(&opened.set, out, &options, &NoProgress)?;
    opened.check()?;
    println!("{} events written, {} damaged", counts.events(), counts.damage.count);
    Ok(())
}
