//! Background activity of the kernel and of waiting threads.

use super::context::ActivityContext;
use super::registry;
use crate::boot::call::Call;
use crate::boot::call::status::INVALID_DEVICE_REQUEST;
use crate::boot::file_call as file;
use crate::boot::paths::SYSTEM32;
use crate::boot::process_call as process;
use crate::boot::thread_queue::Task;
use pml_parser::{NtStatus, Ticks};

const PIPE_LISTEN: u32 = 0x11_0008;
const PIPE_TRANSCEIVE: u32 = 0x11_C017;
const STORAGE_QUERY: u32 = 0x2D_1400;

/// Creates a thread that reads the registry and ends.
pub(super) fn threads(context: &mut ActivityContext<'_>) -> Vec<Task> {
    let tid = context.take_id();
    let create = process::create_thread(tid);
    let time = context.random.below(20) * 156_250;
    let exit = process::exit_thread(time, time / 2);
    let mut tasks = vec![Task::Call(create), Task::SwitchThread(tid)];
    tasks.extend(registry::read(context).into_iter().map(Task::Call));
    tasks.push(Task::Call(exit));
    tasks
}

/// Waits at a pipe or for a change of a directory. Many of these operations are still pending when
/// the capture ends.
pub(super) fn pipe(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let names = ["lsass", "ntsvcs", "scerpc", "epmapper", "wkssvc", "eventlog", "InitShutdown"];
    let pipe = format!(r"\Device\NamedPipe\{}", context.random.pick(&names));
    match context.random.below(4) {
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

/// Reads pages of images or of the page file.
pub(super) fn paging(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let is_page_file = context.random.chance(250);
    let path =
        if is_page_file { r"C:\pagefile.sys".to_owned() } else { context.paths.system_file(context.random) };
    let at = context.size(0, 4_000) * 0x1000;
    (0..context.random.between(1, 6))
        .map(|page| {
            let length = 0x1000 << context.random.below(4);
            let call = file::read(pointer, &path, at + page * 0x8000, length, file::PAGING);
            // The disk is slower than memory.
            call.lasting(Ticks(context.random.between(700, 60_000)))
        })
        .collect()
}

/// Writes a hive and one of its logs to the disk, as the lazy writer does.
pub(super) fn flush_hive(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let hives = ["SOFTWARE", "SYSTEM", "COMPONENTS", "DRIVERS", "SECURITY", "DEFAULT"];
    let hive = format!(r"{SYSTEM32}\config\{}", context.random.pick(&hives));
    let log = format!("{hive}.LOG{}", context.random.between(1, 3));
    let end = context.size(16, 8_000) * 0x1000;
    let mut calls = vec![file::set_end_of_file(pointer, &log, end)];
    for _ in 0..context.random.between(1, 7) {
        let at = context.size(0, end / 0x1000) * 0x1000;
        calls.push(file::write(pointer, &log, at, 0x1000, file::PAGING));
    }
    calls.push(file::write(pointer, &hive, context.size(0, end / 0x1000) * 0x1000, 0x4000, file::PAGING));
    calls.push(file::flush(pointer, &hive));
    calls
}

/// Reads and writes a log of the transactional registry or of the transactional file system.
pub(super) fn transaction_log(context: &mut ActivityContext<'_>) -> Vec<Call> {
    let pointer = context.pointer;
    let path = match context.random.below(3) {
        0 => r"C:\$Extend\$RmMetadata\$TxfLog\$TxfLog.blf".to_owned(),
        1 => r"C:\$Extend\$RmMetadata\$TxfLog\$TxfLogContainer00000000000000000002".to_owned(),
        _ => format!(
            r"{SYSTEM32}\config\TxR\{{53b39e88-18c4-11ea-a811-000d3aa4692b}}.TxR.{}.regtrans-ms",
            context.random.below(3)
        ),
    };
    let at = context.size(0, 500) * 0x1000;
    vec![
        file::read(pointer, &path, at, 0x1000, file::PAGING),
        file::write(pointer, &path, at, 0x1000, file::PAGING),
        file::flush(pointer, &path),
    ]
}
