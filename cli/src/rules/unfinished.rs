//! What is still to be done in the rules of a knowledge directory: TODOs, and scenarios that do not exist.

use super::scenarios_beside;
use crate::failure::Failure;
use pml_analyzer::{Knowledge, Rule};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Sentences about the rules that are in files of the directory, each with file and line.
pub(super) fn unfinished(
    directory: &Path,
    knowledge: &Knowledge,
    chosen: &[&Rule],
) -> Result<Vec<String>, Failure> {
    let known = match scenarios_beside(directory) {
        Some(folder) => Some((scenarios(&folder)?, folder)),
        None => None,
    };
    let mut found = Vec::new();
    for rule in chosen {
        let file = format!("rules/{}.toml", rule.id());
        let path = directory.join(&file);
        // A rule of the program, or one in a file of another name.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (at, line) in text.lines().enumerate().filter(|(_, line)| line.contains("TODO")) {
            let key = line.split('=').next().filter(|key| key.len() < line.len()).map(str::trim);
            let place = key.map(|key| format!(" in {key}")).unwrap_or_default();
            found.push(format!("{file}:{}: a TODO is left{place}", at + 1));
        }
        let Some((ids, folder)) = &known else { continue };
        let (fires, silent) = knowledge.rule(rule.id()).map(Rule::scenarios).unwrap_or_default();
        for (key, names) in [("fires_in", fires), ("silent_in", silent)] {
            let line = text.lines().position(|line| line.starts_with(key)).map_or(1, |at| at + 1);
            for name in names.iter().filter(|name| !ids.contains(*name)) {
                let folder = folder.display();
                found.push(format!("{file}:{line}: {key} names {name}, and {folder} has no such scenario"));
            }
        }
    }
    Ok(found)
}

/// Ids of the scenarios of a folder, and of their variants: `S04`, `S04/drive-d`.
fn scenarios(folder: &Path) -> Result<BTreeSet<String>, Failure> {
    let failed = |e| Failure::of_io(folder, &e);
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".toml") && !name.ends_with(".expect.toml") && path.is_file() {
            found.extend(ids(&fs::read_to_string(&path).map_err(|e| Failure::of_io(&path, &e))?));
        }
    }
    Ok(found)
}

/// The id of a scenario file, and those of its variants.
fn ids(text: &str) -> Vec<String> {
    let value = |line: &str, key: &str| {
        let rest = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
        Some(rest.split(['"', '\'']).nth(1)?.to_owned())
    };
    let (mut id, mut variants, mut section) = (String::new(), Vec::new(), "");
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.trim_end();
        } else if section.is_empty() {
            id = value(line, "id").unwrap_or(id);
        } else if section == "[[variant]]" {
            variants.extend(value(line, "name"));
        }
    }
    let variants = variants.into_iter().map(|name| format!("{id}/{name}"));
    std::iter::once(id.clone()).chain(variants).collect()
}
