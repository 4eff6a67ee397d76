//! File system noise.

use super::Scene;
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

/// Looks for a library in one folder after the other until it is found, or is not.
pub(super) fn probe(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let name = *scene.random.pick(LIBRARIES);
    let mut calls = Vec::with_capacity(8);
    let folders =
        [r"C:\Windows\System32\wbem", r"C:\Program Files\Common Files", WINDOWS, r"C:\Windows\servicing"];
    for folder in folders.iter().take(scene.random.between(1, 5) as usize) {
        let path = format!(r"{folder}\{name}");
        if scene.random.chance(80) {
            calls.push(file::open(pointer, &path, &ATTRIBUTES).ending(PATH_NOT_FOUND));
        } else if scene.random.chance(500) {
            let time = scene.earlier();
            calls.push(file::query_open(pointer, &path, time, 0).ending(NAME_NOT_FOUND));
        } else {
            calls.push(file::probe(pointer, &path, &ATTRIBUTES));
        }
    }
    if scene.random.chance(600) {
        calls.extend(map_image(scene, &format!(r"{SYSTEM32}\{name}")));
    }
    calls
}

/// What the loader does with a library before it maps it.
pub(super) fn map_image(scene: &mut Scene<'_>, path: &str) -> Vec<Call> {
    let (pointer, time) = (scene.pointer, scene.earlier());
    let size = scene.random.between(20_000, 2_000_000);
    vec![
        file::query_open(pointer, path, time, size),
        file::open(pointer, path, &EXECUTE),
        file::map(pointer, path, EXECUTE_PAGES).ending(FILE_LOCKED_WITH_ONLY_READERS),
        file::map(pointer, path, 0),
        file::close(pointer, path),
    ]
}

/// Opens a file and reads it to its end.
pub(super) fn read(scene: &mut Scene<'_>) -> Vec<Call> {
    let path = scene.paths.system_file(scene.random);
    read_path(scene, &path)
}

pub(super) fn read_path(scene: &mut Scene<'_>, path: &str) -> Vec<Call> {
    let (pointer, time) = (scene.pointer, scene.earlier());
    let blocks = scene.random.between(1, 6);
    let size = blocks * 4096 - scene.random.below(4000);
    let mut calls = vec![file::open(pointer, path, &Create::READ)];
    if scene.random.chance(300) {
        calls.push(file::query_basic(pointer, path, time));
    }
    calls.push(file::query_standard(pointer, path, size));
    for block in 0..blocks {
        let length = (size - block * 4096).min(4096) as u32;
        if scene.random.chance(60) {
            // Fast I/O is refused, and the same comes again as an IRP.
            calls.push(
                file::read(pointer, path, block * 4096, length, READ_CACHED).ending(FAST_IO_DISALLOWED),
            );
        }
        calls.push(file::read(pointer, path, block * 4096, length, READ_CACHED));
    }
    if scene.random.chance(700) {
        calls.push(file::read_at_end(pointer, path, size));
    }
    calls.push(file::close(pointer, path));
    calls
}

/// Appends to a log of a service.
pub(super) fn write(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let names =
        ["System.evtx", "Setup.evtx", "Application.evtx", "Microsoft-Windows-Servicing%4Operational.evtx"];
    let path = format!(r"{SYSTEM32}\winevt\Logs\{}", scene.random.pick(&names));
    let at = scene.random.below(64) * 0x1_0000;
    let mut calls = vec![file::write(pointer, &path, at, 0x1_0000, 0)];
    if scene.random.chance(300) {
        calls.push(file::write(pointer, &path, at, 0x1_0000, file::PAGING));
    }
    calls.push(file::write(pointer, &path, 0, 0x80, 0));
    if scene.random.chance(100) {
        calls.push(file::flush(pointer, &path));
    }
    calls
}

/// Asks about a file without reading it.
pub(super) fn information(scene: &mut Scene<'_>) -> Vec<Call> {
    let (pointer, time) = (scene.pointer, scene.earlier());
    let path = scene.paths.system_file(scene.random);
    let size = scene.random.between(1_000, 3_000_000);
    match scene.random.below(6) {
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

/// Lists a directory in one or two calls, and a last one that finds no more.
pub(super) fn list(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let payload = scene.paths.payload(scene.random);
    let path = match scene.random.below(4) {
        0 => SYSTEM32.to_owned(),
        1 => r"C:\Windows\servicing\Packages".to_owned(),
        2 => r"C:\Windows\System32\drivers".to_owned(),
        _ => format!(r"C:\Windows\WinSxS\{}", payload.component),
    };
    let mut calls = vec![file::open(pointer, &path, &DIRECTORY)];
    if scene.random.chance(150) {
        calls.push(file::query_directory(pointer, &path, "*.Config", &[]).ending(NO_SUCH_FILE));
    } else {
        let older = scene.paths.payload(scene.random).file;
        let names = [".", "..", payload.file.as_str(), older.as_str()];
        let count = scene.random.between(1, 5) as usize;
        calls.push(file::query_directory(pointer, &path, "*", &names[..count]));
        calls.push(file::query_directory(pointer, &path, "", &[]).ending(NO_MORE_FILES));
    }
    calls.push(file::close(pointer, &path));
    calls
}

/// Files of users, with Chinese names among them.
pub(super) fn user_file(scene: &mut Scene<'_>) -> Vec<Call> {
    let path = scene.paths.user_file(scene.random);
    if scene.random.chance(300) {
        let time = scene.earlier();
        return vec![file::query_open(scene.pointer, &path, time, 81_920)];
    }
    if scene.random.chance(60) {
        return vec![file::open(scene.pointer, &path, &Create::READ).ending(SHARING_VIOLATION)];
    }
    read_path(scene, &path)
}

/// A virus scanner: it opens what others have opened, shares everything, and reads all of it.
pub(super) fn scan(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let path = match scene.random.below(8) {
        0..=3 => scene.paths.payload(scene.random).path(),
        4 => scene.paths.user_file(scene.random),
        5 => scene.paths.catalog(scene.random),
        _ => scene.paths.system_file(scene.random),
    };
    let size = scene.random.between(1, 9) * 0x1_0000;
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

/// Asks for a volume; the first opening runs into a mount point.
pub(super) fn volume(scene: &mut Scene<'_>) -> Vec<Call> {
    let (pointer, time) = (scene.pointer, scene.earlier());
    let mut calls = Vec::with_capacity(5);
    if scene.random.chance(200) {
        calls.push(file::open(pointer, r"C:\Documents and Settings", &ATTRIBUTES).ending(REPARSE));
    }
    calls.push(file::open(pointer, r"C:\", &ATTRIBUTES));
    calls.push(file::query_volume(pointer, r"C:\", time));
    calls.push(file::query_volume_attributes(pointer, r"C:\"));
    calls.push(file::close(pointer, r"C:\"));
    calls
}
