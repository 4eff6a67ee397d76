//! What a run over many captures keeps of each one in a file, so that `--resume` does not analyze it again.

use crate::failure::Failure;
use crate::fleet::folder::Folder;
use crate::output::PendingFile;
use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use pml_analyzer::fleet::FleetEntry;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// The folder of the files, among the tables. Its name does not look like that of an incomplete output.
const KEPT: &str = ".pml-kept";

/// The ending of their names.
const ENDING: &str = "kept";

/// The most bytes of a first line: a report with all its lines has some hundred thousand.
const LONGEST: u64 = 256 << 20;

/// The program that wrote a file.
const TOOL: &str = concat!("pml ", env!("CARGO_PKG_VERSION"));

/// How the analysis of a capture or case ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Its entry on the page over all reports.
    pub entry: FleetEntry,
    pub lost: bool,
    pub rolled_back: bool,
    /// The report, unless it has a file.
    pub text: Option<String>,
}

/// What a run keeps of a capture or case.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub ended: Ended,
    /// Its rows: name of the table, id, and batch.
    pub tables: Vec<(String, String, RecordBatch)>,
}

/// The first line of a file; a stream of Arrow for each table follows.
#[derive(Serialize, Deserialize)]
struct Head {
    tool: String,
    /// The logs and the options.
    made_from: String,
    ended: Ended,
    /// Name and id of each table.
    tables: Vec<(String, String)>,
}

impl Record {
    pub(super) fn new(entry: FleetEntry) -> Self {
        Self { ended: Ended { entry, lost: false, rolled_back: false, text: None }, tables: Vec::new() }
    }

    fn path(folder: &Folder, id: &str) -> PathBuf {
        folder.path().join(KEPT).join(format!("{id}.{ENDING}"))
    }

    /// What an earlier run has kept, if it was of the same logs, options and program. A file that cannot be read counts as
    /// none: the analysis is then done again.
    pub(super) fn read(folder: &Folder, id: &str, made_from: &str) -> Option<Self> {
        let mut file = BufReader::new(File::open(Self::path(folder, id)).ok()?);
        let mut line = Vec::new();
        (&mut file).take(LONGEST).read_until(b'\n', &mut line).ok()?;
        let head: Head = serde_json::from_slice(&line).ok()?;
        if head.tool != TOOL || head.made_from != made_from {
            return None;
        }
        let mut tables = Vec::new();
        for (table, id) in head.tables {
            let mut stream = StreamReader::try_new(&mut file, None).ok()?;
            let batch = stream.next()?.ok()?;
            // Reads the mark of the end.
            if stream.next().is_some() {
                return None;
            }
            tables.push((table, id, batch));
        }
        Some(Self { ended: head.ended, tables })
    }

    /// Keeps it.
    pub(super) fn write(&self, folder: &Folder, id: &str, made_from: &str) -> Result<(), Failure> {
        let path = Self::path(folder, id);
        let file = PendingFile::create(&path, true)?;
        let tables = self.tables.iter().map(|(table, id, _)| (table.clone(), id.clone())).collect();
        let head = Head {
            tool: TOOL.to_owned(),
            made_from: made_from.to_owned(),
            ended: self.ended.clone(),
            tables,
        };
        let write = || -> io::Result<()> {
            let mut out = file.writer()?;
            serde_json::to_writer(&mut out, &head)?;
            out.write_all(b"\n")?;
            for (.., batch) in &self.tables {
                let mut stream =
                    StreamWriter::try_new(&mut out, &batch.schema()).map_err(io::Error::other)?;
                stream.write(batch).and_then(|()| stream.finish()).map_err(io::Error::other)?;
            }
            out.flush()
        };
        write().map_err(|e| Failure::of_io(&path, &e))?;
        file.finish().map(drop)
    }
}

/// Makes the folder of the files. What is in it is removed unless the run goes on with it.
pub(super) fn prepare(folder: &Folder, goes_on: bool) -> Result<(), Failure> {
    let path = folder.path().join(KEPT);
    let failed = |e: io::Error| Failure::of_io(&path, &e);
    match fs::create_dir(&path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(failed)?,
    }
    crate::output::remove_incomplete(&path).map_err(failed)?;
    if goes_on {
        return Ok(());
    }
    for entry in fs::read_dir(&path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if Path::new(&file).extension().is_some_and(|ending| ending == ENDING) {
            fs::remove_file(&file).map_err(failed)?;
        }
    }
    Ok(())
}
