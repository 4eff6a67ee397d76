//! Details of the profiling class (docs/format.md, "Profiling").

use super::{Decoded, Properties, value};
use crate::log::event::Event;
use crate::names::operation::Operation;
use crate::raw::bytes::Blob;
use crate::text::WinStr;

/// Appends the path. Only thread profiling has one: the thread.
pub(super) fn push_path(event: &Event<'_>, out: &mut String) {
    if event.operation() == Operation::THREAD_PROFILING {
        out.push_str("Thread ");
        value::decimal(out, u64::from(event.tid()));
    }
}

/// Writes all properties.
pub(super) fn detail(event: &Event<'_>, to: &mut Properties<'_>) -> Decoded {
    let details = event.details();
    let written = match event.operation() {
        Operation::THREAD_PROFILING => thread(details, to),
        Operation::PROCESS_PROFILING => process(details, to),
        Operation::DEBUG_OUTPUT_PROFILING => output(details, to),
        _ => None,
    };
    if written.is_some() { Decoded::Yes } else { Decoded::No }
}

fn thread(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
    value::seconds(to.key("User Time"), details.u32_at(0)?.into());
    value::seconds(to.key("Kernel Time"), details.u32_at(4)?.into());
    value::decimal(to.key("Context Switches"), details.u32_at(8)?.into());
    Some(())
}

fn process(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
    for (key, at) in [("User Time", 0), ("Kernel Time", 8)] {
        let out = to.key(key);
        value::seconds(out, details.u64_at(at)?);
        out.push_str(" seconds");
    }
    value::thousands(to.key("Private Bytes"), details.u64_at(24)?);
    value::thousands(to.key("Working Set"), details.u64_at(16)?);
    Some(())
}

fn output(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
    let characters = usize::from(details.u16_at(0)?);
    WinStr::utf16(details.clip(2, characters * 2)).push_to(to.key("Output"));
    Some(())
}
