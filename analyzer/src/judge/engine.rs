//! What rules are tried on: all that is known of a case before causes are looked for. (The settings of `engine.toml`
//! are in `knowledge/engine.rs`.)

use super::conclusions::Established;
use super::failure::Failure;
use super::phase::Phase;
use super::rollback::Rollback;
use crate::boot::{EventContext, Scan};
use crate::knowledge::Knowledge;

/// What rules are tried on.
pub(super) struct RuleEngine<'a, B> {
    pub context: &'a EventContext<'a, B>,
    pub scan: &'a Scan,
    pub known: Established<'a>,
    pub phases: &'a [Phase],
    pub failures: &'a [Failure],
    pub rollback: &'a Rollback,
}

impl<'a, B> RuleEngine<'a, B> {
    pub(super) fn knowledge(&self) -> &'a Knowledge {
        self.context.knowledge
    }
}
