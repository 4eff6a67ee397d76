//! The host and port tables: two consecutive counted lists without an index.

use super::bytes::{Blob, Parsed, record, tail};
use super::strings::LONGEST;
use crate::error::{Error, Result};
use crate::text::WinStr;
use nom::bytes::complete::take;
use std::ops::Range;
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawHost {
    pub ip: [u8; 16],
    pub size: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawPort {
    pub port: U16,
    pub is_tcp: U16,
    pub size: U32,
}

/// Addresses and ports that have names, sorted for look-up. The names themselves stay in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    hosts: Vec<([u8; 16], Range<usize>)>,
    ports: Vec<((u16, u16), Range<usize>)>,
    /// Where the port table ends; 0 where the log has neither table, or not all of them can be read.
    end: u64,
}

fn host(input: &[u8]) -> Parsed<'_, ([u8; 16], &[u8])> {
    let (rest, host) = record::<RawHost>(input)?;
    let (rest, name) = take(host.size.get())(rest)?;
    Ok((rest, (host.ip, name)))
}

fn port(input: &[u8]) -> Parsed<'_, ((u16, u16), &[u8])> {
    let (rest, port) = record::<RawPort>(input)?;
    let (rest, name) = take(port.size.get())(rest)?;
    Ok((rest, ((port.is_tcp.get(), port.port.get()), name)))
}

impl Hosts {
    /// Reads both tables at offset `at` up to the first error, and returns that error too. An offset of 0
    /// means that the log has neither table.
    pub(crate) fn read(file: &[u8], at: u64) -> (Self, Option<Error>) {
        let mut tables = Self::default();
        if at == 0 {
            return (tables, None);
        }
        let outcome = tail(file, at, "host table").and_then(|input| {
            let rest = list(file, input, "host table", host, &mut tables.hosts)?;
            let rest = list(file, rest, "port table", port, &mut tables.ports)?;
            tables.end = (file.len() - rest.len()) as u64;
            Ok(())
        });
        // The sorts are stable: of two entries with one key, look-up finds the first in the file.
        tables.hosts.sort_by_key(|entry| entry.0);
        tables.ports.sort_by_key(|entry| entry.0);
        (tables, outcome.err())
    }

    /// File offset at which the port table ends; `None` where the log has neither table, or where not all of
    /// them can be read.
    pub(crate) fn end(&self) -> Option<u64> {
        Some(self.end).filter(|&end| end != 0)
    }

    /// The bytes of all names, in the order of the keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = Range<usize>> {
        self.hosts.iter().map(|(_, span)| span.clone()).chain(self.ports.iter().map(|(_, span)| span.clone()))
    }

    pub(crate) fn host_count(&self) -> u32 {
        self.hosts.len() as u32
    }

    pub(crate) fn port_count(&self) -> u32 {
        self.ports.len() as u32
    }

    /// All addresses and their names, as stored.
    pub(crate) fn hosts<'a>(&'a self, file: &'a [u8]) -> impl Iterator<Item = ([u8; 16], WinStr<'a>)> {
        self.hosts.iter().map(|(ip, span)| (*ip, text(file, span)))
    }

    /// All ports (is TCP, number) and their names, as stored.
    pub(crate) fn ports<'a>(&'a self, file: &'a [u8]) -> impl Iterator<Item = ((bool, u16), WinStr<'a>)> {
        self.ports.iter().map(|((is_tcp, port), span)| ((*is_tcp == 1, *port), text(file, span)))
    }

    /// The name of an address, or `None` where the table has none or an empty one.
    pub(crate) fn host<'a>(&self, file: &'a [u8], ip: &[u8; 16]) -> Option<WinStr<'a>> {
        name(file, &self.hosts, ip)
    }

    /// The name of a port, or `None` where the table has none or an empty one.
    pub(crate) fn port<'a>(&self, file: &'a [u8], is_tcp: bool, port: u16) -> Option<WinStr<'a>> {
        name(file, &self.ports, &(u16::from(is_tcp), port))
    }
}

/// A name, cut to the length of the longest string, as strings of the string table are.
fn text<'a>(file: &'a [u8], span: &Range<usize>) -> WinStr<'a> {
    WinStr::utf16(file.get(span.clone()).unwrap_or_default().clip(0, LONGEST))
}

fn name<'a, K: Ord>(file: &'a [u8], table: &[(K, Range<usize>)], key: &K) -> Option<WinStr<'a>> {
    let first = table.partition_point(|(k, _)| k < key);
    let (found, span) = table.get(first)?;
    let text = text(file, span);
    (found == key && !text.is_empty()).then_some(text)
}

/// A count and as many entries. The vector grows with the bytes read: a forged count allocates nothing.
fn list<'a, K>(
    file: &[u8],
    input: &'a [u8],
    what: &'static str,
    entry: impl Fn(&'a [u8]) -> Parsed<'a, (K, &'a [u8])>,
    out: &mut Vec<(K, Range<usize>)>,
) -> Result<&'a [u8]> {
    let short = |rest: &[u8]| {
        Error::truncated(what, (file.len() - rest.len()) as u64, rest.len() as u64 + 1, rest.len() as u64)
    };
    let (mut rest, count) = record::<U32>(input).map_err(|_| short(input))?;
    for _ in 0..count.get() {
        let (after, (key, name)) = entry(rest).map_err(|_| short(rest))?;
        let end = file.len() - after.len();
        out.push((key, end - name.len()..end));
        rest = after;
    }
    Ok(rest)
}
