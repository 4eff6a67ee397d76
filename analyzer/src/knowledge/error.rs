//! What is wrong with a knowledge file, and where.

use super::aliases::OldId;
use super::parsed;
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

/// One file while it is read and checked: collects its mistakes and its old ids.
pub(crate) struct Inspection<'a> {
    pub file: &'a str,
    pub text: &'a str,
    /// Whether the file comes with the program.
    pub is_embedded: bool,
    pub errors: &'a mut Vec<KnowledgeError>,
    pub old_ids: &'a mut Vec<OldId>,
}

impl Inspection<'_> {
    /// The line, from 1, of a byte of the file.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|&&b| b == b'\n').count() + 1
    }

    /// Notes a mistake at a place of the file.
    pub(crate) fn push(&mut self, span: Range<usize>, reason: impl Into<String>) {
        let line = self.line(span.start);
        self.errors.push(KnowledgeError { file: self.file.to_owned(), line, reason: reason.into() });
    }

    /// Parses the file. A mistake is noted; the result is then `None`.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        let parsed =
            if self.is_embedded { parsed::read(self.file, self.text) } else { parsed::parse(self.text) };
        match parsed {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.push(mistake.span(), mistake.reason());
                None
            }
        }
    }
}
