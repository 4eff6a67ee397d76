//! The report on a case of several logs: updates, phases, causes with the lines that prove them, and the
//! reports on the boot logs of the case.

mod build;
mod join;
mod model;
mod render;
mod summary;

pub use model::{
    AttemptReport, BootReport, CASE_SCHEMA_VERSION, CaseFinding, CaseReport, ClockReport, CodeReport,
    CollectReport, InputReport, JoinReport, ProofReport, ScanReport, TimelineEntry, UpdateReport,
};
