//! What text logs are judged by, as data: noise, literals worth noticing, events, sentences of consoles,
//! releases of Windows, and the signatures of causes (`analyzer/knowledge/signatures`).

mod entries;

pub use entries::SignatureKind;
pub(crate) use entries::{Condition, ConsolePhrase, EventEntry, Scope, SignatureEntry};

use crate::knowledge::{KnowledgeError, RemedyEntry, Risk, read_embedded};
use crate::language::Text;
use crate::logs::codes::failures;
use crate::logs::detect::Kind;
use crate::logs::event::Item;
use crate::logs::fields::{after, until};
use aho_corasick::AhoCorasick;
use entries::{Branch, CodeRange, CollectEntry, ItemKind, MarkerEntry, NoiseEntry, Release};
use serde::Deserialize;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// Name and text of each file.
macro_rules! files {
    ($($name:literal,)*) => {
        [$((
            concat!("signatures/", $name),
            include_str!(concat!("../../../knowledge/signatures/", $name)),
        ),)*]
    };
}

const FILES: [(&str, &str); 10] = files![
    "noise.toml",
    "markers.toml",
    "events.toml",
    "console.toml",
    "releases.toml",
    "collect.toml",
    "servicing.toml",
    "client.toml",
    "remedies.toml",
    "labels.toml",
];

/// The shape of every file: each has some of the lists.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    noise: Vec<NoiseEntry>,
    #[serde(default)]
    marker: Vec<MarkerEntry>,
    #[serde(default)]
    event: Vec<EventEntry>,
    #[serde(default)]
    phrase: Vec<ConsolePhrase>,
    #[serde(default)]
    release: Vec<Release>,
    #[serde(default)]
    branch: Vec<Branch>,
    #[serde(default)]
    collect: Vec<CollectEntry>,
    #[serde(default)]
    signature: Vec<SignatureEntry>,
    #[serde(default)]
    remedy: Vec<RemedyEntry>,
    #[serde(default)]
    background: Vec<String>,
    #[serde(default)]
    step_order: Vec<String>,
    #[serde(default)]
    done_by: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    labels: BTreeMap<String, Text>,
}

/// Facts that code derives. Those that begin with a colon's left half are families: `marker:` has the
/// markers' ids.
pub(crate) const FACTS: &[&str] = &[
    // Of an attempt.
    "serviced",
    "servicing-session",
    "wrapper-only",
    "not-serviced",
    "installer-failed",
    "driver-failed",
    "device-install-failed",
    "operation-failed",
    "hydration-failed",
    "item-missing",
    "client-stopped",
    "cancelled",
    "rolled-back",
    "download-failed-before",
    // Of the case.
    "client-old",
    "revision-gap",
    "stack-old",
    "stack-not-applied",
    "store-damaged",
    "store-count-unknown",
    "store-shifting",
    "store-one-component",
    "store-marked",
    "only-reverse-deltas",
    "disk-events",
    "file-system-events",
    "power-lost-in-session",
    "online-only",
    "source-given",
    "source-missing",
    "setup-failed",
    "bug-checks-differ",
    "memory-errors",
    "hardware-errors",
    "program-crashed",
    "task-not-loaded",
    "restarted-by-program",
    "undecoded",
    "never-serviced",
    "failed",
    "search-failed",
    "disk-operation-failed",
    "rollback",
    "cured",
];

/// Something to do.
#[derive(Clone, Copy, Debug)]
pub struct Remedy<'a> {
    /// What it can harm.
    pub risk: Risk,
    /// What to do.
    pub text: &'a Text,
    /// Commands for an elevated prompt.
    pub commands: &'a [String],
    /// Commands for the recovery environment.
    pub offline: &'a [String],
}

