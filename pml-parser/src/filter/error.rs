//! What can be wrong with a filter, and where.

use std::fmt;

/// Why an expression is none.
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
        // Tabs stay tabs, so that the caret stands right however wide they are.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
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
