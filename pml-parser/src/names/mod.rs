//! Names: the numbers of the format and their texts, each once, as data.
//!
//! No code in this folder reads a log. Code outside of it does not repeat these names.

pub(crate) mod category;
pub(crate) mod constants;
pub(crate) mod control;
pub(crate) mod file_information;
pub(crate) mod file_operation;
pub(crate) mod flags;
pub(crate) mod kernel;
pub(crate) mod ntstatus;
pub(crate) mod operation;
pub(crate) mod registry;
pub(crate) mod sid;