/// All that text logs are judged by.
#[derive(Debug)]
pub struct Signatures {
    noise: Vec<NoiseEntry>,
    markers: Vec<MarkerEntry>,
    pub(crate) events: Vec<EventEntry>,
    pub(crate) phrases: Vec<ConsolePhrase>,
    pub(crate) releases: Vec<Release>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) collect: Vec<CollectEntry>,
    pub(crate) signatures: Vec<SignatureEntry>,
    /// Titles of updates that come and go without being noticed: definitions, apps of the Store.
    pub(crate) background: Vec<String>,
    remedies: Vec<RemedyEntry>,
    /// Ids of remedies in the order in which they are tried.
    step_order: Vec<String>,
    /// Clients of the servicing stack by the remedy that they are.
    done_by: BTreeMap<String, Vec<String>>,
    labels: BTreeMap<String, Text>,
    /// All literals of noise and markers, and for each the entry that it belongs to.
    automaton: AhoCorasick,
    owners: Vec<Owner>,
    /// Entries of noise without literals.
    by_code_alone: u128,
}

/// Most entries of noise, and most markers: one bit each.
const MOST_ENTRIES: usize = 128;

#[derive(Clone, Copy, Debug)]
enum Owner {
    Noise(usize),
    Marker(usize),
    /// A literal that a marker needs, by its position.
    Needed(usize, usize),
}

/// What is known of a record from its literals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    pub is_noise: bool,
    /// Positions of the markers that fit.
    pub markers: Vec<usize>,
}

impl Signatures {
    /// The signatures that come with the program.
    ///
    /// # Errors
    /// Never, unless the program was built from files with mistakes, which its tests rule out.
    pub fn embedded() -> Result<Self, Vec<KnowledgeError>> {
        let mut errors = Vec::new();
        let mut all = File::default();
        for (name, text) in FILES {
            match read_embedded::<File>(name, text) {
                Ok(file) => {
                    check(name, text, &file, &mut errors);
                    all.noise.extend(file.noise);
                    all.marker.extend(file.marker);
                    all.event.extend(file.event);
                    all.phrase.extend(file.phrase);
                    all.release.extend(file.release);
                    all.branch.extend(file.branch);
                    all.collect.extend(file.collect);
                    all.signature.extend(file.signature);
                    all.remedy.extend(file.remedy);
                    all.background.extend(file.background);
                    all.step_order.extend(file.step_order);
                    all.done_by.extend(file.done_by);
                    all.labels.extend(file.labels);
                }
                Err(error) => mistake(name, text, error.span().start, error.reason(), &mut errors),
            }
        }
        let markers: BTreeSet<&str> = all.marker.iter().map(|marker| marker.id.as_str()).collect();
        let used = all.signature.iter().flat_map(|signature| {
            let conditions = signature.when.iter().flat_map(|c| [&c.all, &c.any, &c.none]).flatten();
            conditions.chain(signature.raise.iter().flat_map(|raise| &raise.any))
        });
        for fact in used.chain(all.collect.iter().flat_map(|entry| entry.when.iter().flatten())) {
            let name = fact.get_ref().as_str();
            if !FACTS.contains(&name) && !markers.contains(name) {
                errors.push(KnowledgeError {
                    file: "signatures".to_owned(),
                    line: 0,
                    reason: format!("no marker or fact {name:?}"),
                });
            }
        }
        if all.noise.len() > MOST_ENTRIES || all.marker.len() > MOST_ENTRIES {
            let reason = format!("more than {MOST_ENTRIES} entries of noise, or markers");
            errors.push(KnowledgeError { file: "signatures".to_owned(), line: 0, reason });
        }
        all.release.sort_by_key(|release| (release.build, release.revision));
        if errors.is_empty() { Self::compile(all).map_err(|error| vec![error]) } else { Err(errors) }
    }

