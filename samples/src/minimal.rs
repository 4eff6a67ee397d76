//! A minimal log with entries in every table, for tests that damage it.

use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess, details};
use pml_parser::{FileTime, NtStatus, Operation, Ticks};
use std::io::{self, Cursor};

/// A log of nine events, a few kilobytes long, with entries in every table.
///
/// # Errors
/// Never, because the log is written to memory.
pub fn log(is_64_bit: bool) -> io::Result<Vec<u8>> {
    let machine = Machine { is_64_bit, ..Machine::windows_10("DAMAGED") };
    let pointer = machine.pointer();
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine)?;
    let module = |base, path| NewModule { base, size: 0x1000, path, ..NewModule::default() };
    log.add_process(&NewProcess {
        index: 1,
        pid: 4,
        name: "System",
        modules: vec![module(0x8000_0000, r"C:\Windows\system32\ntoskrnl.exe")],
        ..NewProcess::default()
    });
    log.add_process(&NewProcess {
        index: 2,
        pid: 1000,
        name: "TiWorker.exe",
        modules: vec![module(0x40_0000, r"C:\a.dll"), module(0x40_0800, r"C:\b.dll")],
        ..NewProcess::default()
    });
    log.add_host([10; 16], "host");
    log.add_port(true, 443, "https");
    let path = r"C:\Windows\WinSxS\x.dll";
    let entries = details::directory_entries(&["a", "b"]);
    let extra = details::open_result(pointer, 1);
    let value = details::partial_value(7, b"a\0b\0\0\0c\0\0\0\0\0");
    let mut network = vec![7, 0, 0, 0, 9, 0, 0, 0];
    network.extend([10; 32]);
    network.extend([0xBB, 1, 0x50, 0, b'k', 0, 0, 0, b'v', 0, 0, 0, 0, 0]);
    // Operation, details, extra blob.
    type Case<'a> = (Operation, Vec<u8>, Option<&'a [u8]>);
    let cases: Vec<Case<'_>> = vec![
        (Operation::CREATE_FILE, details::create_file(pointer, path, &details::Create::READ), Some(&extra)),
        (Operation::READ_FILE, details::transfer(pointer, path, 4096, 512, 0x6_0900), None),
        (Operation::SET_RENAME_INFORMATION_FILE, details::rename(pointer, path, r"C:\y", true), None),
        (Operation::QUERY_DIRECTORY, details::query_directory(pointer, path, "*"), Some(&entries)),
        (Operation::FILE_SYSTEM_CONTROL, details::control(pointer, path, 0x9_0240), None),
        (Operation::REG_QUERY_VALUE, details::query(r"HKLM\K\v", 144, 2), Some(&value)),
        (Operation::REG_SET_VALUE, details::set_value(r"HKLM\K\v", 1, b"d\0\0\0"), None),
        (Operation::PROCESS_START, details::process_start(4, "a b", r"C:\", &["X=1"]), None),
        (Operation::TCP_SEND, network, None),
    ];
    for (i, (operation, details, extra)) in cases.into_iter().enumerate() {
        log.add_event(&NewEvent {
            process_index: 2,
            tid: 8,
            class: operation.class,
            operation: operation.code,
            time: FileTime(133_485_408_450_000_000 + i as u64),
            duration: Ticks(3),
            status: NtStatus(0),
            stack: &[0x8000_0010, 0x40_0900, 0x1234],
            details: &details,
            extra,
        })?;
    }
    Ok(log.finish()?.into_inner())
}
