//! Distinct call stacks: found per range in parallel, numbered for the whole capture in order.

use crate::event::Event;
use crate::log::LogView;
use crate::stack::{Resolution, Resolver, Validity};
use crate::time::FileTime;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::hash::BuildHasher;

/// Frames of a stack that are kept. The capture driver stops at 150; a forged record may claim
/// 65,535.
const DEEPEST: usize = 512;

/// The distinct stacks of one range of events. Ids are local to the range.
///
/// A stack is the same when its process and its addresses are, and when no module was loaded in
/// between that would change what an address means.
pub(crate) struct RangeStacks<'a> {
    log: LogView<'a>,
    hasher: DefaultHashBuilder,
    stack_table: HashTable<u32>,
    stacks: Vec<RangeStack<'a>>,
    /// Local frame ids of all stacks, one behind the other.
    frame_ids: Vec<u32>,
    frame_table: HashTable<u32>,
    frames: Vec<RangeFrame>,
}

struct RangeStack<'a> {
    process: Option<u32>,
    raw: &'a [u8],
    hash: u64,
    validity: Validity,
    first_frame: usize,
}

/// An address in a process, and the module it lies in for some time: position of the process that
/// has the module, and position of the module there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeFrame {
    pub address: u64,
    pub module: Option<(u32, u32)>,
    process: Option<u32>,
    validity: Validity,
}

impl<'a> RangeStacks<'a> {
    pub(crate) fn new(log: LogView<'a>) -> Self {
        Self {
            log,
            hasher: DefaultHashBuilder::default(),
            stack_table: HashTable::new(),
            stacks: Vec::new(),
            frame_ids: Vec::new(),
            frame_table: HashTable::new(),
            frames: Vec::new(),
        }
    }

    /// The local id of an event's stack; `None` where it has none.
    pub(crate) fn id(&mut self, event: &Event<'a>, process: Option<u32>) -> Option<u32> {
        let stack = event.stack();
        if stack.is_empty() {
            return None;
        }
        let stack = stack.first(DEEPEST);
        let (raw, time) = (stack.raw(), event.time());
        let hash = self.hasher.hash_one((process, raw));
        let stacks = &self.stacks;
        let same = |&id: &u32| {
            let known = &stacks[id as usize];
            known.process == process && known.raw == raw && known.validity.contains(time)
        };
        if let Some(&id) = self.stack_table.find(hash, same) {
            return Some(id);
        }
        let id = self.stacks.len() as u32;
        let (mut validity, first_frame) = (Validity::ALWAYS, self.frame_ids.len());
        let resolver = Resolver::new(self.log, process, Resolution::Corrected);
        for address in stack.addresses() {
            let frame = self.frame(&resolver, process, address, time);
            validity.intersect(self.frames[frame as usize].validity);
            self.frame_ids.push(frame);
        }
        self.stacks.push(RangeStack { process, raw, hash, validity, first_frame });
        let stacks = &self.stacks;
        self.stack_table.insert_unique(hash, id, |&id| stacks[id as usize].hash);
        Some(id)
    }

    /// The local id of an address, resolved once for as long as the answer holds.
    fn frame(&mut self, resolver: &Resolver<'a>, process: Option<u32>, address: u64, time: FileTime) -> u32 {
        let hash = self.hasher.hash_one((process, address));
        let frames = &self.frames;
        let same = |&id: &u32| {
            let known = &frames[id as usize];
            known.address == address && known.process == process && known.validity.contains(time)
        };
        if let Some(&id) = self.frame_table.find(hash, same) {
            return id;
        }
        let id = self.frames.len() as u32;
        let mut validity = Validity::ALWAYS;
        let place = resolver.locate_within(address, time, &mut validity);
        let module = place.map(|place| (place.owner, place.module));
        self.frames.push(RangeFrame { address, module, process, validity });
        let (frames, hasher) = (&self.frames, &self.hasher);
        self.frame_table.insert_unique(hash, id, |&id| {
            let known = &frames[id as usize];
            hasher.hash_one((known.process, known.address))
        });
        id
    }

    /// What the capture needs of it: no hash tables, nothing borrowed.
    pub(crate) fn finish(self) -> FoundStacks {
        let mut ends: Vec<usize> = self.stacks.iter().skip(1).map(|stack| stack.first_frame).collect();
        ends.push(self.frame_ids.len());
        FoundStacks { part: self.log.part(), frames: self.frames, frame_ids: self.frame_ids, ends }
    }
}

/// The distinct stacks of a range, as lists of local frame ids.
pub(crate) struct FoundStacks {
    pub part: u16,
    pub frames: Vec<RangeFrame>,
    frame_ids: Vec<u32>,
    ends: Vec<usize>,
}

impl FoundStacks {
    /// The stacks, in the order of their local ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let ids = self.frame_ids.get(start..end).unwrap_or_default();
            start = end;
            ids
        })
    }
}

/// Stacks that are remembered to be stored once. Beyond, the memory starts anew, and a stack that
/// comes again is stored again: the bound on memory counts more than the last duplicate.
const REMEMBERED_STACKS: usize = 1 << 20;

/// Numbers the distinct stacks of the whole capture, range by range in order.
#[derive(Default)]
pub(crate) struct CaptureStacks {
    /// Fingerprint of a list of frame ids → stack id.
    ids: HashMap<u128, u32>,
    next: u32,
}

impl CaptureStacks {
    /// The capture-wide id of a list of capture-wide frame ids, and whether it is new.
    pub(crate) fn id(&mut self, frame_ids: &[u32]) -> (u32, bool) {
        if self.ids.len() >= REMEMBERED_STACKS {
            self.ids.clear();
        }
        let mut is_new = false;
        let id = *self.ids.entry(fingerprint(frame_ids)).or_insert_with(|| {
            is_new = true;
            self.next
        });
        if is_new {
            self.next += 1;
        }
        (id, is_new)
    }
}

/// 128 bits that tell lists of frame ids apart: two rounds of multiply-and-fold over the ids,
/// with different odd constants. The ids are dense numbers given out here, not the log's bytes.
fn fingerprint(frame_ids: &[u32]) -> u128 {
    const A: u64 = 0x9E37_79B9_7F4A_7C15;
    const B: u64 = 0xC2B2_AE3D_27D4_EB4F;
    let fold = |state: u64, value: u64, constant: u64| {
        let product = u128::from(state ^ value) * u128::from(constant);
        (product as u64) ^ (product >> 64) as u64
    };
    let (mut a, mut b) = (A ^ frame_ids.len() as u64, B);
    for &id in frame_ids {
        a = fold(a, u64::from(id).wrapping_add(B), A);
        b = fold(b.rotate_left(23), u64::from(id).wrapping_mul(A) | 1, B);
    }
    u128::from(a) << 64 | u128::from(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn fingerprints_tell_lists_apart() {
        let mut seen = HashSet::new();
        for a in 0..200u32 {
            assert!(seen.insert(fingerprint(&[a])));
            for b in 0..200 {
                assert!(seen.insert(fingerprint(&[a, b])));
                assert!(seen.insert(fingerprint(&[a, b, 7])));
            }
        }
        assert!(seen.insert(fingerprint(&[])));
    }

    #[test]
    fn a_stack_keeps_its_id() {
        let mut stacks = CaptureStacks::default();
        assert_eq!(stacks.id(&[1, 2]), (0, true));
        assert_eq!(stacks.id(&[2, 1]), (1, true));
        assert_eq!(stacks.id(&[1, 2]), (0, false));
    }
}