    fn compile(file: File) -> Result<Self, KnowledgeError> {
        let mut literals: Vec<&str> = Vec::new();
        let mut owners: Vec<Owner> = Vec::new();
        for (at, noise) in file.noise.iter().enumerate() {
            for literal in &noise.any {
                owners.push(Owner::Noise(at));
                literals.push(literal);
            }
        }
        for (at, marker) in file.marker.iter().enumerate() {
            for literal in &marker.any {
                owners.push(Owner::Marker(at));
                literals.push(literal);
            }
            for (needed, literal) in marker.all.iter().enumerate() {
                owners.push(Owner::Needed(at, needed));
                literals.push(literal);
            }
        }
        let automaton = AhoCorasick::new(&literals).map_err(|error| KnowledgeError {
            file: "signatures".to_owned(),
            line: 0,
            reason: error.to_string(),
        })?;
        let alone = file.noise.iter().enumerate().filter(|(_, entry)| entry.any.is_empty());
        Ok(Self {
            by_code_alone: alone.fold(0, |bits, (at, _)| bits | 1 << at),
            automaton,
            owners,
            noise: file.noise,
            markers: file.marker,
            events: file.event,
            phrases: file.phrase,
            releases: file.release,
            branches: file.branch,
            collect: file.collect,
            signatures: file.signature,
            background: file.background,
            remedies: file.remedy,
            step_order: file.step_order,
            done_by: file.done_by,
            labels: file.labels,
        })
    }

    /// Literals of markers of a kind of log: records that hold one are worth a look.
    pub(crate) fn needles(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.markers
            .iter()
            .filter(move |marker| marker.source.has(kind))
            .flat_map(|marker| marker.any.iter().map(String::as_str))
    }

    /// What the literals of a record say: one pass over its text.
    pub(crate) fn judge(&self, kind: Kind, component: &str, text: &str) -> Judged {
        // One bit for each entry; the number of entries is checked when they are read.
        let (mut noise, mut marked, mut needed) = (0u128, 0u128, Vec::new());
        for found in self.automaton.find_overlapping_iter(text) {
            match self.owners.get(found.pattern().as_usize()) {
                Some(&Owner::Noise(at)) => noise |= 1 << at,
                Some(&Owner::Marker(at)) => marked |= 1 << at,
                Some(&Owner::Needed(at, which)) => needed.push((at, which)),
                None => {}
            }
        }
        noise |= self.by_code_alone;
        let codes = OnceCell::new();
        let has_code = |ranges: &[CodeRange]| {
            let codes: &Vec<u32> = codes.get_or_init(|| failures(text));
            ranges.is_empty() || ranges.iter().any(|range| codes.iter().any(|&code| range.has(code)))
        };
        let set = |bits: u128, count: usize| (0..count).filter(move |at| bits >> at & 1 == 1);
        let is_noise = set(noise, self.noise.len()).filter_map(|at| self.noise.get(at)).any(|entry| {
            entry.source.has(kind)
                && (entry.components.is_empty() || entry.components.iter().any(|name| name == component))
                && has_code(&entry.codes)
        });
        let fits = |&at: &usize| {
            self.markers.get(at).is_some_and(|marker| {
                marker.source.has(kind)
                    && (0..marker.all.len()).all(|which| needed.contains(&(at, which)))
                    && has_code(&marker.codes)
            })
        };
        Judged { is_noise, markers: set(marked, self.markers.len()).filter(fits).collect() }
    }

    /// Id and item of a marker that a text fits.
    pub(crate) fn marker(&self, at: usize, text: &str) -> Option<(&str, Option<Item>)> {
        let marker = self.markers.get(at)?;
        let item = marker.item.as_ref().and_then(|entry| {
            let rest = after(text, &entry.after)?;
            let rest = if entry.quoted { rest.split_once(['"', '\''])?.1 } else { rest };
            let name = until(rest, &[',', '[', ' ', '\'', '"', ')']);
            let name = name.trim_start_matches('[').trim_end_matches(['.', ']']).to_owned();
            (!name.is_empty()).then_some(match entry.kind {
                ItemKind::File => Item::File(name),
                ItemKind::Component => Item::Component(name),
                ItemKind::Package => Item::Package(name),
                ItemKind::Installer => Item::Installer(name),
                ItemKind::Driver => Item::Driver(name),
                ItemKind::Device => Item::Device(name),
                ItemKind::Service => Item::Service(name),
            })
        });
        Some((&marker.id, item))
    }

