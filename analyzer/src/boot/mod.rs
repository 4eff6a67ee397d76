//! The capture: one pass over its events, and the events around one of them.
//!
//! Later stages ask a [`Scan`] and an [`EventContext`]; how they come about is private to this folder.

mod activity;
mod collect;
mod context;
mod group;
mod log_run;
mod pass;
mod plan;
mod processes;
mod scan;
mod store;

pub(crate) use context::EventContext;
pub(crate) use group::{Group, OperationKey};
pub(crate) use log_run::LogRun;
pub(crate) use pass::scan;
pub(crate) use processes::{ProcessId, ProcessInfo, Processes};
pub(crate) use scan::Scan;
pub(crate) use store::{Link, PackageState};
