//! Which logs are parts of one capture: names propose them, and their contents decide.

use super::map;
use super::parts::{Proposal, capture_name, folder_of, likely_number, logs_beside, part_number_of, proposal};
use crate::log::Log;
use crate::log::kinship::{Identity, Mismatch};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A log that may be a part of a capture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub path: &'a Path,
    pub identity: &'a Identity,
}

impl Member<'_> {
    /// Whether this log comes before another one: by the numbers of parts, otherwise by time.
    fn is_before(self, other: Member<'_>) -> bool {
        if proposal(self.path, other.path) == Proposal::Parts {
            let order = |member: Member<'_>| (likely_number(member.path), member.identity.begin());
            return order(self) <= order(other);
        }
        self.identity.begin() <= other.identity.begin()
    }

    /// Why the two logs cannot be parts of one capture.
    pub(super) fn mismatch(self, other: Member<'_>) -> Option<Mismatch> {
        let (earlier, later) = if self.is_before(other) { (self, other) } else { (other, self) };
        earlier.identity.mismatch(later.identity)
    }

    /// Whether one of the two logs continues the other.
    pub(super) fn continues(self, other: Member<'_>) -> bool {
        self.identity.is_continued_by(other.identity) || other.identity.is_continued_by(self.identity)
    }
}

/// A log in the search for captures.
#[derive(Debug)]
pub struct Candidate {
    path: PathBuf,
    /// `None` for a file that does not open.
    identity: Option<Identity>,
}

impl Candidate {
    /// The log in a file, which may lie elsewhere than at `path`: the path gives its name and its folder.
    pub fn read(file: &Path, path: PathBuf) -> Self {
        Self { identity: identity(file), path }
    }

    /// A log that cannot be read: only its name says where it belongs.
    pub fn unreadable(path: PathBuf) -> Self {
        Self { path, identity: None }
    }

    fn member(&self) -> Option<Member<'_>> {
        self.identity.as_ref().map(|identity| Member { path: &self.path, identity })
    }
}

/// Whether logs are read into memory to see where they belong.
static ONLY_MEMORY: AtomicBool = AtomicBool::new(false);

/// The largest log that is read into memory for that.
const LARGEST_IN_MEMORY: u64 = 256 << 20;

/// From now on, a search for captures maps no log, because a map installs a handler of signals or exceptions
/// ([`map`]). For libraries in the process of another program. Logs of up to 256 MiB are read into memory instead; larger ones
/// belong where their names say.
pub fn search_without_maps() {
    ONLY_MEMORY.store(true, Ordering::Relaxed);
}

/// Divides logs into captures: the parts of each, the first one first. Only logs of one folder are parts of one
/// capture. A file that does not open belongs to the capture whose name it has.
pub fn captures(paths: &[PathBuf]) -> Vec<Vec<PathBuf>> {
    let mut folders: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for path in paths {
        folders.entry(folder_of(path)).or_default().push(path);
    }
    let mut captures = Vec::new();
    for mut paths in folders.into_values() {
        paths.sort();
        paths.dedup();
        let is_single = paths.len() == 1;
        let candidate = |path: &Path| match is_single {
            true => Candidate::unreadable(path.to_owned()),
            false => Candidate::read(path, path.to_owned()),
        };
        captures.extend(group(paths.into_iter().map(candidate).collect()));
    }
    captures
}

/// Divides the logs of one folder into captures: the parts of each, the first one first.
pub fn group(mut left: Vec<Candidate>) -> Vec<Vec<PathBuf>> {
    let order = |log: &Candidate| (capture_name(&log.path), part_number_of(&log.path), log.path.clone());
    left.sort_by_cached_key(order);
    let mut captures = Vec::new();
    while !left.is_empty() {
        let mut capture = vec![left.remove(0)];
        while let Some(at) = left.iter().position(|log| belongs(log, &capture)) {
            capture.push(left.remove(at));
        }
        // Parts that were found by their contents come in the order of time.
        let is_numbered = |log: &Candidate| {
            capture.first().is_some_and(|first| proposal(&first.path, &log.path) == Proposal::Parts)
        };
        if !capture.iter().all(is_numbered) {
            capture.sort_by_key(|log| log.identity.as_ref().and_then(Identity::begin));
        }
        captures.push(capture.into_iter().map(|log| log.path).collect());
    }
    captures
}

/// The captures of some logs, with the parts that lie beside them. A log whose name has nothing in common with those of
/// the given ones is no part. A file that is given twice counts once.
pub fn captures_of(named: Vec<PathBuf>) -> Vec<Vec<PathBuf>> {
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let mut known = HashSet::new();
    for path in named {
        if known.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
            folders.entry(folder_of(&path).to_owned()).or_default().push(path);
        }
    }
    let mut found = Vec::new();
    for named in folders.into_values() {
        let beside = named.first().and_then(|path| logs_beside(path).ok()).unwrap_or_default();
        let names: HashSet<_> = named.iter().map(|path| path.file_name()).collect();
        let is_proposed = |log: &&PathBuf| named.iter().any(|named| proposal(named, log) < Proposal::Nothing);
        let is_new = |log: &&PathBuf| !names.contains(&log.file_name());
        let beside: Vec<PathBuf> = beside.iter().filter(is_new).filter(is_proposed).cloned().collect();
        let all: Vec<PathBuf> = named.iter().cloned().chain(beside).collect();
        let given: HashSet<&PathBuf> = named.iter().collect();
        let has_named = |capture: &Vec<PathBuf>| capture.iter().any(|part| given.contains(part));
        found.extend(captures(&all).into_iter().filter(has_named));
    }
    found
}

/// Whether a log belongs to a capture, as far as it is known.
fn belongs(log: &Candidate, capture: &[Candidate]) -> bool {
    let is_proposed =
        || capture.first().is_some_and(|first| proposal(&first.path, &log.path) == Proposal::Parts);
    let Some(member) = log.member() else { return is_proposed() };
    let mut others = capture.iter().filter_map(Candidate::member);
    if others.clone().any(|other| member.mismatch(other).is_some()) {
        return false;
    }
    others.any(|other| member.continues(other)) || is_proposed()
}

/// What a file says about its capture, if the file opens.
fn identity(path: &Path) -> Option<Identity> {
    let map = match ONLY_MEMORY.load(Ordering::Relaxed) {
        false => map(path).ok()?,
        true if fs::metadata(path).ok()?.len() <= LARGEST_IN_MEMORY => map::read(path).ok()?,
        true => return None,
    };
    let log = Log::parse(map.clone()).ok()?;
    let identity = Identity::of(log.view());
    map.fault().is_none().then_some(identity)
}
