//! The filter that the arguments define.

use crate::args::FilterArgs;
use crate::failure::Failure;
use pml_parser::Filter;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The most bytes of a configuration; real configurations have some thousands.
const LARGEST: u64 = 16 << 20;

/// The bytes of a configuration file. An error for a path that cannot be one.
fn configuration(path: &Path) -> Result<Vec<u8>, Failure> {
    let io = |e: std::io::Error| Failure::of_io(path, &e);
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        let what =
            if metadata.is_file() { "is too large for" } else { "is not a regular file, so it is not" };
        return Err(Failure::new(format!("{}: {what} a configuration of Process Monitor", path.display()))
            .hint("export one in Process Monitor: File, Export Configuration…"));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// The filter, or `None` where all events are taken.
pub(crate) fn filter(args: &FilterArgs) -> Result<Option<Filter>, Failure> {
    let written = match &args.filter {
        Some(text) => Some(Filter::parse(text).map_err(|e| Failure::new(format!("--where: {e}")))?),
        None => None,
    };
    let configured = match &args.procmon_filter {
        Some(path) => {
            let filter = Filter::from_pmc(&configuration(path)?);
            Some(filter.map_err(|e| Failure::new(format!("{}: {e}", path.display())))?)
        }
        None => None,
    };
    Ok(match (written, configured) {
        (Some(a), Some(b)) => Some(a.and(b)),
        (a, b) => a.or(b),
    })
}
