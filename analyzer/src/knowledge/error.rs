//! What is wrong with a knowledge file, and where.

use std::fmt;
use std::ops::Range;

/// One mistake in a knowledge file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnowledgeError {
    /// Name of the file.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for KnowledgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

impl std::error::Error for KnowledgeError {}

/// A file under inspection: collects what is wrong with it.
pub(crate) struct Inspection<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub errors: &'a mut Vec<KnowledgeError>,
}

impl Inspection<'_> {
    /// Notes a mistake at a place of the file.
    pub(crate) fn push(&mut self, span: Range<usize>, reason: impl Into<String>) {
        let line = self.text.as_bytes().iter().take(span.start).filter(|&&b| b == b'\n').count() + 1;
        self.errors.push(KnowledgeError { file: self.file.to_owned(), line, reason: reason.into() });
    }

    /// Parses the file; a mistake is noted, and nothing returned.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        match toml::from_str(self.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(error.span().unwrap_or(0..0), error.message());
                None
            }
        }
    }
}