    /// What a remedy of these files is; those that boot logs lead to as well are in the other knowledge.
    pub fn remedy(&self, id: &str) -> Option<Remedy<'_>> {
        let entry = self.remedies.iter().find(|entry| entry.id == id)?;
        let RemedyEntry { risk, text, commands, offline, .. } = entry;
        Some(Remedy { risk: *risk, text, commands, offline })
    }

    /// Whether an attempt by a client of the servicing stack was this remedy.
    pub(crate) fn is_done_by(&self, id: &str, client: &str) -> bool {
        self.done_by
            .get(id)
            .is_some_and(|clients| clients.iter().any(|done| client.starts_with(done.as_str())))
    }

    /// Position of a remedy in the order in which remedies are tried.
    pub(crate) fn step(&self, id: &str) -> Option<usize> {
        self.step_order.iter().position(|step| step == id)
    }

    /// How many signatures there are.
    pub(crate) fn count(&self) -> usize {
        self.signatures.len()
    }

    /// A word of the report on a case.
    pub(crate) fn label(&self, key: &str) -> Option<&Text> {
        self.labels.get(key)
    }

    /// All words of the report on a case.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&str, &Text)> {
        self.labels.iter().map(|(key, text)| (key.as_str(), text))
    }

    /// The branch of a build.
    pub(crate) fn branch(&self, build: u32) -> Option<&Branch> {
        self.branches.iter().find(|branch| branch.build == build || branch.builds.contains(&build))
    }

    /// Months, from year 0, in which a revision can have come out at the earliest and at the latest;
    /// nothing on a side where no known revision bounds it.
    pub(crate) fn month(&self, build: u32, revision: u32) -> (Option<i32>, Option<i32>) {
        let Some(branch) = self.branch(build) else { return (None, None) };
        let of_branch = self.releases.iter().filter(|release| release.build == branch.build);
        let month = |release: &Release| months(&release.month);
        let below = of_branch.clone().rfind(|release| release.revision <= revision);
        let above = of_branch.clone().find(|release| release.revision >= revision);
        (below.and_then(month), above.and_then(month))
    }

    /// The newest known cumulative update of a build that was out in a month from year 0.
    pub(crate) fn newest_of(&self, build: u32, month: i32) -> Option<&str> {
        let branch = self.branch(build)?;
        let of_branch = self.releases.iter().filter(|release| release.build == branch.build);
        // The update of the month itself may have come out after the failure: that before it was out.
        let out = of_branch.filter_map(|release| Some((months(&release.month)?, release.kb.as_deref()?)));
        out.filter(|(own, _)| *own < month).max_by_key(|(own, _)| *own).map(|(_, kb)| kb)
    }

    /// Build and revision that an update brings.
    pub(crate) fn release_of(&self, kb: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.kb.as_deref() == Some(kb))
    }

    /// The update that brings a build and revision.
    pub(crate) fn update_of(&self, (build, revision): (u32, u32)) -> Option<&str> {
        let is_it = |release: &&Release| (release.build, release.revision) == (build, revision);
        self.releases.iter().find(is_it).and_then(|release| release.kb.as_deref())
    }
}

/// `2023-11` as months from year 0.
fn months(text: &str) -> Option<i32> {
    let (year, month) = text.split_once('-')?;
    Some(
        year.parse::<i32>().ok()? * 12
            + month.parse::<i32>().ok().filter(|month| (1..=12).contains(month))?
            - 1,
    )
}

fn mistake(name: &str, text: &str, at: usize, reason: &str, errors: &mut Vec<KnowledgeError>) {
    let line = text.as_bytes().iter().take(at).filter(|&&b| b == b'\n').count() + 1;
    errors.push(KnowledgeError { file: name.to_owned(), line, reason: reason.to_owned() });
}

