//! Damage to a log that was whole: whatever is recovered can be read, within bounds.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pml_fuzz::capture::Capture;
use pml_fuzz::reading::{self, Budget};
use pml_parser::Log;

/// Where the header holds the places of the tables: events, processes, strings, icons, hosts.
const TABLES: [usize; 5] = [0x248, 0x250, 0x258, 0x260, 0x3A0];

/// Bytes of the header.
const HEADER: usize = 0x3A8;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// Any bytes.
    Raw(&'a [u8]),
    /// A log, and what happens to it.
    Damaged(Capture<'a>, Vec<Edit<'a>>),
}

/// One thing that happens to a file. Places are taken within it.
#[derive(Arbitrary, Debug)]
enum Edit<'a> {
    /// The rest is lost.
    Cut(u16),
    /// The header has no tables: the capture was never closed. A bit for each.
    NeverClosed(u8),
    /// The header says that there are so many events.
    Count(u32),
    /// A hole.
    Zero(u16, u8),
    /// Other bytes.
    Overwrite(u16, &'a [u8]),
    /// More bytes.
    Insert(u16, &'a [u8]),
    /// Fewer bytes.
    Delete(u16, u16),
    /// The beginning is lost.
    Behead(u16),
    /// A stretch stands there twice.
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
            // Without its header a log is none: that stays.
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
            // Whether a record is one is told by how plausible it is: what any event may be, these are not,
            // so nothing is said of their number.
            reading::log(log, &mut Budget::new(Budget::USUAL));
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(Log::parse(bytes.as_slice()).is_err(), "what opens can be recovered");
        }
    }
});
