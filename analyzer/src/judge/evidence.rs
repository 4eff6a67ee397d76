//! The evidence of a rule: whether each entry is there, what shows it, and what all of it adds up to.

use super::ending;
use super::engine::RuleEngine;
use super::failure::{Failure, Reason, wants_data};
use super::finding::{Cited, Finding};
use super::holders::Holder;
use super::registered;
use crate::canonical::{component_folder, name_key};
use crate::component::{Component, identity};
use crate::evidence::Citation;
use crate::knowledge::{CompiledEvidence, Property, Rule};
use pml_parser::{Event, EventId, TICKS_PER_SECOND, TextOptions, Ticks};

/// What the points for a slow operation are called.
const SLOW: &str = "slow";

/// What the evidence is about.
pub(super) enum Subject<'a> {
    /// Facts or a marker.
    Facts {
        /// The first event that shows them.
        main: Option<EventId>,
        /// Processes that lived on while the worker did nothing.
        children: &'a [Holder],
    },
    /// A failure.
    Failure {
        failure: &'a Failure,
        /// Processes that had its files open, where the rule asks for them.
        holders: &'a [Holder],
    },
}

impl Subject<'_> {
    /// The first and the last event of the subject.
    fn ends(&self) -> Option<(EventId, EventId)> {
        match self {
            Self::Facts { main, .. } => main.map(|main| (main, main)),
            Self::Failure { failure, .. } => Some((failure.group.first, failure.group.last)),
        }
    }
}

/// Whether evidence of a rule is that other processes had a file open, touched it, or removed it.
pub(super) fn asks_for_holders(rule: &Rule) -> bool {
    let removed = |evidence: &CompiledEvidence| evidence.is == Some(Property::RemovedByOther);
    asks_for_history(rule) || rule.when.evidence.iter().any(removed)
}

/// Whether evidence of a rule is that other processes had a file open or touched it: the events before a failure have to be
/// read for that.
pub(super) fn asks_for_history(rule: &Rule) -> bool {
    let asks = |evidence: &CompiledEvidence| {
        matches!(evidence.is, Some(Property::HeldByOther | Property::TouchedByOther))
    };
    rule.when.evidence.iter().any(asks)
}

