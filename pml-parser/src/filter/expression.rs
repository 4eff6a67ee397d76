//! Regular expressions of filters. Compiling one costs as much as reading hundreds of events, so that those which come
//! with a program wait for the first text that they might match.

use memchr::memmem::Finder;
use regex::{Error, Regex, RegexBuilder};
use std::iter::Peekable;
use std::str::Chars;
use std::sync::{Arc, OnceLock};

/// A regular expression that ignores case.
#[derive(Clone, Debug)]
pub(super) struct Expression(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    pattern: String,
    /// A text of ASCII that matches has a literal of each group; literals are folded.
    literals: Vec<Vec<Finder<'static>>>,
    /// `None` inside where the pattern has a mistake.
    compiled: OnceLock<Option<Regex>>,
}

impl Expression {
    /// Compiles a pattern.
    pub(super) fn new(pattern: &str) -> Result<Self, Error> {
        let compiled = OnceLock::from(Some(compile(pattern)?));
        Ok(Self(Arc::new(Parts { pattern: pattern.to_owned(), literals: Vec::new(), compiled })))
    }

    /// An expression that is compiled when it is needed. One with a mistake matches nothing.
    pub(super) fn trusted(pattern: &str) -> Self {
        let finder = |literal: &String| Finder::new(literal).into_owned();
        let groups = literals(pattern).into_iter().map(|group| group.iter().map(finder).collect());
        let (pattern, compiled) = (pattern.to_owned(), OnceLock::new());
        Self(Arc::new(Parts { pattern, literals: groups.collect(), compiled }))
    }

    /// Whether it waits for a text that [`Self::may_match`] cannot exclude. Once compiled, it is faster than the search for
    /// literals.
    pub(super) fn is_waiting(&self) -> bool {
        !self.0.literals.is_empty() && self.0.compiled.get().is_none()
    }

    /// Whether a folded text might match. A text that is not of ASCII might always: letters that are folded
    /// differently count as one to an expression.
    pub(super) fn may_match(&self, folded: &[u8]) -> bool {
        let has_one = |group: &Vec<Finder<'_>>| group.iter().any(|literal| literal.find(folded).is_some());
        self.0.literals.iter().all(has_one) || !folded.is_ascii()
    }

    /// Whether a text matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let compiled = self.0.compiled.get_or_init(|| compile(&self.0.pattern).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).case_insensitive(true).build()
}

/// Shorter literals are in nearly every text.
const SHORTEST: usize = 2;
/// The most literals of a group.
const MOST: usize = 24;
/// The most characters of a class that are tried one by one.
const FEW: usize = 4;
/// How deeply groups may nest.
const DEEPEST: usize = 16;

/// Literals in lower case: a text of ASCII that matches a pattern has one of each group. There are none where the pattern
/// says no such thing, or is not understood.
fn literals(pattern: &str) -> Vec<Vec<String>> {
    let mut rest = pattern.chars().peekable();
    match alternatives(&mut rest, 0) {
        // What is left is a parenthesis that closes nothing.
        Ok(known) if rest.next().is_none() => known.groups,
        _ => Vec::new(),
    }
}

/// The pattern has something that this file does not understand.
struct Unclear;

/// What is known of the texts that a part of a pattern matches.
struct Known {
    /// They have a literal of each.
    groups: Vec<Vec<String>>,
    /// They are these.
    exact: Option<Vec<String>>,
}

