//! Says why an update was rolled back: `cargo run -p pml-analyzer --features bundle --example triage -- LOG…`.
//! An input may be a log, a folder or a zip file of a collector.

use pml_analyzer::{Knowledge, Language, Origin, Report, TriageOptions, bundle, triage};
use pml_parser::{LogSet, NoProgress, OpenOptions};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let inputs: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    // Mistakes can only be in custom files of knowledge.
    let knowledge = Knowledge::embedded().map_err(|mistakes| format!("{mistakes:?}"))?;
    for capture in bundle::find(&inputs, false, &NoProgress)?.cases.into_iter().flat_map(|case| case.captures)
    {
        // What was unpacked from a zip file goes away with `files`.
        let files = capture.files(&NoProgress)?;
        let opened = if files.is_complete() {
            LogSet::open_found(files.paths(), &OpenOptions::default(), &NoProgress)?
        } else {
            LogSet::open_files(files.paths(), OpenOptions::default(), &NoProgress)?
        };
        let options = TriageOptions { threads: 4, parts_missing: opened.lost_parts };
        let triage = triage(&opened.set, &knowledge, options, &NoProgress)?;
        let origin = Origin { name: capture.name().to_owned(), ..Origin::default() };
        let report = Report::new(&opened.set, &triage, &knowledge, &origin, Language::En);
        // What could not be read has been taken for zeros.
        opened.check()?;
        println!("{}: {}", capture.name(), report.headline);
        for finding in &report.findings {
            println!("{}. {} ({:.0} %)", finding.rank, finding.title, finding.confidence * 100.0);
            println!("   {}", finding.text);
        }
    }
    Ok(())
}
