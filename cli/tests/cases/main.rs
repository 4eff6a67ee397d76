//! `pml triage` on bundles that hold text logs and event logs, with and without a boot log.
#![forbid(unsafe_code)]

#[path = "../archive/mod.rs"]
mod archive;
mod archives;
mod never;
mod outputs;
mod public;
mod seeds;
mod seven_zip;
mod support;
