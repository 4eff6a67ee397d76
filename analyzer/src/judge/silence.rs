//! Why a rule is silent: what the rule wants of the capture, and of the failures nearest to it, and does not get.
//!
//! Nothing is decided again here: the code that tries whole rules tries the rule with every condition relaxed but one.

use super::engine::RuleEngine;
use super::evidence::{Subject, asks_for_history, asks_for_holders};
use super::failure::Failure;
use super::finding::Finding;
use super::holders::{self, Wanted};
use super::rollback::RollbackClass;
use crate::evidence::Seen;
use crate::knowledge::{ActorSet, Compiled, FactCondition, Rule};
use crate::language::Language;
use pml_parser::{EventId, TextOptions};
use std::fmt;

/// Failures that are shown, at most.
const MOST_NEAR: usize = 3;

/// Why a rule has no finding and no note in a capture.
#[derive(Clone, Debug)]
pub struct Silence {
    /// The id of the rule.
    pub rule: String,
    /// Conditions of `[when]` on the whole capture that do not hold, in English: key, and what is so instead.
    pub unmet: Vec<String>,
    /// Failures that come near the rule, the nearest first; none where the rule is about facts or a marker.
    pub nearest: Vec<NearMiss>,
    /// Whether the rule is about failures, and its filter takes none of those that were kept.
    pub has_no_failure: bool,
}

/// A failure for which a rule does not fire.
#[derive(Clone, Debug)]
pub struct NearMiss {
    /// Position of the first such event in the capture.
    pub event_id: EventId,
    /// The failure in words: process, operation, path, result, phase.
    pub failure: String,
    /// Conditions that do not hold for it, in English: key, and what is so instead.
    pub unmet: Vec<String>,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not fire", self.rule)?;
        for unmet in &self.unmet {
            write!(f, "\n  {unmet}")?;
        }
        if self.has_no_failure {
            f.write_str(
                "\n  no failure that was kept passes the filter `failure`; docs/triage.md, \"What failed\", says which \
                 failures are kept",
            )?;
        }
        for near in &self.nearest {
            write!(f, "\n  event {}: {}", near.event_id, near.failure)?;
            for unmet in &near.unmet {
                write!(f, "\n    {unmet}")?;
            }
        }
        Ok(())
    }
}

/// A condition of `[when]` on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Kinds,
    Actors,
    Phases,
    Paths,
    AtLeast,
    Later,
}

impl Condition {
    const ALL: [Self; 6] = [Self::Kinds, Self::Actors, Self::Phases, Self::Paths, Self::AtLeast, Self::Later];

    /// Takes the condition out of a rule.
    fn relax(self, when: &mut Compiled) {
        match self {
            Self::Kinds => when.kinds.clear(),
            Self::Actors => when.actors = ActorSet::MAX,
            Self::Phases => when.any_phase = true,
            Self::Paths => when.paths.clear(),
            Self::AtLeast => when.at_least = 1,
            Self::Later => when.even_if_later_successful = true,
        }
    }
}

/// The rule without any of the conditions, but for one.
fn relaxed(rule: &Rule, but: Option<Condition>) -> Rule {
    let mut rule = rule.clone();
    for condition in Condition::ALL.into_iter().filter(|condition| Some(*condition) != but) {
        condition.relax(&mut rule.when);
    }
    rule
}

