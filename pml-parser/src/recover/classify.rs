//! The first stage: decides whether a file is a log, how far its header can be trusted, and its bitness.

use super::FIRST;
use super::extra_blobs::PendingExtras;
use super::region::Region;
use crate::error::{Error, ErrorKind, Result};
use crate::raw::header::{self, RawHeader};

/// Records by which the bitness of a log is decided.
const COMPARED: usize = 16;
/// Bytes that are searched for the first record where nothing else shows that a file is a log, or its bitness.
const NEAR: usize = 16 << 20;
/// Possible versions of the format, besides those that are known.
const OTHER_VERSIONS: std::ops::RangeInclusive<u32> = 1..=32;

/// The header of a log, and how far it can be trusted.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassifiedHeader<'a> {
    /// The header as it is in the file.
    pub raw: &'a RawHeader,
    /// Why the header alone keeps the log from opening.
    pub error: Option<Error>,
    /// Whether the log is of a 64-bit Windows.
    pub is64: bool,
}

impl ClassifiedHeader<'_> {
    /// Bytes of a pointer in the log.
    pub(super) fn pointer(&self) -> usize {
        if self.is64 { 8 } else { 4 }
    }

    /// Version of the log: the newest one where the header is lost.
    pub(super) fn version(&self) -> u32 {
        if self.is_trusted() { self.raw.version.get() } else { header::VERSION }
    }

    /// Whether the header is that of a closed log.
    pub(super) fn is_closed(&self) -> bool {
        self.error.is_none()
    }

    /// Whether the header is that of a log, closed or not: otherwise none of its fields counts.
    pub(super) fn is_trusted(&self) -> bool {
        is_trusted(self.error)
    }

    /// Why the file is not a log, unless events are in it.
    pub(super) fn not_a_log(&self) -> Option<Error> {
        self.error.filter(|error| error.kind() == ErrorKind::NotPml)
    }
}

fn is_trusted(header_error: Option<Error>) -> bool {
    matches!(header_error.map(|error| error.kind()), None | Some(ErrorKind::NotClosed))
}

/// Classifies the header of a file.
///
/// # Errors
/// When the file is shorter than a header, of another version, or shows no sign of a log.
pub(super) fn classify(file: &[u8]) -> Result<ClassifiedHeader<'_>> {
    let raw = match header::overlay(file) {
        Ok(raw) => raw,
        // A file that is shorter than a header may be of any kind.
        Err(short) => return Err(header::read(file).err().unwrap_or(short)),
    };
    let error = header::check(raw).err();
    let is_other = |error: &Error| match error.kind() {
        ErrorKind::UnsupportedVersion(version) => OTHER_VERSIONS.contains(&version),
        ErrorKind::NotPml => !has_record_near(file),
        _ => false,
    };
    match error.filter(is_other) {
        Some(error) => Err(error),
        None => Ok(ClassifiedHeader { raw, error, is64: is_64_bit(file, raw, is_trusted(error)) }),
    }
}

/// Whether a record begins close to where the first one would.
fn has_record_near(file: &[u8]) -> bool {
    let near = file.get(..NEAR).unwrap_or(file);
    [4, 8].into_iter().any(|pointer| {
        let region = Region { file: near, pointer, end: None };
        region.chain_length(FIRST, 2) > 1
            || region.resume(FIRST..NEAR as u64, None, &PendingExtras::default(), |_| true).is_some()
    })
}

/// The bitness of a log: the header's, unless the first records that are found contradict it.
fn is_64_bit(file: &[u8], header: &RawHeader, is_trusted: bool) -> bool {
    let stated = if is_trusted { header.is64.get() != 0 } else { true };
    let chain = |pointer| Region { file, pointer, end: None }.chain_length(FIRST, COMPARED);
    let (narrow, wide) = (chain(4), chain(8));
    if narrow.max(wide) > 1 && narrow != wide {
        return wide > narrow;
    }
    if narrow.max(wide) > 1 || is_trusted {
        return stated;
    }
    let near = file.get(..NEAR).unwrap_or(file);
    let first = |pointer| {
        let found = Region { file: near, pointer, end: None }.resume(
            FIRST..NEAR as u64,
            None,
            &PendingExtras::default(),
            |_| true,
        );
        found.map_or(u64::MAX, |candidate| candidate.at)
    };
    first(8) <= first(4)
}
