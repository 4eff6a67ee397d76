//! The details of a file system event, with the places in them found.

use crate::log::event::Event;
use crate::names::operation::Operation;
use crate::raw::bytes::Blob;
use crate::raw::strings::Info;
use crate::text::WinStr;

/// What an offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// The details blob.
    Details,
    /// The operation's parameter union inside the details.
    Params,
    /// What stands behind the path in the details.
    Trailer,
    /// The extra blob.
    Extra,
}

/// Which fields of a layout are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// All.
    Always,
    /// None without an extra blob, all with one.
    HasExtra,
    /// None without an extra blob; with one, those that begin inside it.
    InExtra,
    /// Those that begin inside the caller's buffer, whose length is the first parameter.
    InBuffer,
}

/// A file system event, with the places in its details found.
#[derive(Clone, Copy)]
pub(crate) struct FileDetails<'a> {
    pub(super) details: &'a [u8],
    pub(super) extra: Option<&'a [u8]>,
    /// Pointer size of the file: 4 or 8.
    pub pointer: usize,
    /// Where the path begins.
    path_at: usize,
    path: Info,
    pub(super) operation: Operation,
}

/// Where the parameters begin in the details.
pub(super) const PARAMS: usize = 16;

impl<'a> FileDetails<'a> {
    /// `None` where even the word before the path is cut off.
    pub(in crate::detail) fn new(event: &Event<'a>, operation: Operation) -> Option<Self> {
        let details = event.details();
        let pointer = event.log().index.pointer();
        let info_at = PARAMS + 8 + 5 * pointer;
        let path = Info(details.u16_at(info_at)?);
        Some(Self { details, extra: event.extra(), pointer, path_at: info_at + 4, path, operation })
    }

    /// A blob and where in it the offsets of a base begin.
    pub(crate) fn base(&self, base: Base) -> (&'a [u8], usize) {
        match base {
            Base::Details => (self.details, 0),
            Base::Params => (self.details, PARAMS),
            Base::Trailer => (self.details, self.trailer_at()),
            Base::Extra => (self.extra.unwrap_or_default(), 0),
        }
    }

    /// The path, without a search pattern.
    pub(in crate::detail) fn path(&self) -> WinStr<'a> {
        self.path.string(self.details, self.path_at)
    }

    pub(super) fn trailer_at(&self) -> usize {
        self.path_at + self.path.size()
    }

    /// What stands behind the path.
    pub(super) fn trailer(&self) -> &'a [u8] {
        self.details.get(self.trailer_at()..).unwrap_or_default()
    }

    /// The parameter `bytes` and `pointers` behind the first one, as 32 bits.
    pub(super) fn param(&self, bytes: usize, pointers: usize) -> Option<u32> {
        self.details.u32_at(PARAMS + bytes + pointers * self.pointer)
    }

    /// Length of the caller's buffer.
    pub(super) fn length(&self) -> usize {
        self.param(0, 0).unwrap_or(0) as usize
    }

    /// Up to which offset the fields of a layout are there; `None` where there are none at all.
    pub(super) fn limit(&self, presence: Presence) -> Option<usize> {
        match presence {
            Presence::Always => Some(usize::MAX),
            Presence::HasExtra => self.extra.map(|_| usize::MAX),
            Presence::InExtra => self.extra.map(<[u8]>::len),
            Presence::InBuffer => Some(self.length()),
        }
    }
}
