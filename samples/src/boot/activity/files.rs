//! Background activity in the file system.

use super::context::ActivityContext;
use crate::boot::call::Call;
use crate::boot::call::status::{
    ACCESS_DENIED, FAST_IO_DISALLOWED, FILE_LOCKED_WITH_ONLY_READERS, NAME_NOT_FOUND, NO_MORE_FILES,
    NO_SUCH_FILE, NOT_REPARSE_POINT, PATH_NOT_FOUND, REPARSE, SHARING_VIOLATION,
};
use crate::boot::file_call::{self as file, ATTRIBUTES, DIRECTORY, EXECUTE};
use crate::boot::images::LIBRARIES;
use crate::boot::paths::{SYSTEM32, WINDOWS};
use pml_parser::write::details::Create;

const READ_ONLY: u32 = 0x02;
const EXECUTE_PAGES: u32 = 0x10;
const GET_REPARSE_POINT: u32 = 0x9_00A8;
const QUERY_USN: u32 = 0x9_00EB;
const READ_CACHED: u32 = 0;

/// Looks for a library in one folder after the other.
pub(super) fn probe(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let name = *context.random.pick(LIBRARIES);
    let mut calls = Vec::with_capacity(8);
    let folders =
        [r"C:\Windows\System32\wbem", r"C:\Program Files\Common Files", WINDOWS, r"C:\Windows\servicing"];
    for folder in folders.iter().take(context.random.between(1, 5) as usize) {
        let path = format!(r"{folder}\{name}");
        if context.random.chance(80) {
            calls.push(file::open(pointer, &path, &ATTRIBUTES).ending(PATH_NOT_FOUND));
        } else if context.random.chance(500) {
            let time = context.earlier();
            calls.push(file::query_open(pointer, &path, time, 0).ending(NAME_NOT_FOUND));
        } else {
            calls.push(file::probe(pointer, &path, &ATTRIBUTES));
        }
    }
    if context.random.chance(600) {
        calls.extend(map_image(context, &format!(r"{SYSTEM32}\{name}")));
    }
    calls
}

/// The operations of the loader before it maps a library.
pub(super) fn map_image(context: &mut ActivityContext<'_>, path: &str) -> Vec<Call> {
    let (pointer, time) = (context.pointer, context.earlier());
    let size = context.size(20_000, 2_000_000);
    vec![
        file::query_open(pointer, path, time, size),
        file::open(pointer, path, &EXECUTE),
        file::map(pointer, path, EXECUTE_PAGES).ending(FILE_LOCKED_WITH_ONLY_READERS),
        file::map(pointer, path, 0),
        file::close(pointer, path),
    ]
}

/// Opens a file and reads it to its end.
pub(super) fn read(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let path = context.paths.system_file(context.random);
    read_path(context, &path)
}

pub(super) fn read_path(context: &mut ActivityContext<'_>, path: &str) -> Vec<Call> {
    let (pointer, time) = (context.pointer, context.earlier());
    let blocks = context.random.between(1, 6);
    let size = blocks * 4096 - context.size(0, 4000);
    let mut calls = vec![file::open(pointer, path, &Create::READ)];
    if context.random.chance(300) {
        calls.push(file::query_basic(pointer, path, time));
    }
    calls.push(file::query_standard(pointer, path, size));
    for block in 0..blocks {
        let length = (size - block * 4096).min(4096) as u32;
        if context.random.chance(60) {
            // Fast I/O is refused, and the same read follows as an IRP.
            calls.push(
                file::read(pointer, path, block * 4096, length, READ_CACHED).ending(FAST_IO_DISALLOWED),
            );
        }
        calls.push(file::read(pointer, path, block * 4096, length, READ_CACHED));
    }
    if context.random.chance(700) {
        calls.push(file::read_at_end(pointer, path, size));
    }
    calls.push(file::close(pointer, path));
    calls
}

/// Appends to a log of a service.
pub(super) fn write(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let names =
        ["System.evtx", "Setup.evtx", "Application.evtx", "Microsoft-Windows-Servicing%4Operational.evtx"];
    let path = format!(r"{SYSTEM32}\winevt\Logs\{}", context.random.pick(&names));
    let at = context.size(0, 64) * 0x1_0000;
    let mut calls = vec![file::write(pointer, &path, at, 0x1_0000, 0)];
    if context.random.chance(300) {
        calls.push(file::write(pointer, &path, at, 0x1_0000, file::PAGING));
    }
    calls.push(file::write(pointer, &path, 0, 0x80, 0));
    if context.random.chance(100) {
        calls.push(file::flush(pointer, &path));
    }
    calls
}

