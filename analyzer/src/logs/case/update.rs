//! One story per update: the reports of several logs on one attempt are joined, and all attempts at one
//! update are grouped.

use super::attempt::{Attempt, Identity, Joined, JoinedBy, Outcome};
use super::phase::Phase;
use crate::component::Package;
use crate::logs::codes;
use crate::logs::signatures::Signatures;
use crate::logs::time::MINUTE;
use serde::Serialize;

/// Two logs report one attempt at most that far apart.
pub(crate) const CLOSE: i64 = 2 * MINUTE;

/// The update client reports a failed restart at most that long after the restart.
const AFTER_RESTART: i64 = 12 * 60 * MINUTE;

/// The queue of pending operations runs that close to what CBS.log says of the same restart.
const SAME_RESTART: i64 = 10 * MINUTE;

/// An update with all attempts at it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Update {
    /// What it is called.
    pub identity: Identity,
    /// Build and revision that it brings, where they are known.
    pub brings: Option<(u32, u32)>,
    /// How it came out in the end; nothing where the logs do not say.
    pub outcome: Outcome,
    /// Whether it was undone by a restart and not installed since.
    pub rolled_back: bool,
    /// The code of the last failure.
    pub code: Option<u32>,
    /// How far the last failure got, or the success.
    pub phase: Phase,
    /// Attempts in order, by position.
    pub attempts: Vec<usize>,
    /// Attempts whose update no log names, and which are taken for this one since there is no other.
    pub assumed: Vec<usize>,
    /// The attempt that succeeded after failures, by position: of this update, or of a later one that
    /// contains it.
    pub cured_by: Option<usize>,
    /// Whether it comes and goes without being noticed.
    pub background: bool,
}

impl Update {
    /// Whether it failed and nothing has made it good.
    pub fn is_failed(&self) -> bool {
        self.outcome.is_failure() && self.cured_by.is_none()
    }
}

/// Whether two logs report the same attempt, and what shows that.
fn same_attempt(a: &Attempt, b: &Attempt) -> Option<JoinedBy> {
    let shares_file = a.proofs.iter().any(|proof| b.proofs.iter().any(|other| other.file == proof.file));
    if shares_file
        || a.outcome.is_failure() != b.outcome.is_failure()
        || (a.phase == Phase::Scan) != (b.phase == Phase::Scan)
    {
        return None;
    }
    let same = a.identity.is_same(&b.identity);
    let compatible = a.identity.is_compatible(&b.identity);
    if !compatible {
        return None;
    }
    let shared = a.codes.iter().any(|code| b.codes.contains(code));
    let silent = |attempt: &Attempt| attempt.codes.iter().all(|&code| codes::wrapping(code) > 0);
    let codes_fit = shared || silent(a) || silent(b);
    let restart = |attempt: &Attempt| attempt.phase >= Phase::Boot;
    match a.distance(b) {
        // The update client reports a rollback when it searches again.
        Some(distance) if same && shared && (restart(a) || restart(b)) && distance <= AFTER_RESTART => {
            Some(JoinedBy::UpdateAndTime)
        }
        Some(distance) if same && codes_fit && distance <= CLOSE => Some(JoinedBy::UpdateAndTime),
        Some(distance)
            if distance <= CLOSE && (shared || a.outcome == b.outcome && !a.outcome.is_failure()) =>
        {
            Some(JoinedBy::CodeAndTime)
        }
        Some(distance) if distance <= SAME_RESTART && restart(a) && restart(b) && codes_fit => {
            Some(JoinedBy::CodeAndTime)
        }
        None if same && (shared || a.outcome == b.outcome && !a.outcome.is_failure()) => {
            Some(JoinedBy::UpdateAndCode)
        }
        _ => None,
    }
}

/// Joins attempts of different logs. Those of the servicing stack come first: they know most.
pub(crate) fn join(lists: Vec<Vec<Attempt>>) -> Vec<Attempt> {
    let mut joined: Vec<Attempt> = Vec::new();
    for list in lists {
        let begin = joined.len();
        for attempt in list {
            // Attempts of one log follow each other: they are never the same.
            let known = joined.get(..begin).unwrap_or_default();
            let nearest = known
                .iter()
                .enumerate()
                .filter_map(|(at, other)| {
                    Some((at, same_attempt(other, &attempt)?, other.distance(&attempt)))
                })
                .min_by_key(|(_, by, distance)| (*by as usize, *distance));
            match nearest.and_then(|(at, by, _)| Some((joined.get_mut(at)?, by))) {
                Some((other, by)) => absorb(other, attempt, by),
                None => joined.push(attempt),
            }
        }
    }
    // An attempt that waited for its restart ends with that.
    joined.sort_by_key(|attempt| attempt.last.map(|at| at.ticks));
    drop_made_good_searches(&mut joined);
    joined
}

/// Searches that failed before one that succeeded say nothing, and neither does the one that succeeded.
fn drop_made_good_searches(attempts: &mut Vec<Attempt>) {
    let last =
        attempts.iter().rposition(|attempt| attempt.phase == Phase::Scan && !attempt.outcome.is_failure());
    let mut at = 0;
    attempts.retain(|attempt| {
        let keep = attempt.phase != Phase::Scan || last.is_none_or(|last| at > last);
        at += 1;
        keep
    });
}

