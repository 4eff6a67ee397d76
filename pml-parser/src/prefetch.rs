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