impl<B: AsRef<[u8]>> RuleEngine<'_, B> {
    /// The points that a rule gives for itself.
    pub(super) fn points_of(&self, rule: &Rule) -> Vec<Reason> {
        let text = self.knowledge().ranking.text.rule.clone();
        let reason = Reason { id: "rule".to_owned(), points: rule.when.points, text };
        if rule.when.points == 0.0 { Vec::new() } else { vec![reason] }
    }

    /// Gathers all evidence of a rule into a finding, and adds it up; whether it is enough.
    pub(super) fn score(&self, rule: &Rule, finding: &mut Finding, subject: &Subject<'_>) -> bool {
        let (mut points, mut held) = (rule.when.base, 0);
        for (at, evidence) in rule.when.evidence.iter().enumerate() {
            let found = self.gather(evidence, subject);
            if found.is_some() == evidence.not {
                if evidence.required {
                    return false;
                }
                finding.missing.push(at);
                continue;
            }
            points += evidence.points;
            held += usize::from(!evidence.required && evidence.counts);
            let cited = found.into_iter().flatten().map(|citation| Cited { citation, evidence: Some(at) });
            finding.cited.extend(cited);
            // How slow an operation was has points of its own: one fact counts once for the rank.
            let is_counted =
                evidence.is == Some(Property::Slow) && finding.reasons.iter().any(|reason| reason.id == SLOW);
            if evidence.points != 0.0 && !is_counted {
                let (id, text) = (evidence.id.clone(), evidence.text.clone());
                finding.reasons.push(Reason { id, points: evidence.points, text });
            }
        }
        // Not clamp: the limits of custom rules may be any numbers.
        let share = points.min(rule.when.at_most).max(0.0) / 100.0;
        let rollback = if rule.when.needs_rollback { self.rollback.confidence } else { 1.0 };
        finding.confidence = (share * rollback * 1_000.0).round() / 1_000.0;
        held >= rule.when.evidence_needed
    }

    /// What shows one entry of evidence; `None` where it is not there.
    fn gather(&self, evidence: &CompiledEvidence, subject: &Subject<'_>) -> Option<Vec<Citation>> {
        match (evidence.is, subject) {
            (None, _) => self.gather_around(evidence, subject.ends()),
            (Some(Property::ChildAlive), Subject::Facts { children, .. }) => {
                let citations = children.iter().map(|child| Citation::event(child.event));
                (!children.is_empty()).then(|| citations.collect())
            }
            (Some(Property::LastSteps), Subject::Facts { main: Some(main), .. }) => {
                let steps = ending::last_steps(self.context, *main);
                (!steps.is_empty()).then(|| steps.into_iter().map(Citation::event).collect())
            }
            (Some(Property::ExitFailed), Subject::Facts { main: Some(main), .. }) => {
                let process = self.context.processes.of(&self.context.event(*main)?);
                let exit = self.scan.exit(process).filter(|exit| exit.status != 0)?;
                Some(vec![Citation::event(exit.event)])
            }
            (Some(Property::DriveMissing), Subject::Facts { main: Some(main), .. }) => {
                ending::missing_drive(self.context, *main).map(|event| vec![Citation::event(event)])
            }
            (Some(Property::BeforeRollback), _) => {
                let (first, _) = subject.ends()?;
                self.rollback.begins.is_none_or(|begins| first < begins).then(Vec::new)
            }
            (Some(_), Subject::Facts { .. }) => None,
            (Some(Property::HeldByOther), Subject::Failure { holders, .. }) => {
                holders.iter().any(|holder| holder.held).then(Vec::new)
            }
            (Some(Property::TouchedByOther), Subject::Failure { holders, .. }) => {
                holders.iter().any(|holder| holder.touched).then(Vec::new)
            }
            (Some(Property::RemovedByOther), Subject::Failure { holders, .. }) => {
                let removed = holders.iter().filter(|holder| holder.removed);
                let shown: Vec<Citation> = removed.map(|holder| Citation::event(holder.event)).collect();
                (!shown.is_empty()).then_some(shown)
            }
            (Some(property), Subject::Failure { failure, .. }) => {
                let events = self.gather_property(failure, property)?;
                Some(events.map(Citation::event).into_iter().collect())
            }
        }
    }

    /// What shows facts, or the event that follows or precedes the subject.
    fn gather_around(
        &self,
        evidence: &CompiledEvidence,
        ends: Option<(EventId, EventId)>,
    ) -> Option<Vec<Citation>> {
        if let Some(condition) = &evidence.facts {
            let found = self.known.holds(condition)?;
            return Some(found.iter().filter_map(|fact| self.known.first(fact)).collect());
        }
        let (sequence, forward) = match (&evidence.followed_by, &evidence.preceded_by) {
            (Some(sequence), _) => (sequence, true),
            (None, Some(sequence)) => (sequence, false),
            (None, None) => return None,
        };
        let (first, last) = ends?;
        let ends = std::iter::once(first).chain((last != first).then_some(last));
        let found = ends.into_iter().find_map(|event| self.context.find(event, sequence, forward));
        found.map(|event| vec![Citation::event(event)])
    }

    /// Whether a failure has a property, and the other event that shows it, if there is one.
    fn gather_property(&self, failure: &Failure, property: Property) -> Option<Option<EventId>> {
        let group = &failure.group;
        let event = self.context.event(group.first)?;
        let plain = |holds: bool| holds.then_some(None);
        match property {
            Property::NeverLater => plain(group.resolved_by.is_none()),
            Property::Repeated => plain(group.count > 1),
            Property::Slow => {
                let limit = self.knowledge().ranking.slow_seconds * TICKS_PER_SECOND as f64;
                plain(group.longest.0 as f64 > limit)
            }
            Property::DataWanted => plain(wants_data(&event)),
            Property::SiblingsSeen => {
                let folder = component_folder(event.path()).map(name_key)?;
                self.scan.component(folder).map(|seen| Some(seen.event))
            }
            Property::OtherVersionSeen => self.other_version(&event).map(Some),
            Property::ExitStatus => {
                let exit = self.scan.exit(group.key.process)?;
                self.knowledge().codes.are_one(exit.status, group.key.status).then_some(Some(exit.event))
            }
            Property::ExitFailed => {
                let exit = self.scan.exit(group.key.process)?;
                (exit.status != 0).then_some(Some(exit.event))
            }
            Property::ErrorPath => {
                let mark = failure.mark.filter(|_| failure.is_serious(self.knowledge()))?;
                Some(Some(mark.moment))
            }
            Property::ChildStatus => self.child_with_status(failure).map(Some),
            Property::Nearest => {
                let sign = failure.mark.and_then(|mark| self.knowledge().error_path.signs.get(mark.sign));
                plain(sign.is_some_and(|sign| sign.nearest))
            }
            Property::Registered => registered::value_read(self.context, &event).map(Some),
            Property::SystemVolume => plain(may_be_on_system_volume(&event)),
            Property::BeforeRollback
            | Property::HeldByOther
            | Property::TouchedByOther
            | Property::RemovedByOther
            | Property::ChildAlive
            | Property::LastSteps
            | Property::DriveMissing => None,
        }
    }

    /// The end of a program that the stack had started, soon after a failure and with its code.
    fn child_with_status(&self, failure: &Failure) -> Option<EventId> {
        /// How long after the failure.
        const WITHIN: Ticks = Ticks(60 * TICKS_PER_SECOND);
        let (context, group) = (self.context, &failure.group);
        let children = self.knowledge().actors.group("child");
        let processes = context.processes.iter().filter(|(_, info)| children >> info.actor & 1 == 1);
        let exits = processes.filter_map(|(process, _)| self.scan.exit(process)).filter(|exit| {
            exit.status != 0
                && exit.event > group.first
                && self.knowledge().codes.are_alike(exit.status, group.key.status)
                && context.ticks_between(group.first, exit.event) <= WITHIN.0
        });
        exits.map(|exit| exit.event).min()
    }

    /// The first event on another version of the component that the path of an event lies in.
    fn other_version(&self, event: &Event<'_>) -> Option<EventId> {
        let name = component_folder(event.path()).map(|name| name.to_string());
        let name = name.or_else(|| {
            let mut path = String::new();
            event.push_path(&TextOptions::default(), &mut path);
            Component::in_path(&path).map(|component| component.directory)
        })?;
        let (own, version) = identity(&name)?;
        let others = self.scan.components().filter(|seen| seen.identity == own && seen.version != version);
        others.map(|seen| seen.event).min()
    }
}

/// Whether no drive letter says that a path is on another volume than Windows. A device path does not say
/// which drive it is.
fn may_be_on_system_volume(event: &Event<'_>) -> bool {
    let drive = |text: &str| {
        text.get(1..2).filter(|colon| *colon == ":").and_then(|_| text.get(..1)).map(str::to_ascii_uppercase)
    };
    let path = event.path().to_string();
    let below = path.strip_prefix(r"\??\").or(path.strip_prefix(r"\\?\"));
    let own = drive(below.unwrap_or(&path));
    let windows = drive(&event.log().system_root().to_str());
    own.is_none() || windows.is_none() || own == windows
}
