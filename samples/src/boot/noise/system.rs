//! Noise of the kernel and of waiting threads.

use super::Scene;
use crate::boot::call::Call;
use crate::boot::call::status::INVALID_DEVICE_REQUEST;
use crate::boot::file_call as file;
use crate::boot::lane::Step;
use crate::boot::paths::SYSTEM32;
use pml_parser::write::details;
use pml_parser::{EventClass, NtStatus, Ticks};

const PIPE_LISTEN: u32 = 0x11_0008;
const PIPE_TRANSCEIVE: u32 = 0x11_C017;
const STORAGE_QUERY: u32 = 0x2D_1400;

/// A thread is created, looks around, and ends.
pub(super) fn threads(scene: &mut Scene<'_>) -> Vec<Step> {
    let tid = scene.take_id();
    let create = Call::new(EventClass::Process, 3, details::thread_create(tid));
    let time = scene.random.below(20) * 156_250;
    let exit = Call::new(EventClass::Process, 4, details::thread_exit(time, time / 2));
    let mut steps = vec![Step::Call(create), Step::Become(tid)];
    steps.extend(super::registry::read(scene).into_iter().map(Step::Call));
    steps.push(Step::Call(exit));
    steps
}

/// Pipes and change notifications: much of it is still pending when the capture ends.
pub(super) fn pipe(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let names = ["lsass", "ntsvcs", "scerpc", "epmapper", "wkssvc", "eventlog", "InitShutdown"];
    let pipe = format!(r"\Device\NamedPipe\{}", scene.random.pick(&names));
    match scene.random.below(4) {
        0 => vec![file::control(pointer, &pipe, PIPE_LISTEN).ending(NtStatus::PENDING)],
        1 => vec![file::watch_directory(pointer, &format!(r"{SYSTEM32}\Tasks"))],
        2 => vec![
            file::control(pointer, &pipe, PIPE_TRANSCEIVE),
            file::write(pointer, &pipe, 0, 116, 0),
            file::read(pointer, &pipe, 0, 1024, 0).ending(NtStatus::PENDING),
        ],
        _ => vec![file::device_control(pointer, r"C:", STORAGE_QUERY).ending(INVALID_DEVICE_REQUEST)],
    }
}

/// Pages of images and of the page file.
pub(super) fn paging(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let is_page_file = scene.random.chance(250);
    let path =
        if is_page_file { r"C:\pagefile.sys".to_owned() } else { scene.paths.system_file(scene.random) };
    let at = scene.random.below(4_000) * 0x1000;
    (0..scene.random.between(1, 6))
        .map(|page| {
            let length = 0x1000 << scene.random.below(4);
            let call = file::read(pointer, &path, at + page * 0x8000, length, file::PAGING);
            // From the disk, not from memory.
            call.lasting(Ticks(scene.random.between(700, 60_000)))
        })
        .collect()
}

/// The lazy writer brings a hive and its two logs to the disk.
pub(super) fn flush_hive(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let hives = ["SOFTWARE", "SYSTEM", "COMPONENTS", "DRIVERS", "SECURITY", "DEFAULT"];
    let hive = format!(r"{SYSTEM32}\config\{}", scene.random.pick(&hives));
    let log = format!("{hive}.LOG{}", scene.random.between(1, 3));
    let end = scene.random.between(16, 8_000) * 0x1000;
    let mut calls = vec![file::set_end_of_file(pointer, &log, end)];
    for _ in 0..scene.random.between(1, 7) {
        let at = scene.random.below(end / 0x1000) * 0x1000;
        calls.push(file::write(pointer, &log, at, 0x1000, file::PAGING));
    }
    calls.push(file::write(pointer, &hive, scene.random.below(end / 0x1000) * 0x1000, 0x4000, file::PAGING));
    calls.push(file::flush(pointer, &hive));
    calls
}

/// Logs of the transactional registry and of the transactional file system.
pub(super) fn transaction_log(scene: &mut Scene<'_>) -> Vec<Call> {
    let pointer = scene.pointer;
    let path = match scene.random.below(3) {
        0 => r"C:\$Extend\$RmMetadata\$TxfLog\$TxfLog.blf".to_owned(),
        1 => r"C:\$Extend\$RmMetadata\$TxfLog\$TxfLogContainer00000000000000000002".to_owned(),
        _ => format!(
            r"{SYSTEM32}\config\TxR\{{53b39e88-18c4-11ea-a811-000d3aa4692b}}.TxR.{}.regtrans-ms",
            scene.random.below(3)
        ),
    };
    let at = scene.random.below(500) * 0x1000;
    vec![
        file::read(pointer, &path, at, 0x1000, file::PAGING),
        file::write(pointer, &path, at, 0x1000, file::PAGING),
        file::flush(pointer, &path),
    ]
}
