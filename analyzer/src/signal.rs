//! What speaks for a rollback and against it, and what that adds up to.

use crate::facts::Facts;
use crate::knowledge::{Boot, Knowledge};
use pml_parser::EventId;
use serde::Serialize;
use std::collections::BTreeMap;

/// How sure it is that the update was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackClass {
    /// Nothing speaks for it, or too little.
    None,
    /// It may be.
    Possible,
    /// It is likely.
    Probable,
    /// It is certain.
    Confirmed,
}

/// A signal that is there.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    /// Position in the table of signals.
    pub entry: usize,
    pub count: u64,
    /// Some of the events.
    pub events: Vec<EventId>,
}

/// Whether there was a rollback.
#[derive(Clone, Debug)]
pub(crate) struct Rollback {
    pub class: RollbackClass,
    /// 0 to 1.
    pub confidence: f64,
    pub signals: Vec<Signal>,
    /// The first event of those that prove it.
    pub begins: Option<EventId>,
}

/// Events that are shown of each signal.
const SHOWN: usize = 3;

/// Weighs all signals.
pub(crate) fn weigh(knowledge: &Knowledge, facts: &Facts) -> Rollback {
    let mut signals = Vec::new();
    let mut groups: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut against, mut strong, mut begins) = (0.0, false, None::<EventId>);
    for (entry, signal) in knowledge.signals.iter().enumerate() {
        let Some(found) = facts.holds_one(&signal.when) else { continue };
        // Of several facts the last one to appear makes the difference: that one is shown.
        let decisive = found.iter().filter_map(|fact| facts.get(fact)).max_by_key(|seen| seen.first());
        let events: Vec<EventId> =
            decisive.map(|seen| seen.events.iter().copied().take(SHOWN).collect()).unwrap_or_default();
        if signal.weight < 0.0 {
            against -= signal.weight;
        } else {
            let best = groups.entry(&signal.group).or_default();
            *best = best.max(signal.weight);
            if signal.strong {
                strong = true;
                // A signal is there once the last of its facts is.
                let there = found.iter().filter_map(|fact| facts.first(fact)).max();
                begins = [begins, there].into_iter().flatten().min();
            }
        }
        let count = decisive.map_or(0, |seen| seen.count);
        signals.push(Signal { entry, count, events });
    }
    let limits = &knowledge.limits;
    let doubt: f64 = groups.values().map(|weight| 1.0 - weight).product();
    // A log of events alone never makes it certain.
    let mut confidence = (1.0 - doubt - against).min(limits.at_most).max(0.0);
    if facts.has("log-ends-early") {
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
pub(crate) fn boot(knowledge: &Knowledge, facts: &Facts) -> (Boot, Option<usize>) {
    let found = knowledge.boots.iter().position(|boot| facts.holds_one(&boot.when).is_some());
    (found.and_then(|at| knowledge.boots.get(at)).map_or(Boot::Other, |boot| boot.class), found)
}
