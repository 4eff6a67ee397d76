//! Checked access to slices, and the conversion of `nom` errors to an [`Error`].

use crate::error::{Error, ErrorKind, Result};
use nom::error::ErrorKind as NomKind;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Result of this crate's `nom` parsers: the rest of the input, and the value.
pub(crate) type Parsed<'a, T> = nom::IResult<&'a [u8], T, nom::error::Error<&'a [u8]>>;

/// The bytes from `offset` to the end of the file.
pub(crate) fn tail<'a>(file: &'a [u8], offset: u64, what: &'static str) -> Result<&'a [u8]> {
    usize::try_from(offset).ok().and_then(|at| file.get(at..)).ok_or(Error::new(
        ErrorKind::OutOfBounds(offset),
        what,
        offset,
    ))
}

/// Runs a parser on the bytes from `offset` and turns its failure into a located error.
pub(crate) fn parse_at<'a, T>(
    file: &'a [u8],
    offset: u64,
    what: &'static str,
    parser: impl FnOnce(&'a [u8]) -> Parsed<'a, T>,
) -> Result<T> {
    let input = tail(file, offset, what)?;
    match parser(input) {
        Ok((_, value)) => Ok(value),
        Err(nom::Err::Error(e) | nom::Err::Failure(e)) => {
            let at = offset + (input.len() - e.input.len().min(input.len())) as u64;
            let have = e.input.len() as u64;
            Err(match e.code {
                NomKind::Verify => Error::new(ErrorKind::OutOfBounds(offset), what, at),
                _ => Error::truncated(what, at, have + 1, have),
            })
        }
        Err(nom::Err::Incomplete(_)) => Err(Error::truncated(what, offset, 1, 0)),
    }
}

/// A fixed record at the front of the input, as an overlay.
pub(crate) fn record<T: FromBytes + KnownLayout + Immutable + Unaligned>(input: &[u8]) -> Parsed<'_, &T> {
    match T::ref_from_prefix(input) {
        Ok((value, rest)) => Ok((rest, value)),
        Err(_) => Err(nom::Err::Error(nom::error::Error::new(input, NomKind::Eof))),
    }
}

/// `count` fixed records, as an overlay. Nothing is allocated: the count is only compared with the bytes
/// left.
pub(crate) fn records<T: FromBytes + KnownLayout + Immutable + Unaligned>(
    count: u32,
) -> impl FnOnce(&[u8]) -> Parsed<'_, &[T]> {
    move |input| match <[T]>::ref_from_prefix_with_elems(input, count as usize) {
        Ok((value, rest)) => Ok((rest, value)),
        Err(_) => Err(nom::Err::Error(nom::error::Error::new(input, NomKind::Eof))),
    }
}

/// Reads little-endian unsigned integers at an offset of a blob. `None` where the blob is too short.
pub(crate) trait Blob {
    fn u8_at(&self, at: usize) -> Option<u8>;
    fn u16_at(&self, at: usize) -> Option<u16>;
    fn u32_at(&self, at: usize) -> Option<u32>;
    fn u64_at(&self, at: usize) -> Option<u64>;
    /// `len` bytes from offset `at`, or fewer where the blob ends.
    fn clip(&self, at: usize, len: usize) -> &[u8];
}

impl Blob for [u8] {
    fn u8_at(&self, at: usize) -> Option<u8> {
        self.get(at).copied()
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(*self.get(at..)?.first_chunk()?))
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.get(at..)?.first_chunk()?))
    }

    fn u64_at(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(*self.get(at..)?.first_chunk()?))
    }

    fn clip(&self, at: usize, len: usize) -> &[u8] {
        let rest = self.get(at..).unwrap_or_default();
        rest.get(..len.min(rest.len())).unwrap_or_default()
    }
}
