//! Weighs what points to a rollback and what points away from it, and says which boot was captured.

use super::conclusions::Established;
use super::rollback::{Rollback, RollbackClass, Signal};
use crate::evidence::Seen;
use crate::knowledge::{Boot, Knowledge};
use pml_parser::EventId;
use std::collections::BTreeMap;

/// Citations that are kept of each signal.
const SHOWN: usize = 3;

/// Weighs all signals.
pub(super) fn weigh(knowledge: &Knowledge, known: Established<'_>) -> Rollback {
    let mut signals = Vec::new();
    let mut groups: BTreeMap<&str, f64> = BTreeMap::new();
    let mut groups_against: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut strong, mut begins) = (false, None::<EventId>);
    for (entry, signal) in knowledge.signals.iter().enumerate() {
        let Some(found) = known.holds_one(&signal.when) else { continue };
        // Of several facts the last one to appear makes the difference: that one is shown.
        let decisive = found.iter().filter_map(|fact| known.get(fact)).max_by_key(|seen| seen.first());
        let shown = decisive.into_iter().flat_map(|seen| seen.citations()).take(SHOWN);
        if signal.weight < 0.0 {
            // Signals of one group measure the same absence.
            let best = groups_against.entry(&signal.group).or_default();
            *best = best.max(-signal.weight);
        } else {
            let best = groups.entry(&signal.group).or_default();
            *best = best.max(signal.weight);
            if signal.strong {
                strong = true;
                // A signal is there once the last of its facts is. Only events of the capture say when.
                let there = found.iter().filter_map(|fact| known.get(fact)?.first_event()).max();
                begins = [begins, there].into_iter().flatten().min();
            }
        }
        let count = decisive.map_or(0, Seen::count);
        signals.push(Signal { entry, count, citations: shown.copied().collect() });
    }
    let limits = &knowledge.limits;
    let doubt: f64 = groups.values().map(|weight| 1.0 - weight).product();
    let against: f64 = groups_against.values().sum();
    // A log of events alone never makes it certain.
    let mut confidence = (1.0 - doubt - against).min(limits.at_most).max(0.0);
    if known.has("log-ends-early") || known.has("parts-missing") {
        confidence *= limits.cut_off;
    }
    let class = match confidence {
        c if c >= limits.confirmed && strong => RollbackClass::Confirmed,
        c if c >= limits.probable => RollbackClass::Probable,
        c if c >= limits.possible => RollbackClass::Possible,
        _ => RollbackClass::None,
    };
    // Three digits say more than is known already.
    Rollback { class, confidence: (confidence * 1_000.0).round() / 1_000.0, signals, begins }
}

/// Which boot was captured, and its position in the table.
pub(super) fn boot(knowledge: &Knowledge, known: Established<'_>) -> (Boot, Option<usize>) {
    let found = knowledge.boots.iter().position(|boot| known.holds_one(&boot.when).is_some());
    (found.and_then(|at| knowledge.boots.get(at)).map_or(Boot::Other, |boot| boot.class), found)
}