/// Asks about a file without reading it.
pub(super) fn information(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let (pointer, time) = (context.pointer, context.earlier());
    let path = context.paths.system_file(context.random);
    let size = context.size(1_000, 3_000_000);
    match context.random.below(6) {
        0 | 1 => vec![file::query_open(pointer, &path, time, size)],
        2 => vec![
            file::open(pointer, &path, &ATTRIBUTES),
            file::query_network_open(pointer, &path, time, size),
            file::close(pointer, &path),
        ],
        3 => vec![
            file::open(pointer, &path, &ATTRIBUTES),
            file::query_attribute_tag(pointer, &path),
            file::control(pointer, &path, GET_REPARSE_POINT).ending(NOT_REPARSE_POINT),
            file::close(pointer, &path),
        ],
        4 => vec![
            file::open(pointer, &path, &Create::WRITE).ending(ACCESS_DENIED),
            file::open(pointer, &path, &Create::READ),
            file::query_security(pointer, &path),
            file::close(pointer, &path),
        ],
        _ => vec![file::probe(pointer, &(path + ".Local"), &ATTRIBUTES)],
    }
}

/// Lists a directory.
pub(super) fn list(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let payload = context.paths.payload(context.random);
    let path = match context.random.below(4) {
        0 => SYSTEM32.to_owned(),
        1 => r"C:\Windows\servicing\Packages".to_owned(),
        2 => r"C:\Windows\System32\drivers".to_owned(),
        _ => format!(r"C:\Windows\WinSxS\{}", payload.component),
    };
    let mut calls = vec![file::open(pointer, &path, &DIRECTORY)];
    if context.random.chance(150) {
        calls.push(file::query_directory(pointer, &path, "*.Config", &[]).ending(NO_SUCH_FILE));
    } else {
        let older = context.paths.payload(context.random).file;
        let names = [".", "..", payload.file.as_str(), older.as_str()];
        let count = context.random.between(1, 5) as usize;
        calls.push(file::query_directory(pointer, &path, "*", &names[..count]));
        calls.push(file::query_directory(pointer, &path, "", &[]).ending(NO_MORE_FILES));
    }
    calls.push(file::close(pointer, &path));
    calls
}

/// Opens or reads a file of a user. Some names are Chinese.
pub(super) fn user_file(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let path = context.paths.user_file(context.random);
    if context.random.chance(300) {
        let time = context.earlier();
        return vec![file::query_open(context.pointer, &path, time, 81_920)];
    }
    if context.random.chance(60) {
        return vec![file::open(context.pointer, &path, &Create::READ).ending(SHARING_VIOLATION)];
    }
    read_path(context, &path)
}

/// Scans a file for viruses: opens it with full sharing and reads all of it.
pub(super) fn scan(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let path = match context.random.below(8) {
        0..=3 => context.paths.payload(context.random).path(),
        4 => context.paths.user_file(context.random),
        5 => context.paths.catalog(context.random),
        _ => context.paths.system_file(context.random),
    };
    let size = context.random.between(1, 9) * 0x1_0000;
    let how = Create { desired_access: 0x12_0089, share_mode: 7, options: 0x20_4060, ..Create::READ };
    let mut calls = vec![
        file::open(pointer, &path, &how),
        file::control(pointer, &path, QUERY_USN),
        file::query_standard(pointer, &path, size),
        file::map(pointer, &path, READ_ONLY).ending(FILE_LOCKED_WITH_ONLY_READERS),
    ];
    for at in (0..size).step_by(0x1_0000) {
        calls.push(file::read(
            pointer,
            &path,
            at,
            0x1_0000,
            if at == 0 { READ_CACHED } else { file::PAGING },
        ));
    }
    calls.push(file::close(pointer, &path));
    calls
}

/// Asks for volume information. At times, an open meets a mount point first.
pub(super) fn volume(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let (pointer, time) = (context.pointer, context.earlier());
    let mut calls = Vec::with_capacity(5);
    if context.random.chance(200) {
        calls.push(file::open(pointer, r"C:\Documents and Settings", &ATTRIBUTES).ending(REPARSE));
    }
    calls.push(file::open(pointer, r"C:\", &ATTRIBUTES));
    calls.push(file::query_volume(pointer, r"C:\", time));
    calls.push(file::query_volume_attributes(pointer, r"C:\"));
    calls.push(file::close(pointer, r"C:\"));
    calls
}
