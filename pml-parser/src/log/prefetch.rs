//! Prefetching: loads bytes into the cache before they are needed.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Loads one byte of every cache line. The loads are independent, so no load waits for the one before it. A
/// prefetch instruction is only a twentieth faster where headers alone are read, makes no difference
/// elsewhere, and needs unsafe code.
#[inline]
pub(crate) fn prefetch(bytes: &[u8]) {
    std::hint::black_box(bytes.iter().step_by(LINE).fold(0, |sum, byte| sum ^ byte));
}

/// Number of events that are prefetched.
pub(crate) const AHEAD: u32 = 8;
/// The most bytes of one prefetch: the hardware prefetches the rest of a huge record as it is read.
const MOST_WARMED: u64 = 16 << 10;

/// Prefetches the bytes of a file, each only once where they are read in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prefetcher {
    /// Offset up to which bytes have been prefetched.
    warm: u64,
}

impl Prefetcher {
    /// Prefetches the bytes up to offset `end`.
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
