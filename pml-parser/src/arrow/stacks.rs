//! Distinct call stacks: found per range in parallel, numbered for the whole capture in order.

use crate::log::LogView;
use crate::log::event::Event;
use crate::module_map::{Resolution, Validity};
use crate::resolve::{LocatedModule, Resolver};
use crate::time::FileTime;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

/// Frames of a stack that are kept. The capture driver stops at 150; a forged record may claim
/// 65,535.
pub(crate) const DEEPEST: usize = 512;

/// A distinct stack: its frames, and its key among all stacks of the capture.
#[derive(Debug)]
pub(crate) struct ResolvedStack {
    /// 128 bits, keyed: the same in all ranges and threads of one conversion.
    fingerprint: u128,
    pub frames: Box<[ResolvedFrame]>,
}

impl ResolvedStack {
    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.frames)
    }
}

/// An address, and the module it lies in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResolvedFrame {
    pub address: u64,
    pub module: Option<ModulePlace>,
}

/// The place of a module in its part, and its key among all modules of the capture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModulePlace {
    /// Position of the process whose module it is, and of the module there.
    pub process: u32,
    pub position: u32,
    /// Hash of its path and base; never 0, so that a place that may be none takes no more room.
    pub key: NonZeroU64,
}

/// The distinct stacks of one range, in the order in which they first come.
pub(crate) struct FoundStacks {
    pub part: u16,
    pub stacks: Vec<Arc<ResolvedStack>>,
}

/// Finders that wait for a next range: what a thread learned of the stacks of one range helps with
/// the next one.
#[derive(Default)]
pub(crate) struct StackFinders<'a> {
    hasher: DefaultHashBuilder,
    pub room: Room,
    waiting: Mutex<Vec<StackFinder<'a>>>,
}

impl<'a> StackFinders<'a> {
    /// A finder for a range of this log.
    pub(crate) fn borrow(&self, log: LogView<'a>) -> StackFinder<'a> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut finder =
            waiting.pop().unwrap_or_else(|| StackFinder::new(log, self.hasher.clone(), self.room));
        drop(waiting);
        finder.begin(log);
        finder
    }

    /// Bytes that waiting finders keep.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().map(|finder| finder.kept_bytes).sum()
    }

    /// Gives a finder back.
    pub(crate) fn give_back(&self, finder: StackFinder<'a>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(finder);
    }
}

/// Finds the distinct stacks of one range of events after another. Ids are local to the range, and
/// do not depend on what was found before.
///
/// A stack is the same when its process and its addresses are, and when no module was loaded in
/// between that would change what an address means.
pub(crate) struct StackFinder<'a> {
    log: LogView<'a>,
    hasher: DefaultHashBuilder,
    /// Has a key of its own. Both hashes together tell raw stacks apart.
    second_hasher: DefaultHashBuilder,
    room: Room,
    table: HashTable<KnownStack>,
    /// The stacks, by number.
    stacks: Vec<Arc<ResolvedStack>>,
    /// Keys of modules, by place.
    modules: HashMap<(u32, u32), NonZeroU64>,
    /// Addresses that were resolved last, by hash of process and address. Distinct stacks share most of their
    /// addresses.
    addresses: Vec<Option<KnownAddress>>,
    /// Number of the range, so that local ids of others do not count.
    range: u32,
    found: Vec<Arc<ResolvedStack>>,
    /// Bytes of the stacks in `found`, and of all that is kept.
    found_bytes: usize,
    kept_bytes: usize,
}

/// What a look-up needs of a stack, in one place.
struct KnownStack {
    /// 128 bits of its process and raw frames, keyed: comparing them costs less than comparing frames.
    key: [u64; 2],
    validity: Validity,
    number: u32,
    /// The range in which it came last, and its local id there.
    range: u32,
    local: u32,
}

/// What an address of a process means.
#[derive(Clone, Copy)]
struct KnownAddress {
    process: Option<u32>,
    frame: ResolvedFrame,
    /// Keyed hash of the frame.
    hash: u64,
    validity: Validity,
}

/// Places for known addresses of one finder, a power of two: 3 MiB.
const KNOWN_ADDRESSES: usize = 1 << 15;

