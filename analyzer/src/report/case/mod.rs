//! The report on a case of several logs: updates, phases, causes with the lines that prove them, and the
//! reports on the boot logs of the case.

mod build;
mod join;
mod model;
mod render;
mod summary;
#[cfg(feature = "tables")]
pub mod tables;

pub use build::CaseOrigin;
pub use model::{
    AttemptReport, BootReport, CASE_SCHEMA_VERSION, CaptureJoin, CaptureLink, CaseClock, CaseFinding,
    CaseInput, CaseReport, CaseSummary, ClockReport, CodeReport, CollectReport, InputReport, JoinReport,
    JoinedWith, PhaseText, ProofReport, ScanReport, StoreReport, TimelineEntry, UnreadInput, UpdateReport,
};
