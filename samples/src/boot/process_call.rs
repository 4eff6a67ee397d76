//! Process, thread and image operations.

use super::call::Call;
use pml_parser::Operation;
use pml_parser::write::details;

/// `Process Create`, an event of the parent.
pub(crate) fn create(created: &details::ProcessCreate<'_>) -> Call {
    Call::new(Operation::PROCESS_CREATE, created.build())
}

/// `Process Exit`. Times are in ticks, memory is in bytes.
pub(crate) fn exit(status: u32, kernel_time: u64, user_time: u64, memory: u64) -> Call {
    Call::new(Operation::PROCESS_EXIT, details::process_exit(status as i32, kernel_time, user_time, memory))
}

/// `Thread Create`.
pub(crate) fn create_thread(tid: u32) -> Call {
    Call::new(Operation::THREAD_CREATE, details::thread_create(tid))
}

/// `Thread Exit`. Times are in ticks.
pub(crate) fn exit_thread(kernel_time: u64, user_time: u64) -> Call {
    Call::new(Operation::THREAD_EXIT, details::thread_exit(kernel_time, user_time))
}

/// `Load Image`.
pub(crate) fn load_image(pointer: usize, path: &str, base: u64, size: u32) -> Call {
    Call::new(Operation::LOAD_IMAGE, details::load_image(pointer, path, base, size))
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
    Call::new(
        Operation::PROCESS_START,
        details::process_start(parent_pid, command_line, r"C:\Windows\system32\", &environment),
    )
}
