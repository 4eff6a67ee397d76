//! Damages a whole log: all recovered events can be read, within bounds.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pml_fuzz::capture::Capture;
use pml_fuzz::reading::{self, Budget};
use pml_parser::Log;

/// Offsets in the header of the fields that locate the tables: events, processes, strings, icons, hosts.
const TABLES: [usize; 5] = [0x248, 0x250, 0x258, 0x260, 0x3A0];

/// The size of the header in bytes.
const HEADER: usize = 0x3A8;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// Any bytes.
    Raw(&'a [u8]),
    /// A log, and the edits that damage it.
    Damaged(Capture<'a>, Vec<Edit<'a>>),
}

/// One edit of a file. Offsets wrap around at the size of the file.
#[derive(Arbitrary, Debug)]
enum Edit<'a> {
    /// The rest of the file is cut off.
    Cut(u16),
    /// The header lacks offsets of tables, as in a capture that was never closed. A bit for each table.
    NeverClosed(u8),
    /// The header gets this number of events.
    Count(u32),
    /// A range of bytes becomes zeros.
    Zero(u16, u8),
    /// Bytes are overwritten.
    Overwrite(u16, &'a [u8]),
    /// Bytes are inserted.
    Insert(u16, &'a [u8]),
    /// Bytes are removed.
    Delete(u16, u16),
    /// The beginning is cut off.
    Behead(u16),
    /// A range of bytes is repeated.
    Repeat(u16, u16),
}

impl Edit<'_> {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        let within = |at: u16| usize::from(at) % (size + 1);
        let stretch = |at: u16, count: usize| within(at)..(within(at) + count).min(size);
        match *self {
            Self::Cut(at) => bytes.truncate(within(at)),
            Self::NeverClosed(which) => {
                for (bit, at) in TABLES.into_iter().enumerate() {
                    if let Some(place) = bytes.get_mut(at..at + 8).filter(|_| which >> bit & 1 == 1) {
                        place.fill(0);
                    }
                }
            }
            Self::Count(count) => {
                if let Some(place) = bytes.get_mut(0x234..0x238) {
                    place.copy_from_slice(&count.to_le_bytes());
                }
            }
            Self::Zero(at, count) => bytes[stretch(at, count.into())].fill(0),
            Self::Overwrite(at, with) => {
                let range = stretch(at, with.len());
                let count = range.len();
                bytes[range].copy_from_slice(&with[..count]);
            }
            Self::Insert(at, more) => drop(bytes.splice(stretch(at, 0), more.iter().copied())),
            Self::Delete(at, count) => drop(bytes.drain(stretch(at, count.into()))),
            // A file without the header is no log, so the header stays.
            Self::Behead(count) => {
                drop(bytes.drain(HEADER.min(size)..(HEADER + usize::from(count)).min(size)))
            }
            Self::Repeat(at, count) => {
                let again = bytes[stretch(at, count.into())].to_vec();
                bytes.splice(stretch(at, 0), again);
            }
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let bytes = match &input {
        Input::Raw(bytes) => bytes.to_vec(),
        Input::Damaged(capture, edits) => {
            let mut bytes = capture.write();
            edits.iter().take(16).for_each(|edit| edit.apply(&mut bytes));
            bytes
        }
    };
    match Log::recover(bytes.as_slice()) {
        Ok(log) => {
            // Recovery recognizes records by plausible values. The arbitrary events of this target need not be
            // plausible, so the test asserts nothing about their number.
            reading::log(log, &mut Budget::new(Budget::USUAL));
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(Log::parse(bytes.as_slice()).is_err(), "what opens can be recovered");
        }
    }
});
