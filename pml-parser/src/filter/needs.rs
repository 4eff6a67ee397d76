//! What a filter wants of paths, so that whoever asks many filters can leave most of them out.

use super::column::Source;
use super::test::{Check, Node, Test, TextCheck};

impl Node {
    /// Texts, folded, one of which the path of every selected event ends with.
    pub(super) fn path_endings(&self) -> Option<Vec<&str>> {
        match self {
            // One condition is enough, the one with the fewest endings.
            Self::All(nodes) => nodes.iter().filter_map(Self::path_endings).min_by_key(Vec::len),
            Self::Any(nodes) => {
                let all: Option<Vec<_>> = nodes.iter().map(Self::path_endings).collect();
                all.map(|endings| endings.into_iter().flatten().collect())
            }
            Self::Test(Test { source: Source::Path, check: Check::Text(check), negated: false, .. }) => {
                match check {
                    TextCheck::EndsWith(text) | TextCheck::Equals(text) => Some(vec![text]),
                    TextCheck::OneOf(texts) => Some(texts.iter().map(String::as_str).collect()),
                    _ => None,
                }
            }
            Self::Not(_) | Self::Test(_) => None,
        }
    }

    /// Whether nothing but the path decides.
    pub(super) fn is_of_path_alone(&self) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().all(Self::is_of_path_alone),
            Self::Not(node) => node.is_of_path_alone(),
            Self::Test(test) => test.source == Source::Path,
        }
    }
}
