//! Numbers the stacks and frames of the whole capture, range by range in order, and writes each once.

use super::WriteError;
use crate::arrow::labels::Labels;
use crate::arrow::stacks::{CaptureStacks, FoundStacks, ModulePlace, ResolvedFrame};
use crate::arrow::tables::{FrameRows, ModuleText, StackRows};
use crate::budget::Budget;
use crate::log::LogView;
use crate::log::set::LogSet;
use crate::symbols::Symbols;
use arrow::array::{ArrayRef, UInt32Array};
use arrow::record_batch::RecordBatch;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Receives new stacks and frames.
pub(super) trait StackSink {
    /// Whether the sink needs rows of stacks and frames.
    const WANTED: bool;

    fn stacks(&mut self, batch: &RecordBatch) -> Result<(), WriteError>;

    fn frames(&mut self, batch: &RecordBatch) -> Result<(), WriteError>;
}

/// Receives nothing: only the numbers of stacks are needed.
impl StackSink for () {
    const WANTED: bool = false;

    fn stacks(&mut self, _: &RecordBatch) -> Result<(), WriteError> {
        Ok(())
    }

    fn frames(&mut self, _: &RecordBatch) -> Result<(), WriteError> {
        Ok(())
    }
}

/// The numbers of the stacks and frames of the whole capture, and the rows that wait to be written.
pub(super) struct StackTables<'b, S> {
    sink: S,
    budget: &'b Budget,
    symbols: Option<&'b dyn Symbols>,
    labels: &'b Labels,
    capture: CaptureStacks,
    /// Address and key of its module → frame id.
    frame_ids: HashMap<(u64, Option<NonZeroU64>), u32>,
    next_frame: u32,
    modules: ModuleTexts,
    stack_rows: StackRows,
    frame_rows: FrameRows,
}

impl<'b, S: StackSink> StackTables<'b, S> {
    pub(super) fn new(sink: S, budget: &'b Budget, labels: &'b Labels) -> Self {
        Self {
            sink,
            budget,
            symbols: None,
            labels,
            capture: CaptureStacks::default(),
            frame_ids: HashMap::new(),
            next_frame: 0,
            modules: ModuleTexts::default(),
            stack_rows: StackRows::default(),
            frame_rows: FrameRows::default(),
        }
    }

    /// The same with names of functions for the frames.
    pub(super) fn with_symbols(self, symbols: Option<&'b (impl Symbols + 'b)>) -> Self {
        Self { symbols: symbols.map(|symbols| symbols as &dyn Symbols), ..self }
    }

    /// The column of stack ids in the capture, for rows with stack ids of the range.
    pub(super) fn column<B: AsRef<[u8]>>(
        &mut self,
        set: &LogSet<B>,
        found: &FoundStacks,
        rows: &[Option<u32>],
    ) -> Result<ArrayRef, WriteError> {
        let ids = self.number(set, found)?;
        Ok(self.rows(&ids, rows))
    }

    /// The column of stack ids in the capture, for rows with stack ids of the range. [`StackTables::number`]
    /// gives `ids`.
    pub(super) fn rows(&self, ids: &[u32], rows: &[Option<u32>]) -> ArrayRef {
        let ids = rows.iter().map(|id| id.and_then(|id| ids.get(id as usize).copied()));
        self.labels.types.array(Arc::new(UInt32Array::from_iter(ids)))
    }

    /// The capture-wide ids of the stacks of a range.
    pub(super) fn number<B: AsRef<[u8]>>(
        &mut self,
        set: &LogSet<B>,
        found: &FoundStacks,
    ) -> Result<Vec<u32>, WriteError> {
        let Some(log) = set.part(found.part) else { return Ok(Vec::new()) };
        let mut ids = Vec::with_capacity(found.stacks.len());
        let mut frames = Vec::new();
        for stack in &found.stacks {
            let (id, is_new) = self.capture.id(stack);
            ids.push(id);
            if is_new && S::WANTED {
                frames.clear();
                for frame in &stack.frames {
                    frames.push(self.frame(log, frame)?);
                }
                self.stack_rows.push(id, &frames);
                if self.stack_rows.is_full() {
                    self.sink.stacks(&self.stack_rows.finish(self.labels)?)?;
                }
            }
        }
        Ok(ids)
    }

    /// The capture-wide id of an address in a module.
    fn frame(&mut self, log: LogView<'_>, frame: &ResolvedFrame) -> Result<u32, WriteError> {
        if self.frame_ids.len() >= REMEMBERED_FRAMES {
            self.frame_ids.clear();
        }
        let next = self.next_frame;
        let id = *self.frame_ids.entry((frame.address, frame.module.map(|m| m.key))).or_insert(next);
        if id < next {
            return Ok(id);
        }
        self.next_frame += 1;
        let kernel = frame.address > log.highest_user_address();
        let function = self.symbols.and_then(|symbols| {
            let place = frame.module?;
            let module = log.process_at(place.process)?.modules().at(place.position as usize)?;
            symbols.function(module, frame.address.wrapping_sub(module.base))
        });
        let module = frame.module.and_then(|place| self.modules.get(log, place));
        // Each frame repeats the path of its module.
        self.budget.written(module.map_or(0, ModuleText::size))?;
        self.frame_rows.push(id, frame.address, kernel, module, function.as_ref());
        if self.frame_rows.is_full() {
            self.sink.frames(&self.frame_rows.finish(self.labels)?)?;
        }
        Ok(id)
    }

    /// Passes the last rows to the sink, and returns it.
    pub(super) fn finish(mut self) -> Result<S, WriteError> {
        self.sink.stacks(&self.stack_rows.finish(self.labels)?)?;
        self.sink.frames(&self.frame_rows.finish(self.labels)?)?;
        Ok(self.sink)
    }
}

