//! Findings: the signatures that fit attempts and the case, with what proves them.

use super::attempt::{Attempt, Facts, Proof};
use super::facts::Evidence;
use super::servicing;
use crate::component::Component;
use crate::language::{Language, Text};
use crate::logs::codes;
use crate::logs::event::Item;
use crate::logs::fields::build;
use crate::logs::signatures::{Condition, Scope, SignatureEntry, SignatureKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// A cause, or a remark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Id of its signature.
    pub id: String,
    /// Whether it explains, or only remarks.
    pub kind: SignatureKind,
    /// How sure it is, from 0 to 1.
    pub confidence: f64,
    /// Code that it is about.
    pub code: Option<u32>,
    /// The code of what failed inside, where there is one.
    pub deep: Option<u32>,
    /// What it concerns, each once.
    pub items: Vec<Item>,
    /// Attempts that it explains, by position.
    pub attempts: Vec<usize>,
    /// What proves it.
    pub proofs: Vec<Proof>,
    /// Ids of remedies, in order.
    pub remedies: Vec<String>,
    #[serde(skip)]
    title: Text,
    #[serde(skip)]
    text: Text,
    #[serde(skip)]
    values: BTreeMap<&'static str, String>,
}

/// Proofs of one finding that are kept.
const MOST_PROOFS: usize = 400;

/// The signature of failures whose cause no log names.
const OTHER: &str = "TX-CBS-OTHER";

/// Failures of a session that are cited where no cause is known.
const FIRST_FAILURES: usize = 5;

/// Items that a text names; the others are counted.
const NAMED_ITEMS: usize = 5;

impl Finding {
    /// Its title.
    pub fn title(&self, language: Language) -> String {
        self.fill(self.title.get(language))
    }

    /// What it says.
    pub fn text(&self, language: Language) -> String {
        self.fill(self.text.get(language))
    }

    /// Fills in the names in braces. What is between `<<` and `>>` is left out where one of its names has no value.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("<<") {
            let (optional, after) = after.split_once(">>").unwrap_or((after, ""));
            filled.push_str(&self.fill_names(before).0);
            let (optional, is_whole) = self.fill_names(optional);
            if is_whole {
                filled.push_str(&optional);
            }
            rest = after;
        }
        filled + &self.fill_names(rest).0
    }

    /// The text with its names filled in, and whether all of them have a value.
    fn fill_names(&self, text: &str) -> (String, bool) {
        let (mut filled, mut is_whole) = (String::with_capacity(text.len()), true);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                filled.push('{');
                rest = after;
                continue;
            };
            match self.values.get(name) {
                Some(value) => filled.push_str(value),
                // A placeholder of commands, which the report fills in.
                None if matches!(name, "path" | "drive" | "folder" | "key") => {
                    filled.push_str(&format!("{{{name}}}"))
                }
                None => {
                    filled.push('–');
                    is_whole = false;
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        (filled, is_whole)
    }

    fn refresh(&mut self) {
        let hex = |code: Option<u32>| code.map(|code| format!("0x{code:08X}"));
        let mut names: Vec<&str> = self.items.iter().take(NAMED_ITEMS).map(Item::name).collect();
        let more = format!("… (+{})", self.items.len().saturating_sub(NAMED_ITEMS));
        if self.items.len() > NAMED_ITEMS {
            names.push(&more);
        }
        let items = (!names.is_empty()).then(|| names.join(", "));
        let quote = self.proofs.first().map(|proof| proof.quote.clone());
        let deep = hex(self.deep.or(self.code));
        let code = hex(self.code.or(self.deep));
        let values = [("code", code), ("deep", deep), ("items", items), ("quote", quote)];
        self.values.extend(values.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }

    fn prove(&mut self, proof: &Proof) {
        if self.proofs.len() < MOST_PROOFS
            && !self.proofs.iter().any(|p| (p.file, p.line) == (proof.file, proof.line))
        {
            self.proofs.push(proof.clone());
        }
    }
}

/// Facts that hold for an attempt: its own, and those of the case.
struct Known<'a> {
    own: Option<&'a Attempt>,
    case: &'a Facts,
}

impl<'a> Known<'a> {
    fn has(&self, fact: &str) -> bool {
        self.own.is_some_and(|attempt| attempt.facts.has(fact)) || self.case.has(fact)
    }

