//! The process table: two arrays, then process records with their modules inline.

use super::bytes::{Parsed, parse_at, record, records};
use crate::error::Result;
use zerocopy::byteorder::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The fixed part of a process record (docs/format.md, "Process table").
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawProcess {
    pub index: U32,
    pub pid: U32,
    pub parent_pid: U32,
    pub parent_index: U32,
    pub authentication_id: U64,
    pub session: U32,
    pub padding: U32,
    pub start: U64,
    pub end: U64,
    pub virtualized: U32,
    pub is64: U32,
    pub integrity: U32,
    pub user: U32,
    pub name: U32,
    pub image_path: U32,
    pub command_line: U32,
    pub company: U32,
    pub version: U32,
    pub description: U32,
    pub small_icon: U32,
    pub big_icon: U32,
}

/// Size of the fixed part. A flag of pointer size, a module count and the modules follow it.
pub(crate) const FIXED_SIZE: usize = 0x60;

/// A module of a 32-bit file.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawModule32 {
    pub load_time_low: U32,
    pub base: U32,
    pub info: RawModuleInfo,
    pub load_time_high: U32,
}

/// A module of a 64-bit file.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawModule64 {
    pub load_time_low: U32,
    pub padding: U32,
    pub base: U64,
    pub info: RawModuleInfo,
    pub load_time_high: U32,
}

/// The fields that both kinds of module share.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct RawModuleInfo {
    pub size: U32,
    pub path: U32,
    pub version: U32,
    pub company: U32,
    pub description: U32,
    pub timestamp: U32,
    pub zero: [u8; 12],
    pub second_size: U32,
    pub zero2: U32,
}

impl RawProcess {
    /// The indexes of its texts in the string table.
    pub(crate) fn texts(&self) -> [u32; 8] {
        let texts = [
            self.integrity,
            self.user,
            self.name,
            self.image_path,
            self.command_line,
            self.company,
            self.version,
            self.description,
        ];
        texts.map(|text| text.get())
    }
}

impl RawModuleInfo {
    /// The indexes of path, version, company and description in the string table.
    pub(crate) fn texts(&self) -> [u32; 4] {
        [self.path, self.version, self.company, self.description].map(|text| text.get())
    }
}

const _: () = {
    assert!(size_of::<RawProcess>() == FIXED_SIZE);
    assert!(size_of::<RawModule32>() == 0x38);
    assert!(size_of::<RawModule64>() == 0x40);
    assert!(std::mem::offset_of!(RawModule32, load_time_high) == 0x34);
    assert!(std::mem::offset_of!(RawModule64, load_time_high) == 0x3C);
};

/// The modules of a process, in table order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawModules<'a> {
    Bits32(&'a [RawModule32]),
    Bits64(&'a [RawModule64]),
}

/// One process record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessRecord<'a> {
    pub fixed: &'a RawProcess,
    pub modules: RawModules<'a>,
}

impl ProcessRecord<'_> {
    /// Size of the record in bytes.
    pub(crate) fn size(&self) -> u64 {
        let modules = match self.modules {
            RawModules::Bits32(modules) => 4 + size_of_val(modules),
            RawModules::Bits64(modules) => 8 + size_of_val(modules),
        };
        (FIXED_SIZE + 4 + modules) as u64
    }
}

/// The two arrays at the start of the table: process indexes, and offsets from the start of the table.
pub(crate) fn table(file: &[u8], at: u64) -> Result<(&[U32], &[U32])> {
    parse_at(file, at, "process table", |input| {
        let (rest, count) = record::<U32>(input)?;
        let (rest, indexes) = records(count.get())(rest)?;
        let (rest, offsets) = records(count.get())(rest)?;
        Ok((rest, (indexes, offsets)))
    })
}

/// Where the first record is due: after both arrays.
pub(crate) fn first_record(at: u64, count: usize) -> u64 {
    at + 4 + 8 * count as u64
}

/// The record at a file offset.
pub(crate) fn read(file: &[u8], at: u64, pointer: usize) -> Result<ProcessRecord<'_>> {
    parse_at(file, at, "process record", |input| process(input, pointer))
}

fn process(input: &[u8], pointer: usize) -> Parsed<'_, ProcessRecord<'_>> {
    let (rest, fixed) = record::<RawProcess>(input)?;
    if pointer == 8 {
        let (rest, _flag) = record::<U64>(rest)?;
        let (rest, count) = record::<U32>(rest)?;
        let (rest, modules) = records(count.get())(rest)?;
        Ok((rest, ProcessRecord { fixed, modules: RawModules::Bits64(modules) }))
    } else {
        let (rest, _flag) = record::<U32>(rest)?;
        let (rest, count) = record::<U32>(rest)?;
        let (rest, modules) = records(count.get())(rest)?;
        Ok((rest, ProcessRecord { fixed, modules: RawModules::Bits32(modules) }))
    }
}
