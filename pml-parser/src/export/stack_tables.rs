//! Numbers stacks and frames for the whole capture, range by range in order, and writes each once.

use super::WriteError;
use crate::arrow::stacks::{CaptureStacks, FoundStacks};
use crate::arrow::tables::{FrameRows, StackRows};
use crate::log::LogView;
use crate::log_set::LogSet;
use crate::process::Module;
use arrow::array::{ArrayRef, UInt32Array};
use arrow::record_batch::RecordBatch;
use hashbrown::HashMap;
use std::sync::Arc;

/// Where new stacks and frames go.
pub(super) trait StackSink {
    /// Whether they are wanted at all.
    const WANTED: bool;

    fn stacks(&mut self, batch: &RecordBatch) -> Result<(), WriteError>;

    fn frames(&mut self, batch: &RecordBatch) -> Result<(), WriteError>;
}

/// Nowhere: only the numbers are of interest.
impl StackSink for () {
    const WANTED: bool = false;

    fn stacks(&mut self, _: &RecordBatch) -> Result<(), WriteError> {
        Ok(())
    }

    fn frames(&mut self, _: &RecordBatch) -> Result<(), WriteError> {
        Ok(())
    }
}

/// Numbers stacks and frames for the whole capture.
pub(super) struct StackTables<S> {
    sink: S,
    capture: CaptureStacks,
    /// Module path and base → a number for it.
    modules: HashMap<(String, u64), u32>,
    /// Address and number of its module → frame id.
    frame_ids: HashMap<(u64, u32), u32>,
    next_frame: u32,
    stack_rows: StackRows,
    frame_rows: FrameRows,
}

/// In place of a module's number: none.
const NO_MODULE: u32 = u32::MAX;

impl<S: StackSink> StackTables<S> {
    pub(super) fn new(sink: S) -> Self {
        Self {
            sink,
            capture: CaptureStacks::default(),
            modules: HashMap::new(),
            frame_ids: HashMap::new(),
            next_frame: 0,
            stack_rows: StackRows::default(),
            frame_rows: FrameRows::default(),
        }
    }

    /// The stack ids of the rows of a range, from their local ones.
    pub(super) fn column<B: AsRef<[u8]>>(
        &mut self,
        set: &LogSet<B>,
        found: &FoundStacks,
        rows: &[Option<u32>],
    ) -> Result<ArrayRef, WriteError> {
        Ok(Self::rows(&self.number(set, found)?, rows))
    }

    /// The stack ids of rows, from their local ones and what [`StackTables::number`] gave.
    pub(super) fn rows(ids: &[u32], rows: &[Option<u32>]) -> ArrayRef {
        let ids = rows.iter().map(|id| id.and_then(|id| ids.get(id as usize).copied()));
        Arc::new(UInt32Array::from_iter(ids))
    }

    /// The capture-wide ids of the stacks of a range.
    pub(super) fn number<B: AsRef<[u8]>>(
        &mut self,
        set: &LogSet<B>,
        found: &FoundStacks,
    ) -> Result<Vec<u32>, WriteError> {
        let Some(log) = set.part(found.part) else { return Ok(Vec::new()) };
        if self.modules.len() >= REMEMBERED_MODULES {
            self.modules.clear();
            self.frame_ids.clear();
        }
        // Modules of this part that have been looked up, by owner and position.
        let mut known = HashMap::new();
        let mut frames = Vec::with_capacity(found.frames.len());
        for frame in &found.frames {
            let module = frame.module.and_then(|place| {
                *known.entry(place).or_insert_with(|| {
                    let module = log.process_at(place.0)?.modules().at(place.1 as usize)?;
                    let next = self.modules.len() as u32;
                    let key = (module.path().to_str().into_owned(), module.base);
                    Some((*self.modules.entry(key).or_insert(next), module))
                })
            });
            frames.push(self.frame(log, frame.address, module)?);
        }
        let mut ids = Vec::new();
        let mut stack = Vec::new();
        for local in found.iter() {
            stack.clear();
            stack.extend(local.iter().filter_map(|&id| frames.get(id as usize)));
            let (id, is_new) = self.capture.id(&stack);
            ids.push(id);
            if is_new && S::WANTED {
                self.stack_rows.push(id, &stack);
                if self.stack_rows.is_full() {
                    self.sink.stacks(&self.stack_rows.finish()?)?;
                }
            }
        }
        Ok(ids)
    }

    /// The capture-wide id of an address in a module.
    fn frame(
        &mut self,
        log: LogView<'_>,
        address: u64,
        module: Option<(u32, Module<'_>)>,
    ) -> Result<u32, WriteError> {
        if self.frame_ids.len() >= REMEMBERED_FRAMES {
            self.frame_ids.clear();
        }
        let key = (address, module.map_or(NO_MODULE, |module| module.0));
        if let Some(&id) = self.frame_ids.get(&key) {
            return Ok(id);
        }
        let id = self.next_frame;
        self.next_frame += 1;
        self.frame_ids.insert(key, id);
        if S::WANTED {
            let kernel = address > log.highest_user_address();
            let path = module.map(|(_, module)| (module.path().to_str(), address.wrapping_sub(module.base)));
            let place = path.as_ref().map(|(path, offset)| (path.as_ref(), *offset));
            self.frame_rows.push(id, address, kernel, place);
            if self.frame_rows.is_full() {
                self.sink.frames(&self.frame_rows.finish()?)?;
            }
        }
        Ok(id)
    }

    /// Hands over what is left, and gives the sink back.
    pub(super) fn finish(mut self) -> Result<S, WriteError> {
        self.sink.stacks(&self.stack_rows.finish()?)?;
        self.sink.frames(&self.frame_rows.finish()?)?;
        Ok(self.sink)
    }
}

/// Modules, by path and base, that are remembered.
const REMEMBERED_MODULES: usize = 1 << 16;

/// Frames that are remembered to be stored once; as with stacks, the memory is bounded.
const REMEMBERED_FRAMES: usize = 1 << 20;