    fn proofs(&self, fact: &str) -> impl Iterator<Item = &'a Proof> {
        let own = self.own.map_or(&[][..], |attempt| attempt.facts.proofs(fact));
        own.iter().chain(self.case.proofs(fact))
    }

    fn fits(&self, condition: &Condition) -> bool {
        let codes = condition.codes.is_empty()
            || self.own.and_then(|attempt| attempt.code).is_some_and(|code| condition.has_code(code));
        let kb = self.own.and_then(|attempt| attempt.identity.kb.as_ref());
        let kbs = condition.kbs.is_empty() || kb.is_some_and(|kb| condition.kbs.contains(kb));
        let phases = condition.phases.is_empty()
            || self.own.is_some_and(|attempt| condition.phases.contains(&attempt.phase));
        codes
            && kbs
            && phases
            && condition.all.iter().all(|fact| self.has(fact.get_ref()))
            && (condition.any.is_empty() || condition.any.iter().any(|fact| self.has(fact.get_ref())))
            && !condition.none.iter().any(|fact| self.has(fact.get_ref()))
    }
}

/// Facts whose proofs name what failed: in this order they say most.
const NAMING: [&str; 9] = [
    "package-not-in-content",
    "manifest-missing",
    "resolve-failed",
    "pin-failed",
    "item-missing",
    "installer-failed",
    "driver-failed",
    "operation-failed",
    "hydration-failed",
];

/// The findings of a case, the surest cause first, remarks after causes.
pub(crate) fn findings(evidence: &Evidence<'_>, facts: &Facts, explained: &[usize]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for &at in explained {
        let Some(attempt) = evidence.attempts.get(at) else { continue };
        let known = Known { own: Some(attempt), case: facts };
        let fitting: Vec<&SignatureEntry> =
            of_scope(evidence, Scope::Attempt).filter(|s| s.when.iter().any(|c| known.fits(c))).collect();
        let specific =
            |entry: &&&SignatureEntry| !fitting.iter().any(|other| other.instead_of.contains(&entry.id));
        let mut chosen: Vec<&&SignatureEntry> = fitting.iter().filter(specific).collect();
        // What says nothing in particular gives way to whatever says more.
        let best = chosen.iter().map(|entry| entry.confidence).fold(0.0, f64::max);
        chosen.retain(|entry| entry.confidence >= 0.5 || entry.confidence >= best);
        for entry in chosen {
            let finding = of_attempt(entry, at, attempt, &known, &evidence.values);
            merge(&mut findings, finding);
        }
    }
    let known = Known { own: None, case: facts };
    let fitting: Vec<&SignatureEntry> =
        of_scope(evidence, Scope::Case).filter(|s| s.when.iter().any(|c| known.fits(c))).collect();
    for entry in
        fitting.iter().filter(|entry| !fitting.iter().any(|other| other.instead_of.contains(&entry.id)))
    {
        let mut finding = begin(entry, &known, &evidence.values);
        finding.attempts = explained.to_vec();
        finding.refresh();
        findings.push(finding);
    }
    let rank =
        |finding: &Finding| (finding.kind == SignatureKind::Note, -(finding.confidence * 1000.0) as i64);
    findings.sort_by_key(rank);
    rank_by_signature(&mut findings, evidence);
    name_step(&mut findings, evidence);
    findings
}

/// Moves causes before those that their signatures outrank, however sure those are.
fn rank_by_signature(findings: &mut Vec<Finding>, evidence: &Evidence<'_>) {
    for entry in evidence.signatures.signatures.iter().filter(|entry| !entry.outranks.is_empty()) {
        let Some(own) = findings.iter().position(|finding| finding.id == entry.id) else { continue };
        let outranked = findings.iter().position(|finding| entry.outranks.contains(&finding.id));
        if let Some(first) = outranked.filter(|first| *first < own) {
            let finding = findings.remove(own);
            findings.insert(first, finding);
        }
    }
}

/// Names the first cumulative update after that of the machine that brought one of the components concerned.
fn name_step(findings: &mut [Finding], evidence: &Evidence<'_>) {
    let version = |item: &Item| -> Option<(u32, u32)> {
        let component = Component::parse(item.name().split('\\').next()?)?;
        build(&component.version)
    };
    let has = evidence.machine.revision.unwrap_or(0);
    let versions = findings.iter().flat_map(|finding| &finding.items).filter_map(version);
    let releases = versions.filter(|version| version.1 > has).filter_map(|(build, revision)| {
        let releases = evidence.signatures.releases.iter();
        releases
            .filter(|release| (release.build, release.revision) == (build, revision))
            .find_map(|r| r.kb.as_ref().map(|kb| (revision, kb)))
    });
    let Some((_, kb)) = releases.min() else { return };
    let kb = kb.clone();
    for finding in findings.iter_mut() {
        finding.values.insert("step-kb", kb.clone());
    }
}

fn of_scope<'a>(evidence: &Evidence<'a>, scope: Scope) -> impl Iterator<Item = &'a SignatureEntry> {
    evidence.signatures.signatures.iter().filter(move |entry| entry.scope == scope)
}