impl<B: AsRef<[u8]>> RuleEngine<'_, B> {
    /// Why a rule, which has none of these findings, is silent.
    pub(super) fn silence(&self, number: usize, rule: &Rule, causes: &[Finding]) -> Silence {
        let when = &rule.when;
        let is_about_failures = when.marker.is_none()
            && (when.failure.is_some() || !when.kinds.is_empty() || when.facts.is_empty());
        let mut silence = Silence {
            rule: rule.id.clone(),
            unmet: self.unmet_of_capture(rule),
            nearest: Vec::new(),
            has_no_failure: false,
        };
        if !is_about_failures {
            if silence.unmet.is_empty() {
                silence.unmet = self.unmet_of_facts(rule);
            }
            return silence;
        }
        let near = self.nearest(rule);
        silence.has_no_failure = near.iter().all(|near| near.misses_filter);
        // Where the filter takes some, the others are not what the rule is about.
        let shown = near.into_iter().filter(|near| silence.has_no_failure || !near.misses_filter);
        let shown: Vec<Near> = shown.take(MOST_NEAR).collect();
        for near in shown {
            let mut unmet: Vec<String> = Vec::new();
            if near.misses_filter {
                unmet.push("failure: the filter does not take it".to_owned());
            }
            let words = near.unmet.iter().map(|condition| self.in_words(*condition, rule, near.at));
            unmet.extend(words);
            let failure = &self.failures[near.at];
            let least = self.knowledge().engine.cause_gravity;
            if failure.gravity < least {
                let gravity = failure.gravity;
                unmet.push(format!(
                    "the gravity of the status is {gravity} (ntstatus.tsv); causes need {least} (engine.toml)"
                ));
            }
            if near.misses_more {
                unmet.push("another condition of [when] does not hold".to_owned());
            }
            if unmet.is_empty() {
                unmet = self.unmet_of_failure(number, rule, near.at, causes);
            }
            silence.nearest.push(NearMiss {
                event_id: failure.group.first,
                failure: self.failure_in_words(failure),
                unmet,
            });
        }
        silence
    }

    /// Conditions on the whole capture that do not hold.
    fn unmet_of_capture(&self, rule: &Rule) -> Vec<String> {
        let when = &rule.when;
        let mut unmet = Vec::new();
        if when.needs_rollback && self.rollback.class < RollbackClass::Possible {
            unmet.push("needs_rollback: no rollback is even possible in this log".to_owned());
        }
        if !when.facts.is_empty() && self.known.holds_one(&when.facts).is_none() {
            unmet.extend(when.facts.iter().map(|condition| format!("facts: {}", self.missing(condition))));
        }
        if let Some(marker) = when.marker.and_then(|at| self.knowledge().markers.get(at)) {
            let seen = self.known.get(&marker.id).map_or(0, Seen::count);
            if seen < when.at_least {
                unmet.push(format!(
                    "marker: {} was seen {seen} times, at_least is {}",
                    marker.id, when.at_least
                ));
            }
        }
        unmet
    }

    /// Evidence that a rule about facts or a marker lacks.
    fn unmet_of_facts(&self, rule: &Rule) -> Vec<String> {
        let marker = rule.when.marker.and_then(|at| self.knowledge().markers.get(at));
        let fact =
            || self.known.holds_one(&rule.when.facts)?.into_iter().find_map(|fact| self.known.first(fact));
        let cited = marker.and_then(|marker| self.known.first(&marker.id)).or_else(fact);
        let children = holders::children_alive(self.context, self.scan, self.known);
        let main = cited.and_then(|citation| citation.as_event());
        self.unmet_evidence(rule, &Subject::Facts { main, children: &children })
    }

    /// What a condition on facts lacks.
    fn missing(&self, condition: &FactCondition) -> String {
        let name = |fact: &toml::Spanned<String>| fact.get_ref().clone();
        let lacks = |fact: &&toml::Spanned<String>| !self.known.has(fact.get_ref());
        let all = condition.all.iter().filter(lacks).map(|fact| format!("{} does not hold", name(fact)));
        let none = condition.none.iter().filter(|fact| !lacks(fact));
        let mut words: Vec<String> = all.chain(none.map(|fact| format!("{} holds", name(fact)))).collect();
        if !condition.any.is_empty() && condition.any.iter().all(|fact| lacks(&fact)) {
            let names: Vec<String> = condition.any.iter().map(name).collect();
            words.push(format!("none of {} holds", names.join(", ")));
        }
        words.join("; ")
    }

    /// All failures with what each misses, the nearest first.
    fn nearest(&self, rule: &Rule) -> Vec<Near> {
        let tests = Condition::ALL.map(|condition| (condition, relaxed(rule, Some(condition))));
        let free = relaxed(rule, None);
        let mut matcher = rule.when.failure.as_ref().map(|filter| filter.matcher(self.context.span.0));
        let mut near: Vec<Near> = Vec::new();
        for (at, failure) in self.failures.iter().enumerate() {
            let misses_filter = matcher.as_mut().is_some_and(|matcher| {
                !self.context.event(failure.group.first).is_some_and(|event| matcher.matches(&event))
            });
            let misses_more = !self.applies_to(&free, failure);
            let unmet = if misses_more {
                Vec::new()
            } else {
                let tests = tests.iter().filter(|(_, rule)| !self.applies_to(rule, failure));
                tests.map(|(condition, _)| *condition).collect()
            };
            near.push(Near { at, misses_filter, misses_more, unmet });
        }
        let score = |near: &Near| self.failures[near.at].score();
        near.sort_by(|a, b| {
            let misses = |near: &Near| (near.misses_filter, near.misses_more, near.unmet.len());
            misses(a).cmp(&misses(b)).then(score(b).total_cmp(&score(a))).then(a.at.cmp(&b.at))
        });
        near
    }

    /// What a failure lacks that the rule applies to: evidence, or that no other finding took it.
    fn unmet_of_failure(&self, number: usize, rule: &Rule, at: usize, causes: &[Finding]) -> Vec<String> {
        let failure = &self.failures[at];
        let (first, last) = (failure.group.first, failure.group.last);
        let wanted = Wanted { first, last, history: asks_for_history(rule) };
        let wanted = asks_for_holders(rule).then_some(wanted);
        let holders = wanted.map(|wanted| holders::find(self.context, self.scan, &[wanted]));
        let holders = holders.into_iter().flatten().next().unwrap_or_default();
        let unmet = self.unmet_evidence(rule, &Subject::Failure { failure, holders: &holders });
        if !unmet.is_empty() {
            return unmet;
        }
        let taken = causes
            .iter()
            .filter(|cause| cause.rule != number)
            .find(|cause| cause.failures.contains(&at) || cause.consequences.contains(&at));
        let other = taken.and_then(|cause| self.knowledge().rules.get(cause.rule));
        vec![match other {
            Some(other) => format!(
                "everything in [when] holds, but {} has the failure: see points, outranks, consequence_of and bucket",
                other.id
            ),
            None => "everything in [when] holds for it".to_owned(),
        }]
    }

    /// Evidence that a subject lacks, if it lacks too much.
    fn unmet_evidence(&self, rule: &Rule, subject: &Subject<'_>) -> Vec<String> {
        let (mut unmet, mut held, mut lacking) = (Vec::new(), 0, Vec::new());
        for evidence in &rule.when.evidence {
            let mut alone = rule.clone();
            alone.when.evidence_needed = 0;
            alone.when.evidence = vec![evidence.clone()];
            for evidence in &mut alone.when.evidence {
                evidence.required = true;
            }
            let holds = self.score(&alone, &mut Finding::new(0, Vec::new()), subject);
            let words = format!("{:?} ({})", evidence.id, evidence.text.get(Language::En));
            match (evidence.required, holds) {
                (true, false) => unmet.push(format!("evidence: the required {words} does not hold")),
                (false, true) => held += usize::from(evidence.counts),
                (false, false) if evidence.counts => lacking.push(words),
                _ => {}
            }
        }
        let needed = rule.when.evidence_needed;
        if held < needed {
            unmet.push(format!(
                "evidence_needed is {needed}, and {held} hold; these do not: {}",
                lacking.join(", ")
            ));
        }
        unmet
    }

    /// What is so instead of a condition.
    fn in_words(&self, condition: Condition, rule: &Rule, at: usize) -> String {
        let (failure, when, knowledge) = (&self.failures[at], &rule.when, self.knowledge());
        match condition {
            Condition::Kinds => {
                format!("kinds: the status is of the kind {:?}", failure.kind(knowledge))
            }
            Condition::Actors => {
                format!("actors: the process is {:?}", knowledge.actors.name(failure.group.actor))
            }
            Condition::Phases => {
                let place = match failure.phase_entry(self.phases, knowledge) {
                    None => "the failure lies in no phase".to_owned(),
                    Some(phase) => match phase.within.as_ref().filter(|_| phase.sub) {
                        None => format!("the failure lies in {}", phase.id.get_ref()),
                        Some(around) => format!(
                            "the failure lies in {}, a sub-phase that counts instead of {}",
                            phase.id.get_ref(),
                            around.get_ref()
                        ),
                    },
                };
                let wanted = if when.phases.is_empty() {
                    "without `phases` every phase with work = true in phases.toml counts".to_owned()
                } else {
                    format!("the rule wants {}", when.phases.join(", "))
                };
                format!("phases: {place}; {wanted}")
            }
            Condition::Paths => match failure.path_class(knowledge) {
                Some(class) => format!("paths: the path is of the kind {:?}", class.id),
                None => "paths: the path is of no kind of paths.toml".to_owned(),
            },
            Condition::AtLeast => {
                format!("at_least: it happened {} times", failure.group.count)
            }
            Condition::Later => {
                let noise = failure.noise.and_then(|at| knowledge.noise.get(at));
                let why = match (noise, failure.group.resolved_by) {
                    (Some(noise), _) => format!("it is the noise {:?} of noise.toml", noise.id),
                    (None, Some(event)) => format!("the same operation succeeded later, in event {event}"),
                    (None, None) => "it is harmless".to_owned(),
                };
                format!("even_if_later_successful: {why}")
            }
        }
    }

    fn failure_in_words(&self, failure: &Failure) -> String {
        let Some(event) = self.context.event(failure.group.first) else {
            return "the event cannot be read".to_owned();
        };
        let process = event.process().map(|process| process.name().to_string()).unwrap_or_default();
        let mut words = format!("{process} {} ", event.operation().name());
        event.push_path(&TextOptions::default(), &mut words);
        words += &format!(": {}", event.status());
        if let Some(phase) = failure.phase_entry(self.phases, self.knowledge()) {
            words += &format!(", in {}", phase.id.get_ref());
        }
        if failure.group.count > 1 {
            words += &format!(", {} times", failure.group.count);
        }
        words
    }
}

/// A failure, and what it misses.
struct Near {
    /// Position in the list of failures.
    at: usize,
    misses_filter: bool,
    /// Whether it misses a condition that is none of [`Condition`].
    misses_more: bool,
    unmet: Vec<Condition>,
}
