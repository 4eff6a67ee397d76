//! Attempts to install something, with the lines that prove their outcome.

use super::phase::Phase;
use super::placing::{At, Placing, at, time_at};
use crate::logs::LogFile;
use crate::logs::codes;
use crate::logs::event::{Item, LogEvent, Stage};
use crate::logs::time::LogTime;
use serde::Serialize;
use std::collections::BTreeMap;

/// A line or record that proves something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The file, by its position.
    pub file: usize,
    /// Line, from 1; of an event log, the number of the record.
    pub line: u32,
    /// When, where it is known.
    pub at: Option<At>,
    /// What it says.
    pub quote: String,
    /// The code in it.
    pub code: Option<u32>,
    /// What it names.
    pub item: Option<Item>,
}

/// How an attempt came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It is done but for a restart.
    WaitsForRestart,
    /// It succeeded.
    Installed,
}

impl Outcome {
    /// Whether nothing was installed.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }
}

/// What an update is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Its KB number.
    pub kb: Option<String>,
    /// Its package.
    pub package: Option<String>,
    /// Its identifier.
    pub guid: Option<String>,
    /// Its title.
    pub title: Option<String>,
}

impl Identity {
    /// Whether both can be the same update: nothing that both have differs.
    pub(crate) fn is_compatible(&self, other: &Self) -> bool {
        let fits = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => true,
        };
        fits(&self.kb, &other.kb) && fits(&self.guid, &other.guid) && fits(&self.package, &other.package)
    }

    /// Whether both are the same update for sure: something that both have is equal.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        };
        same(&self.kb, &other.kb) || same(&self.guid, &other.guid) || same(&self.package, &other.package)
    }

    /// Whether there is no name at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.kb.is_none() && self.package.is_none() && self.guid.is_none()
    }

    /// Takes over what the other has and this has not.
    pub(crate) fn complete(&mut self, other: &Self) {
        let take = |mine: &mut Option<String>, theirs: &Option<String>| {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        };
        take(&mut self.kb, &other.kb);
        take(&mut self.package, &other.package);
        take(&mut self.guid, &other.guid);
        take(&mut self.title, &other.title);
    }
}

/// Whether an update comes and goes without being noticed: definitions of a virus scanner, or an app of the
/// Store, whose titles begin with the number of a product. `words` are what titles and callers of such
/// updates hold.
pub(crate) fn is_background(identity: &Identity, caller: &str, words: &[String]) -> bool {
    let title = identity.title.as_deref().unwrap_or_default();
    let is_product = |number: &str| {
        number.len() == 12
            && number.starts_with('9')
            && number.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    title.split_once('-').is_some_and(|(number, _)| is_product(number))
        || words.iter().any(|words| title.contains(words.as_str()) || caller.contains(words.as_str()))
        || identity.kb.as_ref().is_some_and(|kb| words.contains(kb))
}

/// Facts with what proves each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts(BTreeMap<String, Vec<Proof>>);

/// Proofs that are kept of one fact.
const MOST_PROOFS: usize = 200;

impl Facts {
    pub(crate) fn note(&mut self, fact: &str, proof: Option<Proof>) {
        let proofs = match self.0.get_mut(fact) {
            Some(proofs) => proofs,
            None => self.0.entry(fact.to_owned()).or_default(),
        };
        if proofs.len() < MOST_PROOFS {
            proofs.extend(proof);
        }
    }

    pub(crate) fn has(&self, fact: &str) -> bool {
        self.0.contains_key(fact)
    }

    pub(crate) fn proofs(&self, fact: &str) -> &[Proof] {
        self.0.get(fact).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (fact, proofs) in &other.0 {
            self.note(fact, None);
            proofs.iter().for_each(|proof| self.note(fact, Some(proof.clone())));
        }
    }
}

/// What logs two parts of an attempt are joined by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinedBy {
    /// The same update, at the same time.
    UpdateAndTime,
    /// The same code, at the same time.
    CodeAndTime,
    /// The same update and code, where times cannot be compared.
    UpdateAndCode,
}

/// Another log that reports the same attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Joined {
    /// What they are joined by.
    pub by: JoinedBy,
    /// The file, by its position.
    pub file: usize,
    /// Line, or number of the record.
    pub line: u32,
}

