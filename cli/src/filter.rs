//! The filter that the arguments ask for.

use crate::args::FilterArgs;
use crate::failure::Failure;
use pml_parser::Filter;
use std::fs;

/// The filter, or `None` where all events are taken.
pub(crate) fn filter(args: &FilterArgs) -> Result<Option<Filter>, Failure> {
    let written = match &args.filter {
        Some(text) => Some(Filter::parse(text).map_err(|e| Failure::new(format!("--where: {e}")))?),
        None => None,
    };
    let configured = match &args.procmon_filter {
        Some(path) => {
            let bytes = fs::read(path).map_err(|e| Failure::of_io(path, &e))?;
            let filter = Filter::from_pmc(&bytes);
            Some(filter.map_err(|e| Failure::new(format!("{}: {e}", path.display())))?)
        }
        None => None,
    };
    Ok(match (written, configured) {
        (Some(a), Some(b)) => Some(a.and(b)),
        (a, b) => a.or(b),
    })
}