/// Bytes that a finder may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Of stacks that are kept from range to range: some fifteen thousand real ones.
    pub kept: usize,
    /// Of distinct stacks of one range, beyond which its other stacks keep their innermost frames
    /// alone. Sound logs stay far below: 65,536 events would each need a stack of its own, of 100
    /// frames.
    pub range: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { kept: 16 << 20, range: 160 << 20 }
    }
}

/// Innermost frames that are kept then.
pub(crate) const SHALLOW: usize = 16;

impl<'a> StackFinder<'a> {
    fn new(log: LogView<'a>, hasher: DefaultHashBuilder, room: Room) -> Self {
        Self {
            log,
            hasher,
            second_hasher: DefaultHashBuilder::default(),
            room,
            table: HashTable::new(),
            stacks: Vec::new(),
            modules: HashMap::new(),
            addresses: Vec::new(),
            range: 0,
            found: Vec::new(),
            found_bytes: 0,
            kept_bytes: 0,
        }
    }

    fn begin(&mut self, log: LogView<'a>) {
        if self.log.part() != log.part() {
            *self = Self::new(log, self.hasher.clone(), self.room);
        }
        self.range += 1;
    }

    /// The local id of an event's stack; `None` where it has none.
    pub(crate) fn id(&mut self, event: &Event<'a>, process: Option<u32>) -> Option<u32> {
        let stack = event.stack();
        if stack.is_empty() {
            return None;
        }
        let stack = stack.first(if self.found_bytes < self.room.range { DEEPEST } else { SHALLOW });
        let (raw, time) = (stack.raw(), event.time());
        // Not with `map`, which is no inlined loop.
        let key = [self.hasher.hash_one((process, raw)), self.second_hasher.hash_one((process, raw))];
        let same = |known: &KnownStack| known.key == key && known.validity.contains(time);
        if let Some(known) = self.table.find_mut(key[0], same) {
            if known.range != self.range {
                (known.range, known.local) = (self.range, self.found.len() as u32);
                let stack = Arc::clone(&self.stacks[known.number as usize]);
                self.found_bytes += stack.bytes();
                self.found.push(stack);
            }
            return Some(known.local);
        }
        Some(self.add(key, process, stack.addresses(), time))
    }

    /// Adds a stack to those that are known, and to those of the range; gives its local id.
    #[cold]
    fn add(
        &mut self,
        key: [u64; 2],
        process: Option<u32>,
        addresses: impl ExactSizeIterator<Item = u64>,
        time: FileTime,
    ) -> u32 {
        let mut validity = Validity::ALWAYS;
        let resolver = Resolver::new(self.log, process, Resolution::Corrected);
        let mut frames = Vec::with_capacity(addresses.len());
        let mut fingerprint = Fingerprint::new(addresses.len());
        for address in addresses {
            let known = self.address(&resolver, process, address, time);
            validity.intersect(known.validity);
            fingerprint.add(known.hash);
            frames.push(known.frame);
        }
        let known = KnownStack {
            key,
            validity,
            number: self.stacks.len() as u32,
            range: self.range,
            local: self.found.len() as u32,
        };
        let local = known.local;
        self.table.insert_unique(key[0], known, |known| known.key[0]);
        let stack = Arc::new(ResolvedStack { fingerprint: fingerprint.finish(), frames: frames.into() });
        self.found_bytes += stack.bytes();
        self.kept_bytes += stack.bytes() + size_of::<KnownStack>();
        self.found.push(Arc::clone(&stack));
        self.stacks.push(stack);
        local
    }

    /// What an address means at a time. It is resolved only where that is not known.
    fn address(
        &mut self,
        resolver: &Resolver<'a>,
        process: Option<u32>,
        address: u64,
        time: FileTime,
    ) -> KnownAddress {
        if self.addresses.is_empty() {
            self.addresses.resize(KNOWN_ADDRESSES, None);
        }
        let slot = self.hasher.hash_one((process, address)) as usize % KNOWN_ADDRESSES;
        let known = self.addresses.get(slot).copied().flatten();
        if let Some(known) = known
            && known.frame.address == address
            && known.process == process
            && known.validity.contains(time)
        {
            return known;
        }
        let mut validity = Validity::ALWAYS;
        let module = resolver.locate_within(address, time, &mut validity).map(|place| self.module(&place));
        let frame = ResolvedFrame { address, module };
        let known = KnownAddress { process, frame, hash: frame.hash(&self.hasher), validity };
        if let Some(place) = self.addresses.get_mut(slot) {
            *place = Some(known);
        }
        known
    }

