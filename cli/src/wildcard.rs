//! Names with `*` and `?` among the arguments. Shells of Unix replace them by names of files before a program starts;
//! those of Windows leave that to each program.

use crate::failure::Failure;
use pml_analyzer::bundle::{BundleError, is_pattern, matching};
use std::borrow::Cow;
use std::path::PathBuf;

/// The files and folders that the arguments name. On Windows, the names of a path may have `*` (any characters) and `?`
/// (one character), and stand for all names that match them, in order; on other systems, these are characters of names.
///
/// # Errors
/// When no name matches, or the folder cannot be listed.
pub(crate) fn expand(arguments: &[PathBuf]) -> Result<Cow<'_, [PathBuf]>, Failure> {
    if !cfg!(windows) || !arguments.iter().any(|argument| is_pattern(argument)) {
        return Ok(Cow::Borrowed(arguments));
    }
    let mut expanded = Vec::new();
    for argument in arguments {
        if is_pattern(argument) {
            expanded.extend(matching(argument).map_err(|error| match error {
                error @ BundleError::NoMatch { .. } => {
                    Failure::from(error).hint("`dir` lists the names in a folder")
                }
                error => error.into(),
            })?);
        } else {
            expanded.push(argument.clone());
        }
    }
    Ok(Cow::Owned(expanded))
}
