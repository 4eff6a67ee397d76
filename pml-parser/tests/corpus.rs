//! Real logs against Process Monitor's own CSV exports of them, cell by cell.
//!
//! The corpus is not part of this project (see `pml_samples::corpus`). Where it is missing, these
//! tests are counted as ignored.

use libtest_mimic::{Arguments, Failed, Trial};
use pml_parser::{Cell, Fidelity, Log, LogSet, TextOptions};
use pml_samples::corpus;
use std::process::ExitCode;

fn main() -> ExitCode {
    let missing = corpus::directory().is_none();
    if missing {
        eprintln!("no corpus found (set {}): corpus tests are ignored", corpus::VARIABLE);
    }
    let trials = corpus::LOGS
        .into_iter()
        .map(|name| {
            Trial::test(format!("{name}_equals_the_export"), move || equals_export(name))
                .with_ignored_flag(missing)
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn equals_export(name: &str) -> Result<(), Failed> {
    let log = Log::parse(corpus::read(&format!("{name}.pml"))?).map_err(|e| e.to_string())?;
    let export = corpus::read(&format!("{name}.csv"))?;
    let set = LogSet::new(vec![log]);
    let options = TextOptions { fidelity: Fidelity::Procmon, ..TextOptions::default() };
    let first = set.time_span().ok_or("no event")?.0;

    let text = export.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&export);
    let mut csv = csv::ReaderBuilder::new().from_reader(text);
    let titles = csv.headers()?.clone();
    let columns: Vec<Cell> = titles
        .iter()
        .map(|title| Cell::all().find(|cell| cell.title() == title).ok_or(format!("no column {title}")))
        .collect::<Result<_, _>>()?;

    let (mut cell_text, mut differences, mut events) = (String::new(), Vec::new(), set.events());
    let mut rows = 0u64;
    for row in csv.records() {
        let row = row?;
        let event = events.next().ok_or("the export has more rows")?.map_err(|e| e.to_string())?;
        for (column, theirs) in columns.iter().zip(row.iter()) {
            cell_text.clear();
            event.push_cell(*column, first, &options, &mut cell_text);
            let ours = cell_text.replace('\n', ";");
            if ours != theirs {
                differences.push(format!(
                    "row {rows} {} {}:\n  ours    {ours:?}\n  procmon {theirs:?}",
                    event.operation().name(),
                    column.title()
                ));
            }
        }
        rows += 1;
    }
    if events.next().is_some() {
        return Err("the export has fewer rows".into());
    }
    if differences.is_empty() {
        return Ok(());
    }
    differences.truncate(20);
    Err(format!("{} cells of {rows} rows differ:\n{}", differences.len(), differences.join("\n")).into())
}
