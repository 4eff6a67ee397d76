//! Names: each number of the format and its text stand here once, as data.
//!
//! Nothing in here reads a log, and nothing outside spells these names again.

pub(crate) mod category;
pub(crate) mod constants;
pub(crate) mod control;
pub(crate) mod file_information;
pub(crate) mod file_operation;
pub(crate) mod flags;
pub(crate) mod ntstatus;
pub(crate) mod operation;
pub(crate) mod registry;
pub(crate) mod sid;