pub(crate) fn absorb(into: &mut Attempt, other: Attempt, by: JoinedBy) {
    into.identity.complete(&other.identity);
    into.phase = into.phase.max(other.phase);
    into.add_codes(other.codes.iter().copied());
    into.facts.merge(&other.facts);
    into.background |= other.background;
    if into.client.is_none() {
        into.client = other.client;
    }
    if let Some(proof) = other.proofs.first() {
        into.joined.push(Joined { by, file: proof.file, line: proof.line });
    }
    for proof in other.proofs {
        into.prove(proof);
    }
}

/// Whether a package is that of a cumulative update.
fn is_cumulative(package: &str) -> bool {
    package.starts_with("Package_for_RollupFix~")
}

/// Build and revision that an update brings, from its package or its KB number.
fn brings(identity: &Identity, signatures: &Signatures) -> Option<(u32, u32)> {
    let by_package = identity.package.as_deref().and_then(Package::find).and_then(|package| package.build);
    by_package.or_else(|| {
        let release = signatures.release_of(identity.kb.as_deref()?)?;
        Some((release.build, release.revision))
    })
}

/// Puts the attempts at each update together.
pub(crate) fn updates(attempts: &[Attempt], signatures: &Signatures) -> Vec<Update> {
    let mut groups: Vec<(Identity, Vec<usize>)> = Vec::new();
    let named = attempts
        .iter()
        .enumerate()
        .filter(|(_, a)| a.phase != Phase::Scan && !a.facts.has("setup-failed") && !a.identity.is_empty());
    for (at, attempt) in named {
        let mut identity = attempt.identity.clone();
        let mut members = vec![at];
        // An attempt may name what connects two groups.
        groups.retain(|(other, others)| {
            let same = other.is_same(&identity) && other.is_compatible(&identity);
            if same {
                identity.complete(other);
                members.extend(others);
            }
            !same
        });
        members.sort_unstable();
        groups.push((identity, members));
    }
    let is_background =
        |members: &[usize]| members.iter().any(|&at| attempts.get(at).is_some_and(|a| a.background));
    // Several logs of setup report one upgrade.
    let setup = attempts.iter().enumerate().filter(|(_, attempt)| attempt.facts.has("setup-failed"));
    let setup: Vec<usize> = setup.map(|(at, _)| at).collect();
    if let Some(attempt) = setup.first().and_then(|&at| attempts.get(at)) {
        groups.push((attempt.identity.clone(), setup));
    }
    let nameless: Vec<usize> = attempts
        .iter()
        .enumerate()
        .filter(|(_, a)| {
            a.phase != Phase::Scan
                && a.identity.is_empty()
                && !a.facts.has("setup-failed")
                && a.outcome.is_failure()
        })
        .map(|(at, _)| at)
        .collect();
    let mut assumed = Vec::new();
    if !nameless.is_empty() {
        let mut candidates: Vec<&mut (Identity, Vec<usize>)> =
            groups.iter_mut().filter(|(_, members)| !is_background(members)).collect();
        match candidates.as_mut_slice() {
            [only] => {
                only.1.extend(&nameless);
                only.1.sort_unstable();
                assumed = nameless;
            }
            _ => groups.push((Identity::default(), nameless)),
        }
    }
    let mut updates: Vec<Update> = groups
        .into_iter()
        .filter_map(|(identity, members)| {
            let of = |at: &usize| attempts.get(*at);
            let last = members.iter().filter_map(of).next_back()?;
            let failures = members.iter().filter_map(of).filter(|attempt| attempt.outcome.is_failure());
            let failed = failures.clone().next_back();
            let cured = !last.outcome.is_failure() && last.outcome == Outcome::Installed && failed.is_some();
            let shown = if last.outcome.is_failure() {
                last
            } else {
                failed.filter(|_| !cured && last.outcome.is_failure()).unwrap_or(last)
            };
            // What succeeded got through all of its phases.
            let phases = members.iter().filter_map(of).map(|attempt| attempt.phase);
            let furthest = phases.max().filter(|_| failed.is_none() && last.outcome == Outcome::Installed);
            let brings = brings(&identity, signatures);
            let mut identity = identity;
            // The package of a cumulative update has no number of an article in its name.
            if identity.kb.is_none() && identity.package.as_deref().is_some_and(is_cumulative) {
                identity.kb = brings.and_then(|brought| signatures.update_of(brought)).map(str::to_owned);
            }
            Some(Update {
                brings,
                identity,
                outcome: last.outcome,
                rolled_back: last.outcome.is_failure() && last.phase == Phase::RolledBack,
                code: failed.and_then(|attempt| attempt.code),
                phase: furthest.unwrap_or(shown.phase),
                cured_by: if cured { members.last().copied() } else { None },
                assumed: assumed.iter().copied().filter(|at| members.contains(at)).collect(),
                background: is_background(&members),
                attempts: members,
            })
        })
        .collect();
    cure_by_later(&mut updates, attempts);
    updates.sort_by_key(|update| update.attempts.last().copied());
    updates
}

/// A later cumulative update of the same branch contains an earlier one.
fn cure_by_later(updates: &mut [Update], attempts: &[Attempt]) {
    let installed: Vec<((u32, u32), usize)> = updates
        .iter()
        .flat_map(|update| update.attempts.iter().filter_map(|&at| Some((update.brings?, at))))
        .filter(|&(_, at)| attempts.get(at).is_some_and(|attempt| attempt.outcome == Outcome::Installed))
        .collect();
    for update in updates.iter_mut().filter(|update| update.is_failed()) {
        let (Some((build, revision)), Some(last)) = (update.brings, update.attempts.last().copied()) else {
            continue;
        };
        let later =
            installed.iter().find(|((other, newer), at)| *other == build && *newer >= revision && *at > last);
        update.cured_by = later.map(|later| later.1);
    }
}
