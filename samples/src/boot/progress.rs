//! Positions in a log, and the spans of it that last a fixed time.

use pml_parser::Ticks;

/// A share of the log, in millionths.
pub(crate) type Ppm = u32;

/// The end of the log as a share of it.
pub(crate) const WHOLE: Ppm = 1_000_000;

/// A span of the log that lasts a fixed time, however many events it has.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    pub(crate) from: Ppm,
    pub(crate) to: Ppm,
    pub(crate) lasts: Ticks,
    /// Roles that have no background activity during the span.
    pub(crate) quiet: Vec<String>,
}

impl Stretch {
    /// Whether this point of the log lies in the span.
    pub(crate) fn contains(&self, progress: Ppm) -> bool {
        (self.from..self.to).contains(&progress)
    }
}