/// The most frames that are remembered in order to store each once. The memory is bounded, as for stacks.
const REMEMBERED_FRAMES: usize = 1 << 20;

/// The texts of the modules that were used last.
#[derive(Default)]
struct ModuleTexts {
    texts: HashMap<NonZeroU64, ModuleText>,
    bytes: usize,
}

/// Bytes of module texts after which the cache is cleared.
const TEXT_BYTES: usize = 1 << 20;

impl ModuleTexts {
    fn get(&mut self, log: LogView<'_>, place: ModulePlace) -> Option<&ModuleText> {
        if self.bytes >= TEXT_BYTES {
            *self = Self::default();
        }
        Some(match self.texts.entry(place.key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let module = log.process_at(place.process)?.modules().at(place.position as usize)?;
                let path = module.path().to_str().into_owned();
                self.bytes += path.len() + size_of::<ModuleText>();
                new.insert(ModuleText::new(module.base, path))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrow::labels::Labels;
    use crate::arrow::stacks::{DEEPEST, Room, SHALLOW, StackFinders};
    use crate::arrow::types::Types;
    use crate::budget::Limits;
    use crate::log::Log;
    use crate::time::FileTime;
    use crate::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess};
    use std::io::Cursor;
    use std::ops::Range;

    /// A process in which a second module replaces the first at time 20, and events at these times with the
    /// same addresses on their stacks.
    fn set(times: &[u64]) -> LogSet<Vec<u8>> {
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("STACKS")).unwrap();
        let module = |path, load| NewModule {
            load_time: FileTime(load),
            base: 0x1000,
            size: 0x1000,
            path,
            ..NewModule::default()
        };
        let modules = vec![module(r"C:\one.dll", 10), module(r"C:\two.dll", 20)];
        log.add_process(&NewProcess { index: 1, pid: 8, modules, ..NewProcess::default() });
        for &time in times {
            let event = NewEvent {
                process_index: 1,
                time: FileTime(time),
                stack: &[0x1100, 0x9900],
                ..NewEvent::default()
            };
            log.add_event(&event).unwrap();
        }
        LogSet::new(vec![Log::parse(log.finish().unwrap().into_inner()).unwrap()])
    }

    #[test]
    fn a_finder_reused_from_an_earlier_range_gives_the_same_ids() {
        let set = set(&[15, 25, 16, 26, 27, 17]);
        let budget = Budget::new(&set, Limits::default());
        let labels = Labels::new(&set, Types::Exact, None);
        let (log, finders, mut tables) =
            (set.part(0).unwrap(), StackFinders::default(), StackTables::new((), &budget, &labels));
        // Local ids of a range, modules of its stacks, and their ids in the capture.
        let mut find = |positions: Range<u32>| {
            let mut finder = finders.borrow(log);
            let mut local = Vec::new();
            for event in log.events(positions) {
                let event = event.unwrap();
                local.push(finder.id(&event, event.process_position()).unwrap());
            }
            let found = finder.finish_range();
            finders.give_back(finder);
            let modules = found.stacks.iter().map(|stack| stack.frames[0].module.unwrap().position);
            (local, modules.collect::<Vec<_>>(), tables.number(&set, &found).unwrap())
        };
        assert_eq!(find(0..3), (vec![0, 1, 0], vec![0, 1], vec![0, 1]));
        // The next range meets the second stack first.
        assert_eq!(find(3..6), (vec![0, 0, 1], vec![1, 0], vec![1, 0]));
        assert_eq!(find(0..3), (vec![0, 1, 0], vec![0, 1], vec![0, 1]));
        assert_eq!(find(0..0), (vec![], vec![], vec![]));
    }

    /// A log of `events` events whose stacks have `frames` frames each. No two stacks are alike.
    fn deep(events: u64, frames: u64) -> Log<Vec<u8>> {
        let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("DEEP")).unwrap();
        for event in 0..events {
            let stack: Vec<u64> = (0..frames).map(|frame| event << 32 | frame).collect();
            log.add_event(&NewEvent { stack: &stack, ..NewEvent::default() }).unwrap();
        }
        Log::parse(log.finish().unwrap().into_inner()).unwrap()
    }