/// An attempt to find, download or install something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// When it began, as far as is known.
    pub first: Option<At>,
    /// When it ended.
    pub last: Option<At>,
    /// What was installed.
    pub identity: Identity,
    /// How far it got.
    pub phase: Phase,
    /// How it came out.
    pub outcome: Outcome,
    /// The code that says most about how it came out.
    pub code: Option<u32>,
    /// All codes that it came out with.
    pub codes: Vec<u32>,
    /// The stage that the servicing stack began last while Windows ran.
    pub stage: Option<Stage>,
    /// The client of the session of the servicing stack, or the caller.
    pub client: Option<String>,
    /// What proves how it came out.
    pub proofs: Vec<Proof>,
    /// Other logs that report the same attempt.
    pub joined: Vec<Joined>,
    /// Whether it is of an update that comes and goes without being noticed, such as definitions.
    pub background: bool,
    #[serde(skip)]
    pub(crate) facts: Facts,
    /// Session of the servicing stack.
    #[serde(skip)]
    pub(crate) session: Option<String>,
}

impl Attempt {
    /// Id of the session of the servicing stack, where one worked on it.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref().filter(|session| !session.is_empty())
    }

    pub(crate) fn new(phase: Phase, outcome: Outcome) -> Self {
        Self {
            first: None,
            last: None,
            identity: Identity::default(),
            phase,
            outcome,
            code: None,
            codes: Vec::new(),
            stage: None,
            client: None,
            proofs: Vec::new(),
            joined: Vec::new(),
            background: false,
            facts: Facts::default(),
            session: None,
        }
    }

    /// Adds codes that it came out with, and chooses the one that says most.
    pub(crate) fn add_codes(&mut self, codes: impl IntoIterator<Item = u32>) {
        for code in codes.into_iter().filter(|&code| codes::is_failure(code)) {
            if !self.codes.contains(&code) {
                self.codes.push(code);
            }
        }
        self.code = codes::best(self.codes.iter().copied());
    }

    /// Adds a proof of how it came out; its time is one of the attempt.
    pub(crate) fn prove(&mut self, proof: Proof) {
        self.touch(proof.at);
        if self.proofs.len() < MOST_PROOFS
            && !self.proofs.iter().any(|p| (p.file, p.line) == (proof.file, proof.line))
        {
            self.proofs.push(proof);
        }
    }

    /// Widens the span of time.
    pub(crate) fn touch(&mut self, at: Option<At>) {
        let Some(at) = at else { return };
        if self.first.is_none_or(|first| first.is_utc == at.is_utc && at < first) {
            self.first = Some(at);
        }
        if self.last.is_none_or(|last| last.is_utc == at.is_utc && at > last) {
            self.last = Some(at);
        }
    }

    /// How far two attempts are apart in time, in ticks; nothing where times cannot be compared.
    pub(crate) fn distance(&self, other: &Self) -> Option<i64> {
        let (a, b) = (self.first?, self.last?);
        let (c, d) = (other.first?, other.last?);
        a.distance(c)?;
        Some((c.ticks - b.ticks).max(a.ticks - d.ticks).max(0))
    }
}

/// A file of a case with what its times need to be placed.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub files: &'a [LogFile],
    pub placings: &'a [Placing],
    pub file: usize,
}

impl<'a> Placed<'a> {
    pub(crate) fn events(&self) -> &'a [LogEvent] {
        self.files.get(self.file).map_or(&[], |file| file.events.as_slice())
    }

    pub(crate) fn at(&self, event: &LogEvent) -> Option<At> {
        at(event, self.file, self.files, self.placings)
    }

    pub(crate) fn time_at(&self, time: LogTime, line: u32) -> Option<At> {
        time_at(time, line, self.file, self.files, self.placings)
    }

    pub(crate) fn proof(&self, event: &LogEvent) -> Proof {
        Proof {
            file: self.file,
            line: event.line,
            at: self.at(event),
            quote: event.quote.clone(),
            code: None,
            item: None,
        }
    }

    pub(crate) fn proof_of(&self, event: &LogEvent, code: Option<u32>, item: Option<Item>) -> Proof {
        Proof { code, item, ..self.proof(event) }
    }
}
