//! The inputs of a command over many captures: arguments, and lists of them in files.

use crate::failure::Failure;
use crate::wildcard;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Inputs.
pub(crate) struct Inputs {
    pub paths: Vec<PathBuf>,
    /// Whether a list named some of them.
    pub has_list: bool,
}

/// What an argument begins with that names a list.
const LIST: char = '@';

/// The inputs that the arguments name. `@FILE` names those of a file, and `@-` those of standard input: one a line, or
/// with a NUL after each, as `find -print0` writes them.
pub(crate) fn expand(arguments: &[PathBuf]) -> Result<Inputs, Failure> {
    let (mut paths, mut has_list) = (Vec::new(), false);
    for argument in arguments {
        let list = argument.to_str().and_then(|text| text.strip_prefix(LIST));
        match list.filter(|_| !argument.exists()) {
            Some(list) => {
                has_list = true;
                paths.extend(read(list)?);
            }
            None => paths.extend(wildcard::expand(std::slice::from_ref(argument))?.iter().cloned()),
        }
    }
    if paths.is_empty() {
        return Err(Failure::new("the list of inputs is empty"));
    }
    Ok(Inputs { paths, has_list })
}

fn read(list: &str) -> Result<Vec<PathBuf>, Failure> {
    let bytes = match list {
        "-" => {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(|e| Failure::new(format!("standard input: {e}")))?;
            bytes
        }
        file => fs::read(file).map_err(|e| Failure::of_io(Path::new(file), &e))?,
    };
    let not_text = |_| {
        Failure::new(format!("{list}: is not a list of names in UTF-8"))
            .hint("a list has one name a line; a log is named without the @")
    };
    let text = String::from_utf8(bytes).map_err(not_text)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let end = if text.contains('\0') { '\0' } else { '\n' };
    let lines = text.split(end).map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(lines.filter(|line| !line.trim().is_empty()).map(PathBuf::from).collect())
}