/// Branches up to the end of the group.
fn alternatives(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Result<Known, Unclear> {
    if depth > DEEPEST {
        return Err(Unclear);
    }
    let mut all = branch(rest, depth)?;
    while rest.next_if_eq(&'|').is_some() {
        let next = branch(rest, depth)?;
        let groups = best(all.groups).zip(best(next.groups)).map(|(all, next)| [all, next].concat());
        let exact = all.exact.zip(next.exact).map(|(all, next)| [all, next].concat());
        let few = |literals: &Vec<String>| literals.len() <= MOST;
        all = Known { groups: groups.filter(few).into_iter().collect(), exact: exact.filter(few) };
    }
    Ok(all)
}

/// The group that says most: the shortest of its literals is longest.
fn best(groups: Vec<Vec<String>>) -> Option<Vec<String>> {
    groups.into_iter().max_by_key(|group| shortest(group))
}

fn shortest(literals: &[String]) -> usize {
    literals.iter().map(String::len).min().unwrap_or_default()
}

/// One branch while it is read: everything in it has to be in the text, one after the other.
struct Branch {
    groups: Vec<Vec<String>>,
    /// The text goes on like one of these.
    runs: Vec<String>,
    /// Whether the runs are all that it is.
    is_exact: bool,
}

impl Branch {
    /// The text goes on with one of these. With a quantifier it may lack them, or repeat them.
    fn push(&mut self, texts: &[String], quantifier: Option<char>) {
        let optional = [String::new()];
        let texts = match quantifier {
            None | Some('+') => texts,
            Some('?') => &[&optional, texts].concat(),
            Some(_) => return self.cut(),
        };
        if self.runs.len() * texts.len() > MOST {
            self.cut();
        }
        let joined = |run: &String| texts.iter().map(|text| format!("{run}{text}")).collect::<Vec<_>>();
        self.runs = self.runs.iter().flat_map(joined).collect();
        if quantifier == Some('+') {
            self.cut();
        }
    }

    /// Nothing is known of what comes next.
    fn cut(&mut self) {
        self.is_exact = false;
        let runs = std::mem::replace(&mut self.runs, vec![String::new()]);
        self.keep(runs);
    }

    fn keep(&mut self, group: Vec<String>) {
        if shortest(&group) >= SHORTEST {
            self.groups.push(group);
        }
    }
}

fn branch(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Result<Known, Unclear> {
    let mut branch = Branch { groups: Vec::new(), runs: vec![String::new()], is_exact: true };
    while let Some(next) = rest.next_if(|&next| next != '|' && next != ')') {
        let literal = |literal: char| Some(vec![literal.to_ascii_lowercase().to_string()]);
        let exact = match next {
            '(' => {
                // Of what a question mark begins, only groups without a number are understood, not flags.
                if rest.next_if_eq(&'?').is_some() && rest.next() != Some(':') {
                    return Err(Unclear);
                }
                let known = alternatives(rest, depth + 1)?;
                if rest.next() != Some(')') {
                    return Err(Unclear);
                }
                let is_certain = !is_repeated(rest) || rest.peek() == Some(&'+');
                if known.exact.is_none() && is_certain {
                    known.groups.into_iter().for_each(|group| branch.keep(group));
                }
                known.exact
            }
            '[' => class(rest)?,
            '^' | '$' if !is_repeated(rest) => continue,
            '.' | '^' | '$' => None,
            '\\' => match rest.next() {
                Some(escaped) if escaped.is_ascii_punctuation() && !matches!(escaped, '<' | '>') => {
                    literal(escaped)
                }
                Some('b' | 'B' | 'A' | 'z') if !is_repeated(rest) => continue,
                Some('d' | 'D' | 's' | 'S' | 'w' | 'W') => None,
                _ => return Err(Unclear),
            },
            '?' | '*' | '+' | '{' | ']' | '}' => return Err(Unclear),
            other => literal(other).filter(|_| other.is_ascii()),
        };
        let quantifier = quantifier(rest);
        match exact {
            Some(texts) => branch.push(&texts, quantifier),
            None => branch.cut(),
        }
    }
    let Branch { is_exact, runs, .. } = &branch;
    let exact = is_exact.then(|| runs.clone());
    branch.cut();
    Ok(Known { groups: branch.groups, exact })
}

/// Whether a quantifier comes next.
fn is_repeated(rest: &mut Peekable<Chars<'_>>) -> bool {
    matches!(rest.peek(), Some('?' | '*' | '+' | '{'))
}

/// Skips a quantifier, and gives its first character.
fn quantifier(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    let mut first = None;
    // A question mark after a quantifier only says how much it takes; of several quantifiers, the text may be missing.
    while let Some(next) = rest.next_if(|next| matches!(next, '?' | '*' | '+' | '{')) {
        if next == '{' {
            rest.find(|&next| next == '}');
        }
        first = match (first, next) {
            (None, next) => Some(next),
            (first, '?') => first,
            _ => Some('*'),
        };
    }
    first
}

/// Skips the rest of a class of characters, and gives the characters where they are few.
fn class(rest: &mut Peekable<Chars<'_>>) -> Result<Option<Vec<String>>, Unclear> {
    let mut is_listed = rest.next_if_eq(&'^').is_none();
    let mut all = Vec::new();
    loop {
        let next = match rest.next() {
            // The first one is a character of the class.
            Some(']') if !all.is_empty() => break,
            Some('\\') => rest.next().filter(char::is_ascii_punctuation),
            // Classes inside, and differences of classes.
            Some('[' | '&' | '~') | None => return Err(Unclear),
            Some('-') => None,
            Some(other) => Some(other).filter(char::is_ascii),
        };
        is_listed &= next.is_some();
        all.push(next.unwrap_or('-').to_ascii_lowercase().to_string());
    }
    Ok(Some(all).filter(|all| is_listed && all.len() <= FEW))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_of_patterns() {
        let of = |pattern| {
            let groups: Vec<String> = literals(pattern).iter().map(|group| group.join("|")).collect();
            groups.join(" ")
        };
        assert_eq!(of(r"\\WinSxS\\[^\\]+_[0-9a-f]{16}$"), r"\winsxs\");
        assert_eq!(of(r"\\WinSxS\\[^\\]+\\[frn]\\"), r"\winsxs\ \f\|\r\|\n\");
        assert_eq!(of(r"\\(te?mp|temporary)(\\|$)"), r"\tmp\|\tmp|\temp\|\temp|\temporary\|\temporary");
        assert_eq!(of(r"\\(perf[ch]\d\.dat|PerfStringBackup\.INI)$"), "perfc|perfh|perfstringbackup.ini");
        assert_eq!(of(r"^ab?cd*ef+gh"), "ac|abc ef gh");
        assert_eq!(of(r"(abc)*de(?:fgh)+"), "defgh");
        assert_eq!(of(r"(abc){0}de"), "de");
        assert_eq!(of(r"[abcde]|def"), "", "the first branch may be anything");
        assert_eq!(of(r"(?i)abc"), "", "flags are not understood");
        assert_eq!(of(r"[[:alpha:]]abc"), "");
        assert_eq!(of(r"\x41bc"), "");
        assert_eq!(of(r"a\b\dbc"), "bc");
        assert_eq!(of(r"abc)"), "");
        assert_eq!(of(&"(ab".repeat(100)), "");
    }

    #[test]
    fn a_trusted_expression_with_a_mistake_matches_nothing() {
        assert!(Expression::new("(").is_err());
        assert!(!Expression::trusted("(").is_match("("));
        let expression = Expression::trusted("a.CD");
        assert!(expression.is_waiting() && !expression.may_match(b"xyz"));
        assert!(expression.is_match("xABcdx") && !expression.is_waiting());
    }

    /// Patterns of few letters, so that they often match.
    fn pattern() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            4 => "[abkAS]{1,3}",
            1 => r"\\\\|\\\.|\.|\\d|\\b|\^|\$|é",
            1 => r"\[\^?[abks\]]{1,2}\]|\[\\\]a\]",
        ];
        let repeated = |atom: String, times: &str| format!("{atom}{times}");
        let times = || prop_oneof![6 => Just(""), 1 => Just("?"), 1 => Just("*"), 1 => Just("+"), 1 => Just("{0,2}"), 1 => Just("+?"), 1 => Just("{2}?")];
        let atom = (atom, times()).prop_map(move |(atom, times)| repeated(atom, times));
        atom.prop_recursive(3, 24, 4, move |inner| {
            let sequence = proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat());
            let either = proptest::collection::vec(inner, 1..4).prop_map(|parts| parts.join("|"));
            let group = (prop_oneof![Just("("), Just("(?:")], either, times())
                .prop_map(|(open, either, times)| format!("{open}{either}){times}"));
            prop_oneof![2 => sequence, 1 => group]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn a_text_that_matches_has_one_of_the_literals(
            pattern in pattern(),
            texts in proptest::collection::vec("[abksABKS.\\\\1éſ]{0,8}", 1..20),
        ) {
            let expression = Expression::trusted(&pattern);
            if Expression::new(&pattern).is_ok() {
                for text in texts {
                    let mut folded = Vec::new();
                    crate::filter::test::fold(&text, &mut folded);
                    prop_assert!(
                        !expression.is_match(&text) || expression.may_match(&folded),
                        "{pattern} {text}"
                    );
                }
            }
        }
    }
}
