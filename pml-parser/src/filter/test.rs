//! A filter as a tree of tests, the cheap ones first.

use super::expression::Expression;
use super::lexer::Compare;
use super::subject::{Cost, Subject};
use super::value::Value;
use crate::columns::Source;
use crate::names::operation::Operation;
use memchr::memmem::Finder;
use std::ops::RangeInclusive;

/// A filter.
#[derive(Clone, Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Test),
}

/// One comparison.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub subject: Subject,
    pub check: Check,
    /// Whether a value that is there must not pass the check.
    pub negated: bool,
    /// Position of its answers in the memory of a matcher.
    pub slot: usize,
}

/// What a value is checked for.
#[derive(Clone, Debug)]
pub(super) enum Check {
    /// There is none.
    Missing,
    Number(Compare, Value),
    Between(Value, Value),
    OneOf(Vec<Value>),
    /// Ascending and apart: the number lies within one of them, ends included.
    Ranges(Vec<(i128, i128)>),
    /// The event's operation is one of them.
    Operations(Vec<Operation>),
    /// The status is an error.
    Error,
    Text(TextCheck),
}

/// What a text is checked for; all but the expression are folded.
#[derive(Clone, Debug)]
pub(super) enum TextCheck {
    Equals(String),
    Contains(Box<Finder<'static>>),
    StartsWith(String),
    EndsWith(String),
    /// Ascending.
    OneOf(Vec<String>),
    Matches(Expression),
}

impl Node {
    /// What all of them select.
    pub(super) fn all(nodes: Vec<Self>) -> Self {
        let nodes = nodes.into_iter().flat_map(|node| match node {
            Self::All(inner) => inner,
            other => vec![other],
        });
        let mut nodes: Vec<_> = nodes.collect();
        nodes.sort_by_key(Self::cost);
        Self::All(nodes)
    }

    /// What any of them selects.
    pub(super) fn any(nodes: Vec<Self>) -> Self {
        let nodes = nodes.into_iter().flat_map(|node| match node {
            Self::Any(inner) => inner,
            other => vec![other],
        });
        let mut nodes: Vec<_> = nodes.collect();
        nodes.sort_by_key(Self::cost);
        Self::Any(nodes)
    }

    /// What it does not select.
    pub(super) fn not(node: Self) -> Self {
        Self::Not(Box::new(node))
    }

    /// The most that deciding may cost. Reading a value counts for more than comparing it.
    fn cost(&self) -> (Cost, u8) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter().map(Self::cost).max().unwrap_or((Cost::Header, 0))
            }
            Self::Not(node) => node.cost(),
            Self::Test(test) => (test.subject.cost(), test.check.cost()),
        }
    }

    /// Makes room for `by` slots in front.
    pub(super) fn move_slots(&mut self, by: usize) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter_mut().for_each(|node| node.move_slots(by)),
            Self::Not(node) => node.move_slots(by),
            Self::Test(test) => test.slot += by,
        }
    }

    /// Texts, folded, one of which the path of every selected event ends with; see
    /// `Filter::path_endings`.
    pub(super) fn path_endings(&self) -> Option<Vec<&str>> {
        match self {
            // One condition is enough, the one with the fewest endings.
            Self::All(nodes) => nodes.iter().filter_map(Self::path_endings).min_by_key(Vec::len),
            Self::Any(nodes) => {
                let all: Option<Vec<_>> = nodes.iter().map(Self::path_endings).collect();
                all.map(|endings| endings.into_iter().flatten().collect())
            }
            Self::Test(Test { subject, check: Check::Text(check), negated: false, .. })
                if *subject == Subject::Column(Source::Path) =>
            {
                match check {
                    TextCheck::EndsWith(text) | TextCheck::Equals(text) => Some(vec![text]),
                    TextCheck::OneOf(texts) => Some(texts.iter().map(String::as_str).collect()),
                    _ => None,
                }
            }
            Self::Not(_) | Self::Test(_) => None,
        }
    }

    /// Whether nothing but the path decides; see `Filter::is_of_path_alone`.
    pub(super) fn is_of_path_alone(&self) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().all(Self::is_of_path_alone),
            Self::Not(node) => node.is_of_path_alone(),
            Self::Test(test) => test.subject == Subject::Column(Source::Path),
        }
    }
}

