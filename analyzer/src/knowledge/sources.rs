//! Where each file of knowledge comes from: a knowledge directory where it has the file, else the program.

use super::aliases::OldId;
use super::embedded::{RULES, TABLES};
use super::error::{Inspection, KnowledgeError};

/// All files, and what their readers have noted so far.
pub(super) struct Sources<'a> {
    /// Files of a knowledge directory: names relative to it, and texts.
    own: &'a [(String, String)],
    pub(super) errors: Vec<KnowledgeError>,
    pub(super) old_ids: Vec<OldId>,
}

/// One rule file.
#[derive(Clone, Copy)]
pub(super) struct RuleSource<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    /// Whether it comes from a knowledge directory, and is not just a copy of the program's.
    pub(super) is_own: bool,
    /// Whether it comes from a knowledge directory, and may replace one of the program's.
    pub(super) may_replace: bool,
}

impl<'a> Sources<'a> {
    pub(super) fn new(own: &'a [(String, String)]) -> Self {
        let mut sources = Self { own, errors: Vec::new(), old_ids: Vec::new() };
        sources.refuse_unknown();
        sources
    }

    /// A table, ready to be read.
    pub(super) fn table(&mut self, name: &'static str) -> Inspection<'_> {
        match self.own.iter().find(|file| file.0 == name) {
            Some((_, text)) => self.inspect(name, text, false),
            None => self.inspect(name, embedded(name), true),
        }
    }

    /// A rule file, ready to be read.
    pub(super) fn rule<'i>(&'i mut self, source: RuleSource<'i>) -> Inspection<'i> {
        self.inspect(source.name, source.text, !source.may_replace)
    }

    fn inspect<'i>(&'i mut self, file: &'i str, text: &'i str, is_embedded: bool) -> Inspection<'i> {
        Inspection { file, text, is_embedded, errors: &mut self.errors, old_ids: &mut self.old_ids }
    }

    /// The rule files of the program in their order, then those of the knowledge directory.
    pub(super) fn rules(&self) -> Vec<RuleSource<'a>> {
        let embedded =
            RULES.iter().map(|&(name, text)| RuleSource { name, text, is_own: false, may_replace: false });
        let own = self.own.iter().filter(|file| is_rule(&file.0)).map(|(name, text)| {
            let is_copy = RULES.iter().any(|known| known.1 == text);
            RuleSource { name, text, is_own: !is_copy, may_replace: true }
        });
        embedded.chain(own).collect()
    }

    /// A file that would have no effect is a mistake too, most likely in its name.
    fn refuse_unknown(&mut self) {
        for (name, text) in self.own {
            let is_table = TABLES.iter().any(|table| table.0 == name);
            if !is_table && !is_rule(name) {
                let known: Vec<&str> = TABLES.iter().map(|table| table.0).collect();
                let reason = format!("no such file; there are rules/*.toml and {}", known.join(", "));
                self.inspect(name, text, false).push(0..0, reason);
            }
        }
    }
}

/// The text of a table that comes with the program.
pub(super) fn embedded(name: &str) -> &'static str {
    TABLES.iter().find(|table| table.0 == name).map_or("", |table| table.1)
}

fn is_rule(name: &str) -> bool {
    name.starts_with("rules/") && name.ends_with(".toml")
}
