//! From a value of an expression to the check that an event has to pass.

use super::column::{Column, Kind};
use super::error::{FilterError, mistake};
use super::expression::Expression;
use super::lexer::Compare;
use super::nearest::nearest;
use super::test::{Check, TextCheck, folded};
use super::value::{self, Value};
use crate::columns::Source;
use crate::names::category::Category;
use crate::names::ntstatus::NtStatus;
use crate::names::operation::{EventClass, Operation, is_unknown};

/// A value as it was written.
pub(super) struct Operand {
    pub text: String,
    pub is_quoted: bool,
    /// Byte offset in the expression.
    pub position: usize,
}

/// A text to compare with.
pub(super) fn text(operand: &Operand) -> String {
    folded(&operand.text)
}

/// The texts of a column, where only some can come.
fn known_texts(source: Source, wanted: &str) -> Option<Box<dyn Iterator<Item = &'static str>>> {
    Some(match source {
        Source::Operation => Box::new(Operation::names()),
        Source::Class => Box::new(EventClass::names()),
        Source::Category => Box::new(Category::ALL.into_iter().map(Category::name)),
        // A status without a text prints as a number.
        Source::Result | Source::Status if !wanted.starts_with("0x") => Box::new(NtStatus::texts()),
        _ => return None,
    })
}

/// A text that is compared as a whole, for equality. Where only some texts can come, any other is
/// a mistake: it would select nothing.
fn whole(expression: &str, column: &Column, operand: &Operand) -> Result<String, FilterError> {
    let wanted = text(operand);
    if column.source == Source::Stack {
        let error = mistake(expression, operand.position, "a stack is several lines, which equal no text");
        return Err(error.with(format!("write: stack contains '{}'", operand.text)));
    }
    let known = || known_texts(column.source, &wanted);
    let Some(mut texts) = known() else { return Ok(wanted) };
    if is_unknown(&wanted) || texts.any(|known| known.eq_ignore_ascii_case(&wanted)) {
        return Ok(wanted);
    }
    let message = format!("no event has the {} `{}`", column.name, operand.text);
    let error = mistake(expression, operand.position, message);
    // `result = NAME NOT FOUND` without its quotes.
    let rest = folded(expression.get(operand.position..).unwrap_or_default());
    let mut texts = known().into_iter().flatten();
    let unquoted = texts.find(|known| known.contains(' ') && rest.starts_with(&folded(known)));
    if let Some(unquoted) = unquoted.filter(|_| !operand.is_quoted) {
        return Err(error.with(format!("a text with blanks needs quotes: '{unquoted}'")));
    }
    Err(match nearest(&wanted, known().into_iter().flatten()) {
        Some(near) => error.with(format!("did you mean '{near}'?")),
        None => {
            error.with(format!("for a part of the text, write: {} contains '{}'", column.name, operand.text))
        }
    })
}

/// A regular expression.
pub(super) fn regex(expression: &str, operand: &Operand) -> Result<Expression, FilterError> {
    Expression::new(&operand.text).map_err(|error| {
        let message = error.to_string();
        // Its messages draw the expression on several lines; the last one says what is wrong.
        let last = message.lines().last().unwrap_or_default();
        let reason = last.strip_prefix("error: ").unwrap_or(last);
        let error = mistake(expression, operand.position, format!("no regular expression: {reason}"));
        error.with(r"a backslash is written \\ there, a dot \.; `contains` takes texts as they are")
    })
}

/// The check of `=`, `!=` (without its negation), `<`, `<=`, `>` and `>=`.
pub(super) fn compared(
    expression: &str,
    column: &Column,
    sign: Compare,
    operand: &Operand,
) -> Result<Check, FilterError> {
    let is_equality = matches!(sign, Compare::Equal | Compare::NotEqual);
    match column.kind {
        Kind::Text => Ok(Check::Text(TextCheck::Equals(whole(expression, column, operand)?))),
        Kind::Status if is_equality => status(expression, column, operand),
        _ => {
            let value = number(expression, column, operand)?;
            Ok(Check::Number(if is_equality { Compare::Equal } else { sign }, value))
        }
    }
}

/// The check of `between`.
pub(super) fn between(
    expression: &str,
    column: &Column,
    low: &Operand,
    high: &Operand,
) -> Result<Check, FilterError> {
    if column.kind == Kind::Text {
        let message = format!("`{}` is a text, which is never between others", column.name);
        return Err(mistake(expression, low.position, message));
    }
    let bounds = (number(expression, column, low)?, number(expression, column, high)?);
    if bounds.0.is_above(bounds.1) {
        let error = mistake(expression, low.position, "the lower bound is above the upper bound");
        return Err(error.with(format!("write: between {} and {}", high.text, low.text)));
    }
    Ok(Check::Between(bounds.0, bounds.1))
}

/// The checks of `in`; one of them has to pass.
pub(super) fn one_of(
    expression: &str,
    column: &Column,
    operands: &[Operand],
) -> Result<Vec<Check>, FilterError> {
    let texts = |mut values: Vec<String>| {
        values.sort_unstable();
        Check::Text(TextCheck::OneOf(values))
    };
    match column.kind {
        Kind::Text => {
            let wanted: Result<_, _> =
                operands.iter().map(|operand| whole(expression, column, operand)).collect();
            Ok(vec![texts(wanted?)])
        }
        Kind::Status => {
            let mut names = Vec::new();
            let mut codes = Vec::new();
            let mut checks = Vec::new();
            for operand in operands {
                match status(expression, column, operand)? {
                    Check::Number(_, value) => codes.push(value),
                    Check::Error => checks.push(Check::Error),
                    _ => names.push(text(operand)),
                }
            }
            checks.extend((!codes.is_empty()).then_some(Check::OneOf(codes)));
            checks.extend((!names.is_empty()).then(|| texts(names)));
            Ok(checks)
        }
        _ => {
            let values: Result<_, _> =
                operands.iter().map(|operand| number(expression, column, operand)).collect();
            Ok(vec![Check::OneOf(values?)])
        }
    }
}

/// What a status is compared with: a number, a severity, or a text. No result is called "error".
fn status(expression: &str, column: &Column, operand: &Operand) -> Result<Check, FilterError> {
    if operand.text.eq_ignore_ascii_case("error") {
        return Ok(Check::Error);
    }
    Ok(match value::read(&operand.text, Kind::Status) {
        Some(value) if !operand.is_quoted => Check::Number(Compare::Equal, value),
        _ => Check::Text(TextCheck::Equals(whole(expression, column, operand)?)),
    })
}

fn number(expression: &str, column: &Column, operand: &Operand) -> Result<Value, FilterError> {
    value::read(&operand.text, column.kind).ok_or_else(|| {
        let takes = match column.kind {
            Kind::Status => "a number (0xC0000034)",
            kind => kind.takes(),
        };
        let message = format!("`{}` takes {takes} here, not `{}`", column.name, operand.text);
        let error = mistake(expression, operand.position, message);
        let is_number = value::read(&operand.text, Kind::Unsigned).is_some();
        match column.kind {
            Kind::Duration | Kind::Time if is_number => {
                error.with(format!("did you mean `{}s`?", operand.text))
            }
            Kind::Time if operand.text.contains(['T', ' ']) => {
                error.with("times are UTC, with at most seven decimals: 2024-11-14T00:22:01.5Z")
            }
            _ => error,
        }
    })
}
