//! What the parser's errors say, and what they suggest.

use super::column::{COLUMNS, Column};
use super::error::FilterError;
use super::lexer::{Lexeme, Token};
use super::nearest::nearest;
use super::parser::OPERATORS;

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

/// There is no column of this name.
pub(super) fn unknown_column(text: &str, name: &str, position: usize) -> FilterError {
    let error = mistake(text, position, format!("there is no column `{name}`"));
    let names = || COLUMNS.iter().map(|column| column.name);
    let lower = name.to_lowercase().replace('-', "_");
    let part = || names().find(|column| lower.len() > 2 && column.split('_').any(|word| word == lower));
    match nearest(&lower, names()).or_else(part) {
        Some(column) => error.with(format!("did you mean `{column}`?")),
        None if lower == "stack_id" => error.with("stacks are numbered when a capture is converted"),
        None => error.with("docs/filters.md lists all columns"),
    }
}

/// There is no operator of this name.
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