/// Months that are none, ids that are used twice.
fn check(name: &str, text: &str, file: &File, errors: &mut Vec<KnowledgeError>) {
    for release in &file.release {
        if months(&release.month).is_none() {
            mistake(name, text, 0, &format!("no month {:?}", release.month), errors);
        }
    }
    let mut ids = BTreeSet::new();
    for id in file.signature.iter().map(|entry| &entry.id).chain(file.marker.iter().map(|entry| &entry.id)) {
        if !ids.insert(id) {
            mistake(name, text, 0, &format!("a second {id}"), errors);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;

    fn signatures() -> Signatures {
        Signatures::embedded().unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    #[test]
    fn every_remedy_is_known() {
        let (signatures, knowledge) =
            (signatures(), Knowledge::embedded().unwrap_or_else(|e| panic!("{e:?}")));
        for entry in &signatures.signatures {
            for remedy in &entry.remedies {
                let known = signatures.remedy(remedy).is_some() || knowledge.remedy(remedy).is_some();
                assert!(known, "{}: no remedy {remedy}", entry.id);
            }
            for remedy in &entry.remedies {
                assert!(
                    signatures.step(remedy).is_some(),
                    "{}: {remedy} has no place in step_order",
                    entry.id
                );
            }
            for other in entry.instead_of.iter().chain(&entry.outranks) {
                assert!(
                    signatures.signatures.iter().any(|s| s.id == *other),
                    "{}: no signature {other}",
                    entry.id
                );
            }
        }
    }

    #[test]
    fn months_of_revisions_are_bounded() {
        let signatures = signatures();
        let month = |year: i32, month: i32| Some(year * 12 + month - 1);
        assert_eq!(signatures.month(17763, 5122), (month(2023, 11), month(2023, 11)));
        assert_eq!(signatures.month(17763, 774), (month(2019, 9), month(2019, 10)));
        assert_eq!(signatures.month(19044, 4651), (month(2024, 7), month(2024, 7)));
        assert_eq!(signatures.month(19041, 60_000).1, None);
        assert_eq!(signatures.month(1, 1), (None, None));
    }

    #[test]
    fn noise_needs_its_source_its_code_and_its_words() {
        let signatures = signatures();
        let noise = |kind, component, text| signatures.judge(kind, component, text).is_noise;
        let probe = "Failed to internally open package. [HRESULT = 0x800f0805 - CBS_E_INVALID_PACKAGE]";
        assert!(noise(Kind::Cbs, "CBS", probe));
        assert!(!noise(Kind::WindowsUpdate, "Agent", probe));
        assert!(!noise(Kind::Cbs, "CBS", "Failed to internally open package. [HRESULT = 0x80070490]"));
        assert!(!noise(Kind::Cbs, "CBS", "Failed to stage. [HRESULT = 0x800f0805]"));
        let recorder = r"*FAILED* [80248007] wuauengcore.dll, C:\__w\1\s\src\Client\Engine\Agent\ClientCallRecorder.cpp @792";
        assert!(noise(Kind::WindowsUpdate, "Agent", recorder));
        assert!(!noise(
            Kind::WindowsUpdate,
            "DownloadManager",
            "*FAILED* [80248007] Failed to get the update's metadata"
        ));
        assert!(noise(
            Kind::WindowsUpdate,
            "Handler",
            "*FAILED* [80070032] Method failed [AppxPackage::Initialize:66]"
        ));
        assert!(!noise(Kind::WindowsUpdate, "WebServices", "*FAILED* [80070032] x"));
    }

    #[test]
    fn markers_name_what_they_are_about() {
        let signatures = signatures();
        let text = "Store corruption, manifest missing for package: Package_1_for_KB5001~31bf3856ad364e35~amd64~~1.0.0.1 [HRESULT = 0x800f0831]";
        let judged = signatures.judge(Kind::Cbs, "CBS", text);
        let found: Vec<_> = judged.markers.iter().filter_map(|&at| signatures.marker(at, text)).collect();
        let package = Item::Package("Package_1_for_KB5001~31bf3856ad364e35~amd64~~1.0.0.1".to_owned());
        assert_eq!(found, [("manifest-missing", Some(package))]);
        assert!(signatures.judge(Kind::Dism, "DISM", text).markers.is_empty());
    }
}
