//! Reads a knowledge directory.

use crate::failure::Failure;
use crate::status::warn;
use pml_analyzer::{Knowledge, KnowledgeError, bundle};
use std::fs;
use std::path::Path;

/// The program's knowledge with the files of a directory: a table replaces the table of the same name, a rule
/// replaces the rule with its id or is added. Warns of old ids in these files.
pub(crate) fn read(directory: Option<&Path>) -> Result<Knowledge, Failure> {
    let own = match directory {
        Some(directory) => files(directory)?,
        None => Vec::new(),
    };
    let knowledge = Knowledge::with(&own).map_err(failure)?;
    knowledge.old_ids().iter().for_each(|old| warn(&old.to_string()));
    Ok(knowledge)
}

/// A number of the files of a knowledge directory.
pub(crate) fn number(directory: &Path) -> Result<u32, Failure> {
    let files = files(directory)?;
    let bytes: Vec<u8> = files
        .iter()
        .flat_map(|(name, text)| [name.as_bytes(), b"\0", text.as_bytes(), b"\0"].concat())
        .collect();
    Ok(bundle::short_hash(&bytes))
}

/// One failure that lists all mistakes, each with its file and line.
pub(crate) fn failure(errors: Vec<KnowledgeError>) -> Failure {
    let lines: Vec<String> = errors.iter().map(KnowledgeError::to_string).collect();
    Failure::new(lines.join("\npml: "))
}

/// Name and text of each file, as in a knowledge directory: tables, and the rules below `rules`.
fn files(directory: &Path) -> Result<Vec<(String, String)>, Failure> {
    /// The most bytes of a file; a table of knowledge has some tens of thousands.
    const LARGEST: u64 = 4 << 20;
    let mut found = Vec::new();
    for folder in ["", "rules"] {
        let path = if folder.is_empty() { directory.to_owned() } else { directory.join(folder) };
        let entries = match fs::read_dir(&path) {
            Err(_) if folder == "rules" && !path.exists() => continue,
            entries => entries.map_err(|e| Failure::of_io(&path, &e))?,
        };
        for entry in entries {
            let path = entry.map_err(|e| Failure::of_io(&path, &e))?.path();
            let is_known = path.extension().is_some_and(|e| e == "toml" || e == "tsv");
            let metadata = fs::metadata(&path).map_err(|e| Failure::of_io(&path, &e))?;
            if !is_known || !metadata.is_file() {
                continue;
            }
            if metadata.len() > LARGEST {
                return Err(Failure::new(format!(
                    "{}: is too large for a file of knowledge",
                    path.display()
                )));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let text = fs::read_to_string(&path).map_err(|e| Failure::of_io(&path, &e))?;
            // Some editors on Windows begin UTF-8 with a byte order mark.
            found.push((name, text.trim_start_matches('\u{FEFF}').to_owned()));
        }
    }
    found.sort();
    Ok(found)
}
