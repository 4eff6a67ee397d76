//! What can be wrong with a filter, where, and what to write instead.

use super::column::{self, Column};
use super::lexer::{Lexeme, OPERATORS, Token};
use super::nearest::nearest;
use std::fmt;

/// Why a text is no filter expression.
///
/// Displays as the message, the line of the expression with a caret under the place, and the hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The whole expression.
    pub expression: String,
    /// Byte offset of the place in it.
    pub position: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) =
            self.expression.split_at_checked(self.position).unwrap_or(("", &self.expression));
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let before = before.get(start..).unwrap_or_default();
        let after = after.lines().next().unwrap_or_default();
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  {before}{after}")?;
        // Tabs stay tabs, so that the caret is in the right place however wide they are.
        let indent: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, "  {indent}^")?;
        match &self.hint {
            Some(hint) => write!(f, "\n{hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FilterError {}

/// A rule of a configuration file, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PmcRule {
    /// Position in the list, from 1.
    pub number: u32,
    /// Title of the column, or its number where that is unknown.
    pub column: String,
    /// The relation ("is", "contains", …), or its number where that is unknown.
    pub relation: String,
    /// The text it compares with.
    pub text: String,
}

impl fmt::Display for PmcRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} (\"{}\" {} \"{}\")", self.number, self.column, self.relation, self.text)
    }
}

/// Why a configuration file gives no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PmcError {
    /// What is wrong.
    pub message: String,
    /// Byte offset in the file.
    pub offset: usize,
    /// The rule it is about; it was read as a whole.
    pub rule: Option<PmcRule>,
}

impl PmcError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), offset, rule: None }
    }
}

impl fmt::Display for PmcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = &self.rule {
            write!(f, "{rule}: ")?;
        }
        write!(f, "{} (at byte {})", self.message, self.offset)
    }
}

impl std::error::Error for PmcError {}

/// An error at a place of the expression.
pub(super) fn mistake(text: &str, position: usize, message: impl Into<String>) -> FilterError {
    FilterError { expression: text.to_owned(), position, message: message.into(), hint: None }
}

impl FilterError {
    /// The same with a hint.
    pub(super) fn with(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The error for a name that no column has.
pub(super) fn unknown_column(text: &str, name: &str, position: usize) -> FilterError {
    let error = mistake(text, position, format!("there is no column `{name}`"));
    let names = || column::all().map(|column| column.name);
    let lower = name.to_lowercase().replace('-', "_");
    let part = || names().find(|column| lower.len() > 2 && column.split('_').any(|word| word == lower));
    match nearest(&lower, names()).or_else(part) {
        Some(column) => error.with(format!("did you mean `{column}`?")),
        None if lower == "stack_id" => error.with("stacks are numbered when a capture is converted"),
        None => error.with("docs/filters.md lists all columns"),
    }
}

/// The error for a name that no operator has.
pub(super) fn unknown_operator(text: &str, column: &Column, word: &str, position: usize) -> FilterError {
    let error = mistake(text, position, format!("there is no operator `{word}`"));
    match nearest(word, OPERATORS.into_iter()).or_else(|| operator_elsewhere(word)) {
        Some(operator) => error.with(format!("did you mean `{operator}`?")),
        None => {
            error.with(format!("for example: {} = VALUE, or one of {}", column.name, OPERATORS.join(", ")))
        }
    }
}

/// What follows a comparison is neither `and` nor `or` nor the end.
pub(super) fn after_comparison(text: &str, token: &Token<'_>) -> FilterError {
    let position = token.position;
    let error = mistake(text, position, "`and`, `or` or the end was expected here");
    match token.lexeme {
        Lexeme::Close => mistake(text, position, "this parenthesis was never opened"),
        Lexeme::Word("&&" | "&") => error.with("write `and`"),
        Lexeme::Word("||" | "|") => error.with("write `or`"),
        Lexeme::Word(word) => match nearest(word, ["and", "or"].into_iter()) {
            Some(joint) if word.len() > 1 => error.with(format!("did you mean `{joint}`?")),
            _ => error.with("a text with blanks or signs needs quotes: 'NAME NOT FOUND'"),
        },
        _ => error.with("a text with blanks or signs needs quotes: 'NAME NOT FOUND'"),
    }
}

/// What operators of other languages are called here.
fn operator_elsewhere(word: &str) -> Option<&'static str> {
    static ELSEWHERE: [(&str, &str); 10] = [
        ("begins_with", "starts_with"),
        ("begins", "starts_with"),
        ("starts", "starts_with"),
        ("ends", "ends_with"),
        ("like", "contains"),
        ("has", "contains"),
        ("includes", "contains"),
        ("excludes", "not contains"),
        ("regex", "matches"),
        ("~", "matches"),
    ];
    ELSEWHERE.iter().find(|entry| entry.0.eq_ignore_ascii_case(word)).map(|entry| entry.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_under_the_place() {
        let error = |expression: &str, position| FilterError {
            expression: expression.to_owned(),
            position,
            message: "wrong".to_owned(),
            hint: None,
        };
        assert_eq!(error("ab cd", 3).to_string(), "wrong\n  ab cd\n     ^");
        assert_eq!(error("x\n\tб cd\ny", 6).to_string(), "wrong\n  \tб cd\n  \t  ^");
        assert_eq!(error("", 0).to_string(), "wrong\n  \n  ^");
        assert_eq!(error("б", 1).to_string(), "wrong\n  б\n  ^", "inside a character");
    }
}
