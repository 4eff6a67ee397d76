//! What judging has concluded so far, and what conditions of the knowledge may ask: facts and conclusions,
//! by name.

use super::rollback::{Rollback, RollbackClass};
use crate::evidence::{Citation, Seen};
use crate::facts::Facts;
use crate::knowledge::{Boot, FactCondition};
use pml_parser::EventId;
use std::collections::BTreeMap;

/// Conclusions, by the names that conditions use. Each stage of judging adds its own, and reads those of the
/// stages before it; facts stay as they were derived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conclusions {
    seen: BTreeMap<String, Seen>,
}

impl Conclusions {
    fn add(&mut self, name: String, event: Option<EventId>) {
        self.seen.insert(name, Seen::once(event.map(Citation::event)));
    }

    /// What failures mean together: `fatal-failure`, `same-failure-again`.
    pub(super) fn add_failure(&mut self, name: &str, event: EventId) {
        self.add(name.to_owned(), Some(event));
    }

    /// Which boot it is (`boot:…`), and whether there was a rollback (`rollback:…`).
    pub(super) fn add_verdict(&mut self, boot: Boot, rollback: &Rollback) {
        self.add(format!("boot:{}", boot_name(boot)), None);
        self.add(format!("rollback:{}", class_name(rollback.class)), rollback.begins);
    }

    /// A cause that was found: `found:` and the id of its rule.
    pub(super) fn add_cause(&mut self, rule: &str) {
        self.add(format!("found:{rule}"), None);
    }
}

fn boot_name(boot: Boot) -> &'static str {
    match boot {
        Boot::Forward => "forward",
        Boot::Rollback => "rollback",
        Boot::Healthy => "healthy",
        Boot::Staging => "staging",
        Boot::Loop => "loop",
        Boot::Other => "other",
    }
}

fn class_name(class: RollbackClass) -> &'static str {
    match class {
        RollbackClass::Confirmed => "confirmed",
        RollbackClass::Probable => "probable",
        RollbackClass::Possible => "possible",
        RollbackClass::None => "none",
    }
}

/// What is established of a case: its facts, and what was concluded from them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Established<'a> {
    pub facts: &'a Facts,
    pub conclusions: &'a Conclusions,
}

impl<'a> Established<'a> {
    /// What is known of a fact or a conclusion that holds.
    pub(crate) fn get(self, name: &str) -> Option<&'a Seen> {
        self.facts.get(name).or_else(|| self.conclusions.seen.get(name))
    }

    pub(crate) fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first place that shows it.
    pub(crate) fn first(self, name: &str) -> Option<Citation> {
        self.get(name)?.first()
    }

    /// The names in a condition that hold, where the condition does.
    pub(crate) fn holds<'c>(self, condition: &'c FactCondition) -> Option<Vec<&'c str>> {
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
    pub(crate) fn holds_one(self, conditions: &[FactCondition]) -> Option<Vec<&str>> {
        conditions.iter().find_map(|condition| self.holds(condition))
    }
}
