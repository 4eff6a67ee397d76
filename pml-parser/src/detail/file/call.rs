//! The details of a file system event, with the positions of their parts.

use crate::log::event::Event;
use crate::log::kernel_names::KernelNames;
use crate::names::operation::Operation;
use crate::raw::bytes::Blob;
use crate::raw::strings::Info;
use crate::text::WinStr;

/// The start from which an offset counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// The details blob.
    Details,
    /// The operation's parameter union inside the details.
    Params,
    /// The part of the details after the path.
    Trailer,
    /// The extra blob.
    Extra,
}

/// Which fields of a layout exist in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// All fields.
    Always,
    /// All fields where there is an extra blob, else none.
    HasExtra,
    /// The fields that begin inside the extra blob, or none without one.
    InExtra,
    /// The fields that begin inside the caller's buffer. Its length is the first parameter.
    InBuffer,
}

/// The details of a file system event, with the positions of their parts.
#[derive(Clone, Copy)]
pub(crate) struct FileDetails<'a> {
    pub(super) details: &'a [u8],
    pub(super) extra: Option<&'a [u8]>,
    /// Size of a pointer in the log in bytes: 4 or 8.
    pub pointer: usize,
    /// Offset of the path in the details.
    path_at: usize,
    path: Info,
    pub(super) operation: Operation,
    names: Option<&'a KernelNames>,
}

/// Offset of the parameters in the details.
pub(super) const PARAMS: usize = 16;

impl<'a> FileDetails<'a> {
    /// `None` where the details end before the length word of the path.
    #[inline(always)]
    pub(in crate::detail) fn new(event: &Event<'a>, operation: Operation) -> Option<Self> {
        let details = event.details();
        let pointer = event.log().index.pointer();
        let info_at = PARAMS + 8 + 5 * pointer;
        let path = Info(details.u16_at(info_at)?);
        let (extra, names) = (event.extra(), event.kernel_names());
        Some(Self { details, extra, pointer, path_at: info_at + 4, path, operation, names })
    }

    /// The name of a file, as Process Monitor shows it.
    #[inline(always)]
    pub(super) fn shown(&self, name: WinStr<'a>) -> WinStr<'a> {
        self.names.map_or(name, |names| names.file(name))
    }

    /// The blob of a base, and the offset in the blob from which the base counts.
    pub(crate) fn base(&self, base: Base) -> (&'a [u8], usize) {
        match base {
            Base::Details => (self.details, 0),
            Base::Params => (self.details, PARAMS),
            Base::Trailer => (self.details, self.trailer_at()),
            Base::Extra => (self.extra.unwrap_or_default(), 0),
        }
    }

    /// The path, without a search pattern.
    #[inline(always)]
    pub(in crate::detail) fn path(&self) -> WinStr<'a> {
        self.shown(self.path.string(self.details, self.path_at))
    }

    /// Where the path lies in the details, with its length word.
    pub(in crate::detail) fn path_place(&self) -> (usize, usize, usize) {
        (self.path_at - 4, self.path_at, self.path.size())
    }

    pub(super) fn trailer_at(&self) -> usize {
        self.path_at + self.path.size()
    }

    /// The part of the details after the path.
    pub(super) fn trailer(&self) -> &'a [u8] {
        self.details.get(self.trailer_at()..).unwrap_or_default()
    }

    /// The 32-bit parameter at an offset of `bytes` bytes and `pointers` pointers.
    pub(super) fn param(&self, bytes: usize, pointers: usize) -> Option<u32> {
        self.details.u32_at(PARAMS + bytes + pointers * self.pointer)
    }

    /// Length of the caller's buffer in bytes.
    pub(super) fn length(&self) -> usize {
        self.param(0, 0).unwrap_or(0) as usize
    }

    /// The offset before which the fields of a layout begin, or `None` where the event has no fields.
    pub(super) fn limit(&self, presence: Presence) -> Option<usize> {
        match presence {
            Presence::Always => Some(usize::MAX),
            Presence::HasExtra => self.extra.map(|_| usize::MAX),
            Presence::InExtra => self.extra.map(<[u8]>::len),
            Presence::InBuffer => Some(self.length()),
        }
    }
}
