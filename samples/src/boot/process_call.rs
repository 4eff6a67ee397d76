//! Process, thread and image operations.

use super::call::Call;
use pml_parser::EventClass;
use pml_parser::write::details;

fn process(code: u16, details: Vec<u8>) -> Call {
    Call::new(EventClass::Process, code, details)
}

/// `Process Create`, an event of the parent.
pub(crate) fn create(created: &details::ProcessCreate<'_>) -> Call {
    process(1, created.build())
}

/// `Process Exit`. Times are in ticks, memory is in bytes.
pub(crate) fn exit(status: u32, kernel_time: u64, user_time: u64, memory: u64) -> Call {
    process(2, details::process_exit(status as i32, kernel_time, user_time, memory))
}

/// `Thread Create`.
pub(crate) fn create_thread(tid: u32) -> Call {
    process(3, details::thread_create(tid))
}

/// `Thread Exit`. Times are in ticks.
pub(crate) fn exit_thread(kernel_time: u64, user_time: u64) -> Call {
    process(4, details::thread_exit(kernel_time, user_time))
}

/// `Load Image`.
pub(crate) fn load_image(pointer: usize, path: &str, base: u64, size: u32) -> Call {
    process(5, details::load_image(pointer, path, base, size))
}

/// `Process Start`, with an environment such as services have.
pub(crate) fn start(parent_pid: u32, command_line: &str) -> Call {
    let environment = [
        r"ComSpec=C:\Windows\system32\cmd.exe",
        "NUMBER_OF_PROCESSORS=4",
        "OS=Windows_NT",
        r"Path=C:\Windows\system32;C:\Windows;C:\Windows\System32\Wbem",
        r"SystemRoot=C:\Windows",
        r"TEMP=C:\Windows\TEMP",
    ];
    process(7, details::process_start(parent_pid, command_line, r"C:\Windows\system32\", &environment))
}
