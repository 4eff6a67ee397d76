//! Details of the file system class (docs/format.md, "File system details").

mod call;
mod custom;
mod field;
mod layout;

pub(super) use call::FileDetails;
pub(crate) use custom::stored_names_of_rename;

use super::number::NumberSink;
use super::{Decoded, Properties, value};
use crate::columns::Number;
use crate::names::category::Category;
use crate::names::constants::major;
use crate::names::operation::Operation;
use crate::raw::bytes::Blob;
use crate::text::WinStr;
use call::Base;

/// Appends the path, and the search pattern of a directory query.
pub(super) fn push_path(call: &FileDetails<'_>, out: &mut String) {
    call.path().push_to(out);
    if call.operation == Operation::QUERY_DIRECTORY {
        let pattern = custom::pattern(call);
        if !pattern.is_empty() {
            if !call.path().ends_with(b'\\') {
                out.push('\\');
            }
            pattern.push_to(out);
        }
    }
}

/// Writes all properties.
pub(super) fn detail(call: &FileDetails<'_>, to: &mut Properties<'_>) -> Decoded {
    if to.options.advanced {
        write_friendly_name(call, to);
    }
    let Some(layout) = layout::find(call.operation) else {
        // The layout is unknown. A query or a change of information without data has nothing to decode.
        return match call.operation.code {
            major::QUERY_INFORMATION | major::QUERY_VOLUME_INFORMATION | major::DIRECTORY_CONTROL
                if call.extra.is_none() =>
            {
                Decoded::Yes
            }
            major::SET_INFORMATION | major::SET_VOLUME_INFORMATION if call.length() == 0 => Decoded::Yes,
            _ => Decoded::No,
        };
    };
    if layout.corrected_only && to.is_procmon() {
        return Decoded::No;
    }
    let Some(limit) = call.limit(layout.presence) else { return Decoded::Yes };
    for field in layout.fields {
        if usize::from(field.at.bytes) >= limit {
            continue;
        }
        if field.at.base == Base::Extra && call.extra.is_none() {
            continue;
        }
        if !field.write(call, to) {
            return Decoded::No;
        }
    }
    Decoded::Yes
}

/// Writes the friendly name of a sub-operation: in advanced output, the operation is a raw name.
fn write_friendly_name(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let operation = call.operation;
    if !major::has_subs(operation.code) {
        return;
    }
    let out = to.key(if operation.code == major::LOCK_CONTROL { "Lock Type" } else { "Type" });
    match operation.file_sub() {
        Some(sub) => out.push_str(sub.label),
        None => {
            out.push_str("<Unknown : ");
            value::decimal(out, operation.sub.into());
            out.push_str(" >");
        }
    }
}

/// Passes all numbers to `numbers`.
pub(super) fn numbers(call: &FileDetails<'_>, numbers: &mut impl NumberSink) {
    if matches!(
        call.operation.code,
        major::QUERY_INFORMATION
            | major::SET_INFORMATION
            | major::QUERY_VOLUME_INFORMATION
            | major::SET_VOLUME_INFORMATION
    ) {
        numbers.set(Number::InformationClass, u64::from(call.operation.sub));
    }
    let Some(layout) = layout::find(call.operation) else { return };
    let Some(limit) = call.limit(layout.presence) else { return };
    for field in layout.fields {
        if usize::from(field.at.bytes) < limit {
            field.note(call, numbers);
        }
    }
}

/// The path to which a file is renamed or linked.
pub(super) fn target_path<'a>(call: &FileDetails<'a>) -> Option<WinStr<'a>> {
    if call.operation.is_rename() {
        let target = custom::rename_target(call);
        Some(if target.is_empty() { custom::raw_target(call) } else { target })
    } else {
        call.operation.is_link().then(|| custom::raw_target(call))
    }
}

/// The new path of a renamed file, which the capture resolved, and where that path lies in the details: its length
/// word, its beginning, its bytes. `None` where nothing is renamed.
pub(super) fn rename_target_place<'a>(call: &FileDetails<'a>) -> (WinStr<'a>, Option<(usize, usize, usize)>) {
    if !call.operation.is_rename() {
        return (WinStr::EMPTY, None);
    }
    let place = custom::rename_target_place(call);
    let is_inside = place.1 <= call.details.len();
    (custom::rename_target(call), is_inside.then_some(place))
}

/// The code of a control operation.
pub(super) fn control_code(call: &FileDetails<'_>) -> Option<u32> {
    call.param(0, 2)
}

/// Category of `CreateFile`, from its result, or from the disposition where there is no result.
pub(super) fn create_category(call: &FileDetails<'_>) -> Category {
    let writes = match call.extra {
        Some(extra) => matches!(extra.u32_at(0), Some(0 | 2 | 3)),
        None => matches!(call.param(0, 1).map(|options| options >> 24), Some(0 | 2..=5)),
    };
    if writes { Category::Write } else { Category::Empty }
}

/// Category of a disposition, from the bits of the first byte of the buffer that request deletion.
pub(super) fn delete_category(call: &FileDetails<'_>, mask: u8) -> Category {
    match call.trailer().first() {
        Some(byte) if byte & mask != 0 => Category::Write,
        _ => Category::Empty,
    }
}
