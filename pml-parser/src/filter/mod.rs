//! A language that selects events, and Process Monitor's own filters (docs/filters.md).
//!
//! Text becomes tokens ([`lexer`]), tokens a tree of tests ([`parser`]), each of a column
//! ([`column`]) against values ([`value`]); a configuration file becomes the same tree ([`pmc`]).
//! The tree is ordered by what its tests cost ([`test`]), and a [`Matcher`] decides event by event,
//! remembering whatever it may ([`memo`]).
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
mod hint;
mod lexer;
mod matcher;
mod memo;
mod nearest;
mod needs;
mod operand;
mod parser;
mod pmc;
mod rules;
mod test;
#[cfg(test)]
mod tests;
mod value;

pub use error::{FilterError, PmcError, PmcRule};
pub use matcher::Matcher;

use crate::time::FileTime;
use test::Node;

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
    /// When the text is no expression, names a column or a value that cannot be, or nests too
    /// deeply. The error knows the place.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut slots = 0;
        let root = parser::parse(text, &mut slots)?;
        Ok(Self { root, slots })
    }

    /// The filter of a Process Monitor configuration (`.PMC`): what its `FilterRules` would show.
    ///
    /// # Errors
    /// When the bytes are no configuration, have no such rules, or have a rule without an
    /// equivalent: no rule is ever left out.
    pub fn from_pmc(bytes: &[u8]) -> Result<Self, PmcError> {
        let mut slots = 0;
        let root = rules::tree(&pmc::filter_rules(bytes)?, &mut slots)?;
        Ok(Self { root, slots })
    }

    /// The events that both filters select.
    #[must_use]
    pub fn and(self, mut other: Self) -> Self {
        other.root.move_slots(self.slots);
        let root = Node::all(vec![self.root, other.root]);
        Self { root, slots: self.slots + other.slots }
    }

    /// Texts, in lower case, one of which the path of every event that the filter selects ends with;
    /// `None` where it selects by something else. Who asks many filters can leave out most of them
    /// after a look at the end of the path.
    pub fn path_endings(&self) -> Option<Vec<&str>> {
        self.root.path_endings()
    }

    /// Whether the filter depends on nothing but the path, so that its answer for one event holds for
    /// all with the same path.
    pub fn is_of_path_alone(&self) -> bool {
        self.root.is_of_path_alone()
    }

    /// What decides for events; one for each thread. `first` is the time that relative times
    /// count from: that of the first event of the set.
    pub fn matcher(&self, first: FileTime) -> Matcher<'_> {
        Matcher::new(&self.root, self.slots, first)
    }
}