/// A finding of a signature, with the proofs of the facts that its fitting conditions name.
fn begin(entry: &SignatureEntry, known: &Known<'_>, values: &BTreeMap<&'static str, String>) -> Finding {
    let raised = entry.raise.iter().filter(|raise| raise.any.iter().any(|fact| known.has(fact.get_ref())));
    let confidence = raised.clone().map(|raise| raise.confidence).fold(entry.confidence, f64::max);
    let mut finding = Finding {
        id: entry.id.clone(),
        kind: entry.kind,
        confidence,
        code: None,
        deep: None,
        items: Vec::new(),
        attempts: Vec::new(),
        proofs: Vec::new(),
        remedies: entry.remedies.clone(),
        title: entry.title.clone(),
        text: entry.text.clone(),
        values: values.clone(),
    };
    let conditions = entry.when.iter().filter(|condition| known.fits(condition));
    let named = conditions.flat_map(|condition| condition.all.iter().chain(&condition.any));
    let facts: Vec<&str> =
        named.chain(raised.flat_map(|raise| &raise.any)).map(|fact| fact.get_ref().as_str()).collect();
    let proofs: Vec<&Proof> =
        facts.iter().filter(|fact| **fact != "failed").flat_map(|fact| known.proofs(fact)).collect();
    finding.items = servicing::items(proofs.iter().copied());
    finding.deep = codes::best(proofs.iter().filter_map(|proof| proof.code));
    proofs.iter().for_each(|proof| finding.prove(proof));
    finding
}

fn of_attempt(
    entry: &SignatureEntry,
    at: usize,
    attempt: &Attempt,
    known: &Known<'_>,
    values: &BTreeMap<&'static str, String>,
) -> Finding {
    let mut finding = begin(entry, known, values);
    finding.attempts.push(at);
    finding.code = attempt.code;
    // What the attempt names as failed with its own code belongs to it, whatever fact the condition asks for.
    if finding.items.is_empty()
        || entry.id.starts_with("TX-CBS-NOTFOUND")
        || entry.id.starts_with("TX-CBS-PSFX")
        || entry.id.starts_with("TX-CBS-MANIFEST")
    {
        let fits = |proof: &&Proof| {
            proof.code.is_none()
                || proof.code == attempt.code
                || is_absence(proof.code)
                || is_inner(proof.code)
        };
        let proofs =
            NAMING.iter().flat_map(|fact| attempt.facts.proofs(fact)).filter(fits).collect::<Vec<_>>();
        finding.items = servicing::items(finding.proofs.iter().chain(proofs.iter().copied()));
        if finding.deep.is_none() {
            finding.deep = codes::best(proofs.iter().filter_map(|proof| proof.code));
        }
        proofs.into_iter().for_each(|proof| finding.prove(proof));
    }
    if entry.id == OTHER {
        // Nothing names a cause; the first failures of the session are what there is to read.
        attempt.facts.proofs("failure").iter().take(FIRST_FAILURES).for_each(|proof| finding.prove(proof));
    }
    // A session that waited for a restart proves nothing about what failed after it.
    let is_failed = |proof: &&Proof| proof.code.is_none_or(codes::is_failure);
    attempt.proofs.iter().filter(is_failed).for_each(|proof| finding.prove(proof));
    finding.refresh();
    finding
}

/// Whether a code says that something is not there.
fn is_absence(code: Option<u32>) -> bool {
    matches!(code, Some(0xC000_0034 | 0xC000_003A | 0xC000_000F | 0x8007_0002 | 0x8007_0003 | 0x8007_0490))
}

/// Whether a code is of the component layer, which the outcome wraps.
fn is_inner(code: Option<u32>) -> bool {
    code.is_some_and(|code| code >> 28 == 0xC || client_code(code))
}

fn client_code(code: u32) -> bool {
    super::client::is_servicing_code(code)
}

/// Puts findings of the same signature about different attempts together where the code is the same, or
/// no attempt has another finding.
fn merge(findings: &mut Vec<Finding>, finding: Finding) {
    let same = findings.iter_mut().find(|other| other.id == finding.id && other.code == finding.code);
    match same {
        None => findings.push(finding),
        Some(other) => {
            for item in finding.items {
                if !other.items.contains(&item) {
                    other.items.push(item);
                }
            }
            other.confidence = other.confidence.max(finding.confidence);
            other.attempts.extend(finding.attempts);
            other.deep = other.deep.or(finding.deep);
            finding.proofs.iter().for_each(|proof| other.prove(proof));
            other.refresh();
        }
    }
}
