//! Destinations for the parts of a generated capture: memory, or files of a directory.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Cursor, Seek, Write};
use std::path::{Path, PathBuf};

/// A destination for the parts of a capture, which come one after the other.
pub(super) trait Output {
    /// The destination of one part.
    type Part: Write + Seek;

    /// Begins part `number`, from 0.
    fn begin(&mut self, number: u32) -> io::Result<Self::Part>;

    /// Accepts a finished part.
    fn end(&mut self, part: Self::Part) -> io::Result<()>;
}

/// Keeps the parts in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) parts: Vec<Vec<u8>>,
}

impl Output for Memory {
    type Part = Cursor<Vec<u8>>;

    fn begin(&mut self, _number: u32) -> io::Result<Self::Part> {
        Ok(Cursor::new(Vec::new()))
    }

    fn end(&mut self, part: Self::Part) -> io::Result<()> {
        self.parts.push(part.into_inner());
        Ok(())
    }
}

/// Writes the parts into a directory: `Bootlog.pml`, `Bootlog-1.pml`, …
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) paths: Vec<PathBuf>,
    overwrite: bool,
}

/// Size of the write buffer in bytes.
const BUFFER: usize = 1 << 20;

impl Directory {
    /// Creates the directory. It is an error if a file would be overwritten without permission, or if
    /// a file of a longer capture would look like a part of this one. In both cases, nothing has been
    /// written.
    pub(super) fn new(directory: &Path, parts: u32, overwrite: bool) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let name = |number| match number {
            0 => "Bootlog.pml".to_owned(),
            n => format!("Bootlog-{n}.pml"),
        };
        let paths: Vec<PathBuf> = (0..parts).map(|number| directory.join(name(number))).collect();
        let taken = paths.iter().filter(|_| !overwrite).find(|path| path.exists());
        if let Some(path) = taken {
            let text = format!("{} exists already; --force overwrites it", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        let next = directory.join(name(parts));
        if next.exists() {
            let text = format!("{} would look like a part of this log; remove it first", next.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(Self { paths, overwrite })
    }
}

/// Writes a text file.
pub(crate) fn write_text(path: &Path, text: &str, overwrite: bool) -> io::Result<()> {
    create(path, overwrite)?.write_all(text.as_bytes())
}

/// Creates a file. An existing one is an error, or is overwritten.
pub(crate) fn create(path: &Path, overwrite: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    if overwrite {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(path)
}

impl Output for Directory {
    type Part = BufWriter<File>;

    fn begin(&mut self, number: u32) -> io::Result<Self::Part> {
        let path = self.paths.get(number as usize).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(BufWriter::with_capacity(BUFFER, create(path, self.overwrite)?))
    }

    fn end(&mut self, part: Self::Part) -> io::Result<()> {
        part.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(())
    }
}