    /// Numbers of frames of the distinct stacks of a range.
    fn depths<'a>(finders: &StackFinders<'a>, log: LogView<'a>, positions: Range<u32>) -> Vec<usize> {
        let mut finder = finders.borrow(log);
        log.events(positions).for_each(|event| assert!(finder.id(&event.unwrap(), None).is_some()));
        let found = finder.finish_range();
        finders.give_back(finder);
        found.stacks.iter().map(|stack| stack.frames.len()).collect()
    }

    #[test]
    fn stacks_beyond_the_room_of_a_range_are_shallow() {
        let log = deep(40, 600);
        let room = Room { range: 10 * DEEPEST * size_of::<ResolvedFrame>(), ..Room::default() };
        let mut finders = StackFinders::default();
        finders.room = room;
        let kept = depths(&finders, log.view(), 0..40);
        assert_eq!(kept, [vec![DEEPEST; 10], vec![SHALLOW; 30]].concat());
        // The next range has room again.
        assert_eq!(depths(&finders, log.view(), 0..2), [DEEPEST; 2]);
        assert_eq!(Room::default().range, 160 << 20);
    }

    /// Counts the rows of frames.
    struct Rows(usize);

    impl StackSink for Rows {
        const WANTED: bool = true;

        fn stacks(&mut self, _: &RecordBatch) -> Result<(), WriteError> {
            Ok(())
        }

        fn frames(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
            self.0 += batch.num_rows();
            Ok(())
        }
    }

    #[test]
    fn frames_are_remembered_up_to_a_bound() {
        let events = REMEMBERED_FRAMES / DEEPEST + 1;
        let set = LogSet::new(vec![deep(events as u64, DEEPEST as u64)]);
        let budget = Budget::new(&set, Limits::default());
        let labels = Labels::new(&set, Types::Exact, None);
        let mut tables = StackTables::new(Rows(0), &budget, &labels);
        let finders = StackFinders::default();
        let log = set.part(0).unwrap();
        for first in (0..events as u32).step_by(64) {
            let mut finder = finders.borrow(log);
            for event in log.events(first..(first + 64).min(events as u32)) {
                finder.id(&event.unwrap(), None).unwrap();
            }
            let found = finder.finish_range();
            finders.give_back(finder);
            tables.number(&set, &found).unwrap();
            assert!(tables.frame_ids.len() <= REMEMBERED_FRAMES);
        }
        // One stack came after all frames had been forgotten.
        assert_eq!(tables.frame_ids.len(), DEEPEST);
        assert_eq!(tables.finish().unwrap().0, events * DEEPEST);
    }

    #[test]
    fn what_is_kept_from_range_to_range_is_bounded() {
        let log = deep(40, 100);
        let mut finders = StackFinders::default();
        finders.room.kept = 32_000;
        for range in 0..8 {
            assert_eq!(depths(&finders, log.view(), range * 5..range * 5 + 5), [100; 5]);
            assert!(finders.kept() < 32_000, "{} bytes after range {range}", finders.kept());
        }
        assert_eq!(Room::default().kept, 16 << 20);
    }
}