    fn module(&mut self, place: &LocatedModule<'a>) -> ModulePlace {
        let (process, position) = (place.owner, place.module);
        let hasher = &self.hasher;
        let key = *self.modules.entry((process, position)).or_insert_with(|| {
            let module = place.location().module;
            NonZeroU64::new(hasher.hash_one((module.path().to_str(), module.base))).unwrap_or(NonZeroU64::MIN)
        });
        ModulePlace { process, position, key }
    }

    /// The distinct stacks of the range that ends here.
    pub(crate) fn finish_range(&mut self) -> FoundStacks {
        let found = FoundStacks { part: self.log.part(), stacks: std::mem::take(&mut self.found) };
        self.found_bytes = 0;
        if self.kept_bytes >= self.room.kept {
            *self = Self::new(self.log, self.hasher.clone(), self.room);
        }
        found
    }
}

/// Stacks that are remembered to be stored once. After that many, all are forgotten, and a stack that
/// comes again is stored again: the bound on memory counts more than the last duplicate.
const REMEMBERED_STACKS: usize = 1 << 20;

/// Numbers the distinct stacks of the whole capture, range by range in order.
#[derive(Default)]
pub(crate) struct CaptureStacks {
    ids: HashMap<u128, u32>,
    next: u32,
}

impl CaptureStacks {
    /// The capture-wide id of a stack, and whether it is new.
    pub(crate) fn id(&mut self, stack: &ResolvedStack) -> (u32, bool) {
        if self.ids.len() >= REMEMBERED_STACKS {
            self.ids.clear();
        }
        let mut is_new = false;
        let id = *self.ids.entry(stack.fingerprint).or_insert_with(|| {
            is_new = true;
            self.next
        });
        if is_new {
            self.next += 1;
        }
        (id, is_new)
    }
}

const _: () = assert!(size_of::<ResolvedFrame>() == 24);

impl ResolvedFrame {
    fn hash(self, hasher: &impl BuildHasher) -> u64 {
        hasher.hash_one((self.address, self.module.map(|module| module.key)))
    }
}

/// 128 bits that tell lists of frames apart: two rounds of multiply-and-fold, with different odd
/// constants, over keyed hashes of the frames, so that no log can be made to collide.
struct Fingerprint {
    a: u64,
    b: u64,
}

impl Fingerprint {
    const A: u64 = 0x9E37_79B9_7F4A_7C15;
    const B: u64 = 0xC2B2_AE3D_27D4_EB4F;

    /// The fingerprint of a list of this many frames, before its frames are added.
    fn new(frames: usize) -> Self {
        Self { a: Self::A ^ frames as u64, b: Self::B }
    }

    /// Adds the keyed hash of a frame.
    fn add(&mut self, frame: u64) {
        let fold = |state: u64, value: u64, constant: u64| {
            let product = u128::from(state ^ value) * u128::from(constant);
            (product as u64) ^ (product >> 64) as u64
        };
        self.a = fold(self.a, frame.wrapping_add(Self::B), Self::A);
        self.b = fold(self.b.rotate_left(23), frame.wrapping_mul(Self::A) | 1, Self::B);
    }

