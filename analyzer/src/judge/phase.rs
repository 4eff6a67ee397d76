//! The phases of each boot in a capture, from facts and `phases.toml`. How far an update got by its text logs is
//! another scale (`logs/case/phase.rs`).

use crate::facts::{BootSpan, Facts};
use crate::knowledge::{Knowledge, PhaseEntry};
use pml_parser::EventId;

/// One phase of a boot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Phase {
    /// Position in the table of phases.
    pub entry: usize,
    /// Which boot, from 0.
    pub boot: usize,
    pub start: EventId,
    /// The first event after it.
    pub end: EventId,
    pub confidence: f64,
    /// The fact it begins with.
    pub marker: String,
}

/// The phases of all boots, in the order in which they begin.
pub(super) fn phases(knowledge: &Knowledge, facts: &Facts) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    for (number, boot) in facts.boots().iter().enumerate() {
        let mut found: Vec<Phase> = Vec::new();
        for (entry, known) in knowledge.phases.iter().enumerate() {
            let inside = known.within.as_ref().map(|within| {
                found
                    .iter()
                    .find(|phase| knowledge.phases[phase.entry].id.get_ref() == within.get_ref())
                    .map(|p| p.start)
            });
            // A phase within another one that did not take place does not either.
            let from = match inside {
                Some(None) => continue,
                Some(Some(start)) => start,
                None => boot.start,
            };
            let Some((start, confidence, marker)) = begin(known, facts, from, *boot) else { continue };
            let end = first(facts, names(&known.end), start, boot.end);
            let end = end.map_or(boot.end, |(event, _)| event + 1);
            found.push(Phase { entry, boot: number, start, end, confidence, marker });
        }
        found.sort_by_key(|phase| (phase.start, phase.entry));
        // A phase ends at the latest where the next one of its level begins.
        for at in 0..found.len() {
            let sub = knowledge.phases[found[at].entry].sub;
            let next = found[at + 1..].iter().find(|next| sub || !knowledge.phases[next.entry].sub);
            if let Some(start) = next.map(|next| next.start) {
                found[at].end = found[at].end.min(start.max(found[at].start));
            }
        }
        phases.extend(found);
    }
    phases
}

/// Where a phase begins, how sure that is, and by which fact.
fn begin(phase: &PhaseEntry, facts: &Facts, from: EventId, boot: BootSpan) -> Option<(EventId, f64, String)> {
    if names(&phase.start).any(|fact| fact == "log-begins") {
        return Some((boot.start, phase.confidence, "log-begins".to_owned()));
    }
    let limit = first(facts, names(&phase.before), boot.start, boot.end).map_or(boot.end, |(event, _)| event);
    if let Some((event, marker)) = first(facts, names(&phase.start), from, limit) {
        return Some((event, phase.confidence, marker.to_owned()));
    }
    let one = |fact| first(facts, std::iter::once(fact), from, limit);
    let mut others: Vec<(EventId, &str)> = names(&phase.otherwise).filter_map(one).collect();
    others.sort_unstable();
    let enough = others.len() >= phase.otherwise_needed;
    let (event, marker) = *others.first().filter(|_| enough)?;
    Some((event, phase.confidence_otherwise.unwrap_or(phase.confidence), marker.to_owned()))
}

fn names(facts: &[toml::Spanned<String>]) -> impl Iterator<Item = &str> {
    facts.iter().map(|fact| fact.get_ref().as_str())
}

/// The first event of any of these facts in a run of events.
fn first<'n>(
    facts: &Facts,
    names: impl Iterator<Item = &'n str>,
    from: EventId,
    end: EventId,
) -> Option<(EventId, &'n str)> {
    let in_run = |name: &'n str| {
        let event = facts.get(name)?.events().find(|&event| event >= from)?;
        (event < end).then_some((event, name))
    };
    names.filter_map(in_run).min()
}

/// Position of the phase that an event lies in: the innermost one.
pub(super) fn phase_at(phases: &[Phase], event: EventId) -> Option<usize> {
    phases.iter().rposition(|phase| phase.start <= event && event < phase.end)
}
