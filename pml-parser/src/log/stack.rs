//! The call stack of an event, as addresses.

/// The raw call stack of an event: return addresses, innermost (kernel side) first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack<'a> {
    frames: &'a [u8],
    pointer: usize,
}

impl<'a> Stack<'a> {
    pub(crate) fn new(frames: &'a [u8], pointer: usize) -> Self {
        Self { frames, pointer }
    }

    /// Number of frames.
    pub fn len(self) -> usize {
        self.frames.len() / self.pointer
    }

    /// Whether no frame was captured.
    pub fn is_empty(self) -> bool {
        self.frames.is_empty()
    }

    /// The innermost frames, at most `frames` of them.
    #[must_use]
    pub fn first(self, frames: usize) -> Self {
        let bytes = frames.saturating_mul(self.pointer).min(self.frames.len());
        Self { frames: self.frames.get(..bytes).unwrap_or(self.frames), ..self }
    }

    /// The bytes of the addresses, as stored.
    pub fn raw(self) -> &'a [u8] {
        self.frames
    }

    /// The addresses, innermost first.
    pub fn addresses(self) -> impl ExactSizeIterator<Item = u64> + Clone + use<'a> {
        let wide = self.pointer == 8;
        self.frames.chunks_exact(self.pointer).map(move |frame| {
            let mut bytes = [0; 8];
            if wide {
                bytes.copy_from_slice(frame);
            } else if let Some(low) = bytes.first_chunk_mut::<4>() {
                low.copy_from_slice(frame);
            }
            u64::from_le_bytes(bytes)
        })
    }
}