impl Check {
    /// Whether a number lies in one of these ranges, which may overlap and come in any order.
    pub(super) fn ranges(ranges: impl IntoIterator<Item = RangeInclusive<u64>>) -> Self {
        let ranges = ranges.into_iter().filter(|range| !range.is_empty());
        let mut sorted: Vec<_> =
            ranges.map(|range| (i128::from(*range.start()), i128::from(*range.end()))).collect();
        sorted.sort_unstable();
        let mut apart: Vec<(i128, i128)> = Vec::with_capacity(sorted.len());
        for (from, to) in sorted {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        Self::Ranges(apart)
    }

    fn cost(&self) -> u8 {
        match self {
            Self::Text(TextCheck::Matches(_)) => 2,
            Self::Text(TextCheck::Contains(_)) => 1,
            _ => 0,
        }
    }

    /// Whether a number passes; times count from `first`.
    pub(super) fn number(&self, number: i128, first: i128) -> bool {
        match self {
            Self::Number(Compare::Equal, value) => number == value.at(first),
            Self::Number(Compare::NotEqual, value) => number != value.at(first),
            Self::Number(Compare::Less, value) => number < value.at(first),
            Self::Number(Compare::LessOrEqual, value) => number <= value.at(first),
            Self::Number(Compare::Greater, value) => number > value.at(first),
            Self::Number(Compare::GreaterOrEqual, value) => number >= value.at(first),
            Self::Between(low, high) => (low.at(first)..=high.at(first)).contains(&number),
            Self::OneOf(values) => values.iter().any(|value| value.at(first) == number),
            Self::Ranges(ranges) => {
                let at = ranges.partition_point(|range| range.1 < number);
                ranges.get(at).is_some_and(|range| range.0 <= number)
            }
            Self::Missing | Self::Operations(_) | Self::Error | Self::Text(_) => false,
        }
    }
}

impl TextCheck {
    /// Whether a folded text holds another.
    pub(super) fn contains(text: &str) -> Self {
        Self::Contains(Box::new(Finder::new(text).into_owned()))
    }

    /// The expression that checks the text as it is; `None` where the check is of the folded text.
    pub(super) fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Matches(expression) => Some(expression),
            _ => None,
        }
    }

    /// Whether a folded text passes. An expression passes none.
    pub(super) fn passes(&self, folded: &[u8]) -> bool {
        match self {
            Self::Equals(value) => folded == value.as_bytes(),
            Self::Contains(finder) => finder.find(folded).is_some(),
            Self::StartsWith(value) => folded.starts_with(value.as_bytes()),
            Self::EndsWith(value) => folded.ends_with(value.as_bytes()),
            Self::OneOf(values) => values.binary_search_by(|value| value.as_bytes().cmp(folded)).is_ok(),
            Self::Matches(_) => false,
        }
    }
}

/// A text without the difference of upper and lower case.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(lower).collect()
}

/// Appends a text without the difference of upper and lower case: letters whose lower case is one
/// letter become that, as Windows compares names.
pub(super) fn fold(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        let start = out.len();
        out.extend_from_slice(text.as_bytes());
        if let Some(tail) = out.get_mut(start..) {
            tail.make_ascii_lowercase();
        }
        return;
    }
    for c in text.chars() {
        out.extend_from_slice(lower(c).encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// The lower case of a letter, where that is one letter.
fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::ProcessField;

    #[test]
    fn folding() {
        assert_eq!(folded("TiWorker.EXE"), "tiworker.exe");
        assert_eq!(folded("ÄÖ ЖУК Σ"), "äö жук σ");
        assert_eq!(folded("İ"), "İ", "two letters in lower case");
    }

    #[test]
    fn cheap_tests_come_first() {
        let test = |source, text: &str| {
            let check = Check::Text(TextCheck::contains(text));
            Node::Test(Test { subject: Subject::Column(source), check, negated: false, slot: 0 })
        };
        let expensive =
            Node::any(vec![test(Source::Detail, "d"), test(Source::Process(ProcessField::Name), "n")]);
        let node = Node::all(vec![expensive, test(Source::Path, "p"), test(Source::Operation, "o")]);
        let Node::All(nodes) = node else { panic!("flattened") };
        let order: Vec<_> = nodes.iter().map(|node| node.cost().0).collect();
        assert_eq!(order, [Cost::Lookup, Cost::Path, Cost::Detail]);
    }
}
