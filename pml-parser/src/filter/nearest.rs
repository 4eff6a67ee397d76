//! The known word that a mistyped one is nearest to.

/// Longest word that is compared; the work grows with the square.
const LONGEST: usize = 40;

/// The word among `known` that `word` was probably meant to be.
pub(super) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let word: Vec<char> = word.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    // One slip in three letters is a slip; more is another word.
    let limit = (word.len() / 3).max(1);
    known
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|entry| entry.0 <= limit)
        .min_by_key(|entry| entry.0)
        .map(|entry| entry.1)
}

/// Letters to insert, remove or replace to get from one word to the other, case aside (Levenshtein).
fn distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (line, letter) in to.chars().flat_map(char::to_lowercase).enumerate() {
        let Some((first, cells)) = row.split_first_mut() else { break };
        let mut above_left = std::mem::replace(first, line + 1);
        let mut left = line + 1;
        for (cell, &other) in cells.iter_mut().zip(from) {
            let above = *cell;
            left = (above_left + usize::from(letter != other)).min(above + 1).min(left + 1);
            *cell = left;
            above_left = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let between = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!(between("kitten", "sitting"), 3);
        assert_eq!(between("flaw", "lawn"), 2);
        assert_eq!(between("", "abc"), 3);
        assert_eq!(between("abc", ""), 3);
        assert_eq!(between("same", "same"), 0);
    }

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let words = ["process_name", "process_index", "path", "pid"];
        let near = |word| nearest(word, words.into_iter());
        assert_eq!(near("proces_name"), Some("process_name"));
        assert_eq!(near("PTH"), Some("path"));
        assert_eq!(near("banana"), None);
        assert_eq!(near(""), None);
        assert_eq!(near(&"x".repeat(100_000)), None);
    }
}
