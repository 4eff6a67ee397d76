//! Tries every rule: on facts, on a marker, or on each failure that the rule applies to.

use super::engine::RuleEngine;
use super::evidence::{Subject, asks_for_history, asks_for_holders};
use super::failure::{Failure, by_score};
use super::finding::{Cited, Finding};
use super::holders::{self, Holder, Wanted};
use super::rank::rank;
use super::rollback::RollbackClass;
use crate::component::Component;
use crate::evidence::{Citation, Seen};
use crate::knowledge::{Property, Rule, RuleKind};
use hashbrown::HashMap;
use pml_parser::{Event, TextOptions};

/// Failures that a rule is tried on, at most: those with the most points.
const MOST_TRIED: usize = 100;
/// Failures for which the processes that had their files open are searched, at most.
const MOST_HELD: usize = 100;
/// Failures of one finding that are kept.
const MOST_KEPT: usize = 50;
/// Citations of a marker that a finding keeps.
const MOST_OF_MARKER: usize = 5;

/// The holders of the files of failures, by position of the failure.
type HoldersOf = HashMap<usize, Vec<Holder>>;

impl<B: AsRef<[u8]>> RuleEngine<'_, B> {
    /// All causes, ranked, and the notes.
    pub(super) fn findings(&self) -> (Vec<Finding>, Vec<Finding>) {
        let (mut causes, mut notes) = (Vec::new(), Vec::new());
        let least = self.knowledge().engine.cause_gravity;
        let order = by_score(self.failures, |failure| failure.gravity >= least);
        let holders = self.holders(&order);
        let rules = &self.knowledge().rules;
        let first = |rule: &Rule| !rule.when.unexplained && !rule.when.last_resort;
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| first(rule)) {
            let findings = self.evaluate(number, rule, &order, &holders);
            match rule.kind {
                RuleKind::Cause => causes.extend(findings),
                RuleKind::Note => notes.extend(findings),
            }
        }
        let mut causes = rank(rules, self.failures, causes);
        if let Some(gravest) = self.unexplained(&order, &causes) {
            let best = causes.iter().map(Finding::score).reduce(f64::max);
            // What would mean nothing by itself does not go before what a rule explains.
            let is_raised = gravest.failures.first().is_some_and(|&at| self.failures[at].is_raised);
            if best.is_none_or(|best| !is_raised && best < gravest.score()) {
                causes.insert(0, gravest);
            }
        }
        let last = |kind: RuleKind| {
            let those =
                rules.iter().enumerate().filter(move |(_, rule)| rule.when.last_resort && rule.kind == kind);
            let found = those.map(|(number, rule)| self.evaluate(number, rule, &order, &holders));
            found.into_iter().find(|findings| !findings.is_empty()).unwrap_or_default()
        };
        if causes.is_empty() {
            causes = last(RuleKind::Cause);
        }
        if causes.is_empty() {
            notes.extend(last(RuleKind::Note));
        }
        (causes, notes)
    }

    /// The gravest failure that was taken seriously and that no cause explains.
    fn unexplained(&self, order: &[usize], causes: &[Finding]) -> Option<Finding> {
        let is_explained = |at: &usize| {
            causes.iter().any(|cause| cause.failures.contains(at) || cause.consequences.contains(at))
        };
        let order: Vec<usize> = order.iter().filter(|at| !is_explained(at)).copied().collect();
        let rules = self.knowledge().rules.iter().enumerate().filter(|(_, rule)| rule.when.unexplained);
        let none = HoldersOf::new();
        let findings = rules.flat_map(|(number, rule)| self.evaluate(number, rule, &order, &none));
        let mut gravest = findings.reduce(|a, b| if b.score() > a.score() { b } else { a })?;
        self.add_similar(&mut gravest);
        Some(gravest)
    }

    /// Adds failures of the same process and operation with the same status on other names in the same folder:
    /// they are one fact, with a count and examples.
    fn add_similar(&self, finding: &mut Finding) {
        let Some(&main) = finding.failures.first() else { return };
        let folder = |at: usize| {
            let event = self.context.event(self.failures[at].group.first)?;
            let mut path = String::new();
            event.push_path(&TextOptions::default(), &mut path);
            Some(path.rsplit_once('\\')?.0.to_lowercase())
        };
        let (key, own) = (self.failures[main].group.key, folder(main));
        if own.is_none() {
            return;
        }
        for at in 0..self.failures.len() {
            let other = &self.failures[at].group;
            let is_alike = other.key.process == key.process
                && other.key.operation == key.operation
                && other.key.status == key.status;
            if !is_alike || folder(at) != own {
                continue;
            }
            finding.similar += other.count;
            if finding.failures.len() < MOST_KEPT && !finding.failures.contains(&at) {
                finding.failures.push(at);
            }
        }
    }

    /// The processes that had the files of failures open, where a rule asks for them.
    fn holders(&self, order: &[usize]) -> HoldersOf {
        let rules = self.knowledge().rules.iter();
        let asking: Vec<&Rule> = rules.filter(|rule| asks_for_holders(rule) && self.may_hold(rule)).collect();
        let is_asked = |at: &&usize| asking.iter().any(|rule| self.applies_to(rule, &self.failures[**at]));
        let asked: Vec<usize> = order.iter().filter(is_asked).take(MOST_HELD).copied().collect();
        let wanted = |&at: &usize| {
            let failure = &self.failures[at];
            let history = asking.iter().any(|rule| asks_for_history(rule) && self.applies_to(rule, failure));
            Wanted { first: failure.group.first, last: failure.group.last, history }
        };
        let wanted: Vec<Wanted> = asked.iter().map(wanted).collect();
        asked.into_iter().zip(holders::find(self.context, self.scan, &wanted)).collect()
    }

    /// Whether the verdict on the rollback allows a rule to hold.
    fn may_hold(&self, rule: &Rule) -> bool {
        !rule.when.needs_rollback || self.rollback.class >= RollbackClass::Possible
    }

    /// The findings of one rule.
    fn evaluate(&self, number: usize, rule: &Rule, order: &[usize], holders: &HoldersOf) -> Vec<Finding> {
        let when = &rule.when;
        if !self.may_hold(rule) {
            return Vec::new();
        }
        let mut facts = Vec::new();
        if !when.facts.is_empty() {
            let Some(found) = self.known.holds_one(&when.facts) else { return Vec::new() };
            facts = found.iter().filter_map(|fact| self.known.first(fact)).collect();
        }
        if when.failure.is_none() && when.kinds.is_empty() && !when.taken_seriously {
            return self.of_facts(number, rule, facts).into_iter().collect();
        }
        self.of_failures(number, rule, &facts, order, holders)
    }

    /// The finding of a rule that is about facts or a marker.
    fn of_facts(&self, number: usize, rule: &Rule, facts: Vec<Citation>) -> Option<Finding> {
        let mut cited: Vec<Citation> = Vec::new();
        if let Some(marker) = rule.when.marker.and_then(|at| self.knowledge().markers.get(at)) {
            let seen = self.known.get(&marker.id);
            if seen.map_or(0, Seen::count) < rule.when.at_least {
                return None;
            }
            cited.extend(seen.into_iter().flat_map(Seen::citations).take(MOST_OF_MARKER));
        }
        cited.extend(facts.into_iter().filter(|fact| !cited.contains(fact)).collect::<Vec<_>>());
        let main = cited.first().and_then(|citation| citation.as_event());
        let mut finding = Finding::new(number, self.points_of(rule));
        finding.cited = cited.into_iter().map(|citation| Cited { citation, evidence: None }).collect();
        let children = holders::children_alive(self.context, self.scan, self.known);
        let holds = self.score(rule, &mut finding, &Subject::Facts { main, children: &children });
        if rule.when.evidence.iter().any(|evidence| evidence.is == Some(Property::ChildAlive)) {
            finding.holders = children;
        }
        holds.then_some(finding)
    }

    /// The findings of a rule that is about failures: one for each component or file, or one for all of them
    /// where the rule says so.
    fn of_failures(
        &self,
        number: usize,
        rule: &Rule,
        facts: &[Citation],
        order: &[usize],
        holders: &HoldersOf,
    ) -> Vec<Finding> {
        let mut matcher = rule.when.failure.as_ref().map(|filter| filter.matcher(self.context.span.0));
        let mut findings: Vec<(Option<String>, Finding)> = Vec::new();
        let mut tried = 0;
        for &at in order {
            let failure = &self.failures[at];
            if !self.applies_to(rule, failure) {
                continue;
            }
            let Some(event) = self.context.event(failure.group.first) else { continue };
            if matcher.as_mut().is_some_and(|matcher| !matcher.matches(&event)) {
                continue;
            }
            tried += 1;
            if tried > MOST_TRIED {
                break;
            }
            let known = holders.get(&at).filter(|_| asks_for_holders(rule)).map_or(&[][..], Vec::as_slice);
            let Some(mut finding) = self.of_failure(number, rule, at, known) else { continue };
            let place = (!rule.when.one_finding).then(|| place(&event));
            match findings.iter_mut().find(|known| known.0 == place) {
                Some((_, known)) => {
                    if known.failures.len() < MOST_KEPT {
                        known.failures.push(at);
                    }
                    known.cited.append(&mut finding.cited);
                }
                None => findings.push((place, finding)),
            }
        }
        let mut findings: Vec<Finding> = findings.into_iter().map(|finding| finding.1).collect();
        for finding in &mut findings {
            self.put_first_failure_first(finding);
            finding.cited.extend(facts.iter().map(|&citation| Cited { citation, evidence: None }));
            finding.cited.sort();
            finding.cited.dedup_by_key(|cited| cited.citation);
        }
        findings
    }

    /// A finding for one failure, if enough supports the rule.
    fn of_failure(&self, number: usize, rule: &Rule, at: usize, holders: &[Holder]) -> Option<Finding> {
        let failure = &self.failures[at];
        let mut finding = Finding::new(number, failure.reasons.clone());
        finding.failures.push(at);
        finding.reasons.extend(self.points_of(rule));
        let holds = self.score(rule, &mut finding, &Subject::Failure { failure, holders });
        let wants = |property| rule.when.evidence.iter().any(|e| e.is == Some(property) && !e.not);
        let (held, touched) = (wants(Property::HeldByOther), wants(Property::TouchedByOther));
        let removed = wants(Property::RemovedByOther);
        let those = holders.iter().filter(|holder| {
            (holder.held && held) || (holder.touched && touched) || (holder.removed && removed)
        });
        finding.holders = those.cloned().collect();
        holds.then_some(finding)
    }

    /// What began it is what it is about: the earliest failure of the servicing stack among those with
    /// nearly as many points as the best one.
    fn put_first_failure_first(&self, finding: &mut Finding) {
        let nearly = self.knowledge().ranking.nearly;
        let own = |at: usize| self.failures[at].is_of("servicing", self.knowledge());
        let Some(best) = finding.failures.iter().map(|&at| self.failures[at].score()).reduce(f64::max) else {
            return;
        };
        let any_own = finding.failures.iter().any(|&at| own(at));
        let first = (0..finding.failures.len())
            .filter(|&at| {
                let failure = finding.failures[at];
                (own(failure) || !any_own) && self.failures[failure].score() >= best - nearly
            })
            .min_by_key(|&at| self.failures[finding.failures[at]].group.first);
        if let Some(first) = first {
            finding.failures[..=first].rotate_right(1);
        }
    }

    /// Whether a rule is about such a failure at all.
    pub(super) fn applies_to(&self, rule: &Rule, failure: &Failure) -> bool {
        let (knowledge, when, group) = (self.knowledge(), &rule.when, &failure.group);
        let is_harmless = failure.noise.is_some() || group.resolved_by.is_some();
        if (is_harmless && !when.even_if_later_successful)
            || group.count < when.at_least
            || (when.taken_seriously && failure.mark.is_none())
            || when.actors >> group.actor & 1 == 0
        {
            return false;
        }
        if !when.kinds.is_empty() && !when.kinds.iter().any(|kind| kind == failure.kind(knowledge)) {
            return false;
        }
        let in_phase = when.any_phase
            || failure.phase_entry(self.phases, knowledge).is_some_and(|phase| {
                if when.phases.is_empty() { phase.work } else { when.phases.contains(phase.id.get_ref()) }
            });
        let class = failure.path_class(knowledge);
        in_phase
            && (when.paths.is_empty()
                || class.is_some_and(|class| when.paths.iter().any(|path| class.is(path))))
    }
}

/// What the failures of one finding share: the component, or the path.
fn place(event: &Event<'_>) -> String {
    let mut path = String::new();
    event.push_path(&TextOptions::default(), &mut path);
    // A manifest is not a file of the folder.
    match Component::in_path(&path) {
        Some(component) if !path.ends_with(".manifest") => component.directory.to_lowercase(),
        _ => path.to_lowercase(),
    }
}
