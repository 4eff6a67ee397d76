//! Options that change outputs, in words: `--resume` compares them with those of the earlier run.

use crate::args::{DriveArgs, RecoveryArgs, SymbolArgs, TypesArg};
use crate::failure::Failure;
use crate::symbols;
use pml_parser::arrow::types::Types;
use std::fmt::Write;

/// Options of a run, in words.
pub(crate) struct Words(String);

impl Words {
    pub(crate) fn new(types: TypesArg) -> Self {
        let types: Types = types.into();
        Self(format!("types={}", types.name()))
    }

    /// Adds an option with its value.
    pub(crate) fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a text does not fail.
        let _ = write!(self.0, " {name}={value}");
    }

    /// Adds an option without a value, where it is given.
    pub(crate) fn flag(&mut self, name: &str, is_given: bool) {
        if is_given {
            let _ = write!(self.0, " {name}");
        }
    }

    /// Adds the options that say how a log is read.
    pub(crate) fn reading(
        &mut self,
        recovery: &RecoveryArgs,
        no_set: bool,
        drives: &DriveArgs,
        symbols: &SymbolArgs,
    ) -> Result<(), Failure> {
        self.flag("recover", recovery.recover);
        self.flag("no-set", no_set);
        if !drives.is_empty() {
            self.add("drives", format_args!("{drives:?}"));
        }
        if let Some(stores) = symbols::stores(symbols)? {
            self.add("symbols", stores);
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}
