//! Ids that were renamed: a file may use the old one until the release that drops it; that it does is noted.

use super::error::Inspection;
use super::model::{AliasesFile, FactCondition, Ref};
use std::collections::BTreeMap;
use std::fmt;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdKind {
    Rule,
    Bucket,
    Phase,
    Signal,
}

/// An old id in a knowledge file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldId {
    /// Name of the file.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// The id in the file.
    pub old: String,
    /// The id that it was read as.
    pub new: String,
    /// The version of the program that no longer accepts the old id.
    pub dropped_in: String,
}

impl fmt::Display for OldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, old, new, dropped_in } = self;
        write!(f, "{file}:{line}: {old} is now {new}; version {dropped_in} drops the old id")
    }
}

/// The table of renamed ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aliases(AliasesFile);

impl Aliases {
    pub(super) fn new(file: AliasesFile) -> Self {
        Self(file)
    }

    fn table(&self, kind: IdKind) -> &BTreeMap<String, String> {
        match kind {
            IdKind::Rule => &self.0.rules,
            IdKind::Bucket => &self.0.buckets,
            IdKind::Phase => &self.0.phases,
            IdKind::Signal => &self.0.signals,
        }
    }

    /// The new id for an old one, whatever the case of its letters.
    pub(crate) fn new_id(&self, kind: IdKind, old: &str) -> Option<&str> {
        let renamed = self.table(kind).iter().find(|(known, _)| known.eq_ignore_ascii_case(old));
        renamed.map(|(_, new)| new.as_str())
    }

    /// The version that no longer accepts old ids.
    pub(crate) fn dropped_in(&self) -> &str {
        &self.0.dropped_in
    }

    /// Replaces an old id of a file by the new one, and notes it.
    pub(super) fn resolve(&self, kind: IdKind, id: &mut Ref, inspection: &mut Inspection<'_>) {
        if let Some(new) = self.table(kind).get(id.get_ref()) {
            inspection.old_ids.push(OldId {
                file: inspection.file.to_owned(),
                line: inspection.line(id.span().start),
                old: id.get_ref().clone(),
                new: new.clone(),
                dropped_in: self.0.dropped_in.clone(),
            });
            id.get_mut().clone_from(new);
        }
    }

    /// The same for the rules that a condition names: `found:ID`.
    pub(super) fn resolve_condition(&self, condition: &mut FactCondition, inspection: &mut Inspection<'_>) {
        let FactCondition { all, any, none } = condition;
        for fact in [all, any, none].into_iter().flatten() {
            if let Some(rule) = fact.get_ref().strip_prefix(super::FOUND) {
                let mut rule = Ref::new(fact.span(), rule.to_owned());
                self.resolve(IdKind::Rule, &mut rule, inspection);
                *fact.get_mut() = format!("{}{}", super::FOUND, rule.get_ref());
            }
        }
    }
}