    fn finish(self) -> u128 {
        u128::from(self.a) << 64 | u128::from(self.b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Log;
    use crate::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess};
    use std::collections::HashSet;
    use std::io::Cursor;

    fn stack(hasher: &impl BuildHasher, frames: &[(u64, Option<u64>)]) -> ResolvedStack {
        let module = |key| ModulePlace { process: 0, position: 0, key: NonZeroU64::new(key).unwrap() };
        let frames: Box<[ResolvedFrame]> =
            frames.iter().map(|&(address, key)| ResolvedFrame { address, module: key.map(module) }).collect();
        let mut fingerprint = Fingerprint::new(frames.len());
        frames.iter().for_each(|frame| fingerprint.add(frame.hash(hasher)));
        ResolvedStack { fingerprint: fingerprint.finish(), frames }
    }

    #[test]
    fn stacks_are_remembered_up_to_a_bound() {
        let mut capture = CaptureStacks::default();
        let mut id = |fingerprint| capture.id(&ResolvedStack { fingerprint, frames: Box::default() });
        for number in 0..REMEMBERED_STACKS as u32 {
            assert_eq!(id(number.into()), (number, true));
        }
        // The first one has been forgotten with all others, and is remembered again.
        assert_eq!(id(0), (REMEMBERED_STACKS as u32, true));
        assert_eq!(id(0), (REMEMBERED_STACKS as u32, false));
        assert_eq!(capture.ids.len(), 1);
    }

    /// Two processes load and replace modules at the same addresses. Each stack of each event has the modules that
    /// its addresses lie in at the time of the event, whatever the finder remembers of other times and processes.
    #[test]
    fn remembered_addresses_mean_what_they_mean_at_the_time_of_the_event() {
        const EVENTS: u64 = 2_000;
        let start = 133_485_408_450_000_000;
        let mut writer = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("PC")).unwrap();
        for process in [1u32, 2] {
            let module = |number: u64| NewModule {
                load_time: FileTime(start + number * EVENTS / 8 / u64::from(process)),
                base: 0x10_0000 + number % 3 * 0x1000,
                size: 0x1800,
                path: ["C:\\a.dll", "C:\\b.dll", "C:\\c.dll"][number as usize % 3],
                ..NewModule::default()
            };
            let modules = (0..8).map(module).collect();
            writer.add_process(&NewProcess {
                index: process,
                pid: process * 4,
                modules,
                ..NewProcess::default()
            });
        }
        let mut random = 1u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            (random >> 33) % below
        };
        for _ in 0..EVENTS {
            let stack: Vec<u64> = (0..=next(3)).map(|_| 0xF_F800 + next(10) * 0x800).collect();
            let event = NewEvent {
                process_index: 1 + next(2) as u32,
                time: FileTime(start + next(EVENTS)),
                stack: &stack,
                ..NewEvent::default()
            };
            writer.add_event(&event).unwrap();
        }
        let log = Log::parse(writer.finish().unwrap().into_inner()).unwrap();
        let finders = StackFinders::default();
        let mut finder = finders.borrow(log.view());
        let events: Vec<_> = log.view().events(0..EVENTS as u32).collect::<Result<_, _>>().unwrap();
        let ids: Vec<_> =
            events.iter().map(|event| finder.id(event, event.process_position()).unwrap()).collect();
        let found = finder.finish_range();
        let mut modules = HashSet::new();
        for (event, id) in events.iter().zip(ids) {
            let stack = &found.stacks[id as usize];
            assert_eq!(stack.frames.len(), event.stack().addresses().len());
            for (frame, address) in stack.frames.iter().zip(event.stack().addresses()) {
                let expected =
                    event.locate(address, Resolution::Corrected).map(|l| (l.module.base, l.module.load_time));
                let module = frame.module.map(|place| {
                    let process = log.view().process_at(place.process).unwrap();
                    let module = process.modules().at(place.position as usize).unwrap();
                    (module.base, module.load_time)
                });
                assert_eq!((frame.address, module), (address, expected));
                modules.insert(module);
            }
        }
        assert!(modules.len() > 10 && modules.contains(&None), "all modules and none: {}", modules.len());
    }

    #[test]
    fn fingerprints_tell_stacks_apart() {
        let hasher = DefaultHashBuilder::default();
        let mut seen = HashSet::new();
        let mut add =
            |frames: &[(u64, Option<u64>)]| assert!(seen.insert(stack(&hasher, frames).fingerprint));
        add(&[]);
        for a in 0..200 {
            add(&[(a, None)]);
            add(&[(a, Some(1))]);
            for b in 0..200 {
                add(&[(a, None), (b, None)]);
                add(&[(a, None), (b, Some(7))]);
            }
        }
    }

    #[test]
    fn a_stack_keeps_its_id() {
        let hasher = DefaultHashBuilder::default();
        let mut stacks = CaptureStacks::default();
        let [one, two] = [[(1, None), (2, Some(3))], [(2, Some(3)), (1, None)]].map(|s| stack(&hasher, &s));
        assert_eq!(stacks.id(&one), (0, true));
        assert_eq!(stacks.id(&two), (1, true));
        assert_eq!(stacks.id(&one), (0, false));
    }
}
