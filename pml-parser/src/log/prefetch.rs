//! Asking for memory before it is needed.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Touches all lines of some bytes. The loads do not depend on one another, so none waits for the one
/// before; the instruction that only hints is a twentieth faster over headers alone, makes no difference
/// where anything else is read, and is unsafe code.
#[inline]
pub(crate) fn prefetch(bytes: &[u8]) {
    std::hint::black_box(bytes.iter().step_by(LINE).fold(0, |sum, byte| sum ^ byte));
}

/// Events that are asked for ahead.
pub(crate) const AHEAD: u32 = 8;
/// Bytes that are asked for at once, at most: huge records are streamed by whoever reads them.
const MOST_WARMED: u64 = 16 << 10;

/// Asks for a file's bytes before they are needed, those that lie in order once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ahead {
    /// Offset up to which bytes have been asked for.
    warm: u64,
}

impl Ahead {
    /// Asks for the bytes up to `end`.
    #[inline]
    pub(crate) fn ask(&mut self, file: &[u8], end: u64) {
        let start = self.warm.max(end.saturating_sub(MOST_WARMED));
        if let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end))
            && let Some(bytes) = file.get(from..to)
        {
            prefetch(bytes);
            self.warm = end;
        }
    }
}
