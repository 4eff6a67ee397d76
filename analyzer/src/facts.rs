//! What is known of a capture, by name: markers that were seen, and what follows from them.

use crate::knowledge::FactCondition;
use pml_parser::EventId;
use std::collections::BTreeMap;

/// Events that a fact is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How many there were.
    pub count: u64,
    /// The first of them, ascending.
    pub events: Vec<EventId>,
    /// The last one.
    pub last: EventId,
}

/// Events that are kept of each fact.
const KEPT: usize = 64;

impl Seen {
    pub(crate) fn push(&mut self, event: EventId) {
        self.count += 1;
        self.last = event;
        if self.events.len() < KEPT {
            self.events.push(event);
        }
    }

    /// Adds what was seen later.
    pub(crate) fn merge(&mut self, later: Self) {
        if later.count > 0 {
            self.count += later.count;
            self.last = later.last;
            let room = KEPT.saturating_sub(self.events.len());
            self.events.extend(later.events.into_iter().take(room));
        }
    }

    pub(crate) fn first(&self) -> Option<EventId> {
        self.events.first().copied()
    }
}

/// All facts of a capture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    seen: BTreeMap<String, Seen>,
}

impl Facts {
    /// Adds a fact; without events it is still one.
    pub(crate) fn insert(&mut self, name: &str, seen: Seen) {
        self.seen.insert(name.to_owned(), seen);
    }

    /// A fact that holds, with one event that shows it, if there is one.
    pub(crate) fn note(&mut self, name: &str, event: Option<EventId>) {
        let mut seen = Seen { count: 1, ..Seen::default() };
        if let Some(event) = event {
            (seen.events, seen.last) = (vec![event], event);
        }
        self.insert(name, seen);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Seen> {
        self.seen.get(name).filter(|seen| seen.count > 0)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first event of a fact.
    pub(crate) fn first(&self, name: &str) -> Option<EventId> {
        self.get(name)?.first()
    }

    /// The facts of a condition that hold, where the condition does.
    pub(crate) fn holds<'c>(&self, condition: &'c FactCondition) -> Option<Vec<&'c str>> {
        let name = |fact: &'c toml::Spanned<String>| fact.get_ref().as_str();
        let mut found: Vec<&str> = condition.all.iter().map(name).collect();
        if found.iter().any(|fact| !self.has(fact)) || condition.none.iter().any(|fact| self.has(name(fact)))
        {
            return None;
        }
        let any: Vec<&str> = condition.any.iter().map(name).filter(|fact| self.has(fact)).collect();
        if any.is_empty() && !condition.any.is_empty() {
            return None;
        }
        found.extend(any);
        Some(found)
    }

    /// The same for several conditions, of which one is enough.
    pub(crate) fn holds_one<'c>(&self, conditions: &'c [FactCondition]) -> Option<Vec<&'c str>> {
        conditions.iter().find_map(|condition| self.holds(condition))
    }
}
