//! Names of functions, from symbols that the caller has. This crate reads none itself.

use crate::log::process::Module;
use std::fmt;
use std::sync::Arc;

/// Names the functions of modules.
pub trait Symbols: Send + Sync {
    /// The function at `offset` bytes from the base of a module; `None` where no symbols of exactly this image are known.
    fn function(&self, module: Module<'_>, offset: u64) -> Option<Function>;
}

/// A function that contains an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Bytes from its beginning to the address.
    pub offset: u64,
    /// File and line of its source, `file.c:12`, where the symbols have lines.
    pub source: Option<String>,
}

/// Symbols that exports and reports share.
#[derive(Clone)]
pub struct SharedSymbols(Arc<dyn Symbols>);

impl SharedSymbols {
    /// Shares symbols.
    pub fn new(symbols: impl Symbols + 'static) -> Self {
        Self(Arc::new(symbols))
    }
}

impl Symbols for SharedSymbols {
    fn function(&self, module: Module<'_>, offset: u64) -> Option<Function> {
        self.0.function(module, offset)
    }
}

impl fmt::Debug for SharedSymbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSymbols")
    }
}
