//! `pml sql-init`: views and macros for DuckDB over the tables that `pml convert` has written, or over logs.

use crate::args::SqlInitArgs;
use crate::failure::Failure;
use crate::status::{Done, stdout_done};
use pml_parser::columns::{EVENTS, TABLES};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

/// The macros, with a place for the views.
const MACROS: &str = include_str!("sql/duckdb.sql");

/// Where the views go.
const VIEWS: &str = "{views}";

/// Runs the command.
pub(crate) fn init(args: &SqlInitArgs) -> Result<Done, Failure> {
    let tables = match args.logs {
        true => args.folder.display().to_string(),
        false => tables(&args.folder)?,
    };
    let mut views = String::new();
    for table in &TABLES {
        let name = table.name;
        let source = match args.logs {
            true if name == EVENTS.name => format!("read_pml({})", quoted(&tables)),
            true => format!("pml_{name}({})", quoted(&tables)),
            false => quoted(&format!("{tables}/{name}.parquet")),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(views, "CREATE OR REPLACE VIEW {name} AS FROM {source};");
    }
    let text = MACROS.replace(VIEWS, views.trim_end());
    stdout_done(io::stdout().write_all(text.as_bytes()))
}

/// A text of SQL: a quotation mark in it is written twice.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The folder of the tables, or a pattern of the folders of many captures.
fn tables(folder: &Path) -> Result<String, Failure> {
    let events = format!("{}.parquet", EVENTS.name);
    let shown = folder.display();
    if folder.join(&events).is_file() {
        return Ok(shown.to_string());
    }
    let entries = folder.read_dir().map_err(|e| Failure::of_io(folder, &e))?;
    match entries.flatten().any(|entry| entry.path().join(&events).is_file()) {
        true => Ok(format!("{shown}/*")),
        false => Err(Failure::new(format!("{shown}: there is no {events} in it or one folder below it"))
            .hint(format!("make it with pml convert LOG -o {shown}"))),
    }
}
