//! Many literals searched for in one pass.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};

/// Literals, any of which makes a record worth a look.
#[derive(Clone, Debug)]
pub struct Needles {
    /// Vector instructions, where the machine has them and the literals are few.
    packed: Option<packed::Searcher>,
    automaton: Option<AhoCorasick>,
}

impl Needles {
    /// Prepares a search for literals; empty ones are left out.
    pub fn new<L: AsRef<[u8]>>(literals: impl IntoIterator<Item = L>) -> Self {
        let mut all: Vec<Vec<u8>> = literals.into_iter().map(|l| l.as_ref().to_vec()).collect();
        all.sort();
        all.dedup();
        // A literal that contains another one adds nothing.
        let mut needed: Vec<Vec<u8>> = Vec::new();
        all.sort_by_key(Vec::len);
        for literal in all.into_iter().filter(|literal| !literal.is_empty()) {
            if !needed.iter().any(|shorter| memchr::memmem::find(&literal, shorter).is_some()) {
                needed.push(literal);
            }
        }
        let packed = packed::Config::new().builder().extend(&needed).build();
        let automaton = match (&packed, needed.is_empty()) {
            (None, false) => AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&needed).ok(),
            _ => None,
        };
        Self { packed, automaton }
    }

    /// Where the first literal begins at or after a place.
    pub(crate) fn find_from(&self, text: &[u8], at: usize) -> Option<usize> {
        if let Some(searcher) = &self.packed {
            let span = aho_corasick::Span { start: at, end: text.len() };
            return searcher.find_in(text, span).map(|found| found.start());
        }
        let automaton = self.automaton.as_ref()?;
        automaton.find(aho_corasick::Input::new(text).range(at..)).map(|found| found.start())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_from_a_place_on() {
        let needles = Needles::new(["abc", "", "c", "xyz"]);
        assert_eq!(needles.find_from(b"..abc..xyz", 0), Some(4));
        assert_eq!(needles.find_from(b"..abc..xyz", 5), Some(7));
        assert_eq!(needles.find_from(b"..abc..xyz", 8), None);
        assert_eq!(Needles::new([""; 0]).find_from(b"abc", 0), None);
    }

    #[test]
    fn many_literals_are_found_too() {
        let many: Vec<String> = (0..500).map(|n| format!("literal {n:03}.")).collect();
        let needles = Needles::new(&many);
        assert!(needles.packed.is_none());
        assert_eq!(needles.find_from(b"a literal 499. here", 0), Some(2));
        assert_eq!(needles.find_from(b"a literal 500. here", 0), None);
    }
}
