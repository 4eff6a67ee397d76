//! A language that selects events, and Process Monitor's own filters (docs/filters.md).
//!
//! Text becomes tokens ([`lexer`]), tokens a tree of tests ([`parser`]), each of a column
//! ([`column`]) against values ([`value`], [`operand`], [`expression`]); a configuration file becomes the same tree
//! ([`pmc`], [`rules`]). The tree is ordered by what its tests cost ([`test`], [`subject`]), and a
//! [`Matcher`] decides event by event, with the answers that it remembers ([`memo`]).
//!
//! ```
//! # use pml_parser::{Filter, LogSet};
//! # fn failures(set: &LogSet<Vec<u8>>) -> Result<usize, pml_parser::FilterError> {
//! let filter = Filter::parse("process_name = TiWorker.exe and result = error")?;
//! let mut matcher = filter.matcher(set.time_span().unwrap_or_default().0);
//! Ok(set.events().flatten().filter(|event| matcher.matches(event)).count())
//! # }
//! ```
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests may fail")
)]

mod column;
mod error;
mod expression;
mod lexer;
mod matcher;
mod memo;
mod nearest;
mod operand;
mod parser;
mod pmc;
mod rules;
mod subject;
mod test;
#[cfg(test)]
mod tests;
mod value;

pub use error::{FilterError, PmcError, PmcRule};
pub use matcher::Matcher;

use crate::columns::{self, Column, Source};
use crate::log::event::EventId;
use crate::names::operation::Operation;
use crate::time::FileTime;
use std::ops::RangeInclusive;
use subject::Subject;
use test::{Check, Node, Test};

/// A parsed filter.
#[derive(Clone, Debug)]
pub struct Filter {
    root: Node,
    /// Number of tests; each has a slot for what is remembered of it.
    slots: usize,
}

impl Filter {
    /// Parses an expression.
    ///
    /// # Errors
    /// When the text is no expression, names a column that is not there or a value that the column
    /// cannot have, or nests too deeply. The error has the place.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::parse_as(text, false)
    }

    /// Parses an expression that is known to have no mistakes, such as one that comes with a program. Its regular
    /// expressions are compiled when the first text needs them, which makes parsing some thirty times as fast; one with
    /// a mistake matches nothing.
    ///
    /// # Errors
    /// As [`Filter::parse`], but for regular expressions.
    pub fn parse_trusted(text: &str) -> Result<Self, FilterError> {
        Self::parse_as(text, true)
    }

    fn parse_as(text: &str, is_trusted: bool) -> Result<Self, FilterError> {
        let mut slots = 0;
        let root = parser::parse(text, is_trusted, &mut slots)?;
        Ok(Self { root, slots })
    }

    /// The columns that an expression can name: those of [`EVENTS`](crate::columns::EVENTS) that an event
    /// has by itself, `duration`, and of its process some of
    /// [`PROCESSES`](crate::columns::PROCESSES), which are missing where the log has no record of the
    /// process.
    pub fn columns() -> impl Iterator<Item = &'static Column> {
        columns::for_filters().map(|entry| entry.0)
    }

    /// The filter of a Process Monitor configuration (`.PMC`): what its `FilterRules` would show.
    ///
    /// # Errors
    /// When the bytes are no configuration, have no such rules, or have a rule without an
    /// equivalent: no rule is ever left out. The error names the rule and its place.
    pub fn from_pmc(bytes: &[u8]) -> Result<Self, PmcError> {
        let mut slots = 0;
        let root = rules::tree(&pmc::filter_rules(bytes)?, &mut slots)?;
        Ok(Self { root, slots })
    }

    /// The events with these ids; ranges may overlap, and come in any order. It costs a binary search
    /// among the ranges for each event.
    pub fn event_ids(ranges: impl IntoIterator<Item = RangeInclusive<EventId>>) -> Self {
        Self::one(Source::EventId, Check::ranges(ranges))
    }

    /// The events of these operations.
    pub fn operations(operations: impl IntoIterator<Item = Operation>) -> Self {
        Self::one(Source::Operation, Check::Operations(operations.into_iter().collect()))
    }

    fn one(source: Source, check: Check) -> Self {
        let test = Test { subject: Subject::Column(source), check, negated: false, slot: 0 };
        Self { root: Node::Test(test), slots: 1 }
    }

    /// The events that both filters select.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.joined(other, Node::all)
    }

    /// The events that either filter selects.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.joined(other, Node::any)
    }

    fn joined(self, mut other: Self, join: fn(Vec<Node>) -> Node) -> Self {
        other.root.move_slots(self.slots);
        Self { root: join(vec![self.root, other.root]), slots: self.slots + other.slots }
    }

    /// Texts, in lower case, one of which the path of every event that the filter selects ends with;
    /// `None` where the filter says no such thing.
    ///
    /// It is an index for callers that ask hundreds of filters about each event, as triage asks the
    /// markers of its knowledge: a look at the end of the path leaves out most of the filters.
    pub fn path_endings(&self) -> Option<Vec<&str>> {
        self.root.path_endings()
    }

    /// Whether the filter depends on nothing but the path. Such callers need its answer only once for
    /// each path.
    pub fn is_of_path_alone(&self) -> bool {
        self.root.is_of_path_alone()
    }

    /// What decides for events; one for each thread. `first` is the time that relative times
    /// count from: that of the first event of the set.
    pub fn matcher(&self, first: FileTime) -> Matcher<'_> {
        Matcher::new(&self.root, self.slots, first)
    }
}
