//! Builds details and extra blobs of the operations that are common in boot logs (docs/format.md has their
//! layouts).
//!
//! `pointer` is the size of a pointer in bytes, [`Machine::pointer`](super::Machine::pointer). The number
//! after the name of an operation is its number in the file. Paths are those that Process Monitor shows.
//! ASCII paths of files, keys and images are packed to one byte per character.

use crate::time::FileTime;

/// The length word of a string, and its bytes. With `pack`, an ASCII string is packed to one byte per
/// character. The length has 15 bits, so a longer string is cut.
fn string(text: &str, pack: bool) -> ([u8; 2], Vec<u8>) {
    const LONGEST: usize = 0x7FFF;
    if pack && text.is_ascii() {
        let bytes = &text.as_bytes()[..text.len().min(LONGEST)];
        let info = if bytes.is_empty() { 0 } else { 0x8000 | bytes.len() as u16 };
        (info.to_le_bytes(), bytes.to_vec())
    } else {
        let bytes: Vec<u8> = text.encode_utf16().take(LONGEST).flat_map(u16::to_le_bytes).collect();
        ((bytes.len() as u16 / 2).to_le_bytes(), bytes)
    }
}

/// Builds the details of a file system operation: sub-operation, flags, parameters, path, trailer.
#[derive(Clone, Debug)]
pub struct FileDetailsBuilder {
    pointer: usize,
    bytes: Vec<u8>,
}

impl FileDetailsBuilder {
    /// Begins the details of an operation on `path`, with sub-operation `sub` and as an IRP. All parameters
    /// are zero.
    pub fn new(pointer: usize, sub: u8, path: &str) -> Self {
        let (info, path) = string(path, true);
        let mut bytes = vec![0; 24 + 5 * pointer];
        bytes[0] = sub;
        // An IRP, not fast I/O.
        bytes[12] = 1;
        bytes.extend_from_slice(&info);
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&path);
        Self { pointer, bytes }
    }

    /// Sets the IRP flags and the stack location flags.
    #[must_use]
    pub fn flags(self, flags: u32) -> Self {
        self.put(8, &flags.to_le_bytes())
    }

    /// Puts a value into the parameters, at an offset of `bytes` bytes and `pointers` pointers. A value that
    /// exceeds the blob is ignored.
    #[must_use]
    pub fn param(self, bytes: usize, pointers: usize, value: &[u8]) -> Self {
        let at = 16 + bytes + pointers * self.pointer;
        self.put(at, value)
    }

    fn put(mut self, at: usize, value: &[u8]) -> Self {
        if let Some(slot) = self.bytes.get_mut(at..at + value.len()) {
            slot.copy_from_slice(value);
        }
        self
    }

    /// Appends bytes to the trailer, the part after the path.
    #[must_use]
    pub fn trailer(mut self, value: &[u8]) -> Self {
        self.bytes.extend_from_slice(value);
        self
    }

    /// Appends a string with its length word to the trailer. With `pack`, ASCII takes one byte per character.
    #[must_use]
    pub fn trailer_string(self, text: &str, pack: bool) -> Self {
        let (info, bytes) = string(text, pack);
        self.trailer(&info).trailer(&bytes)
    }

    /// Returns the finished blob.
    pub fn build(self) -> Vec<u8> {
        self.bytes
    }
}

/// The parameters of `CreateFile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Create {
    /// Requested rights, as an access mask.
    pub desired_access: u32,
    /// 0 Supersede, 1 Open, 2 Create, 3 OpenIf, 4 Overwrite, 5 OverwriteIf.
    pub disposition: u8,
    /// Create options, 24 bits.
    pub options: u32,
    /// File attributes, as a mask.
    pub attributes: u16,
    /// Share mode: 1 read, 2 write, 4 delete, or a sum of these.
    pub share_mode: u16,
}

impl Create {
    /// Opens an existing file for reading.
    pub const READ: Self =
        Self { desired_access: 0x12_0089, disposition: 1, options: 0x60, attributes: 0, share_mode: 7 };

    /// Opens a file for writing, or creates it.
    pub const WRITE: Self =
        Self { desired_access: 0x12_0116, disposition: 3, options: 0x60, attributes: 0x80, share_mode: 0 };
}

/// `CreateFile` (20).
pub fn create_file(pointer: usize, path: &str, create: &Create) -> Vec<u8> {
    let options = u32::from(create.disposition) << 24 | create.options & 0xFF_FFFF;
    FileDetailsBuilder::new(pointer, 0, path)
        .flags(0x884)
        .param(0, 1, &options.to_le_bytes())
        .param(0, 2, &create.attributes.to_le_bytes())
        .param(2, 2, &create.share_mode.to_le_bytes())
        .trailer(&create.desired_access.to_le_bytes())
        .trailer(&[0; 4])
        .build()
}

/// Extra blob of a successful `CreateFile`. `result` is 0 Superseded, 1 Opened, 2 Created, 3 Overwritten.
pub fn open_result(pointer: usize, result: u32) -> Vec<u8> {
    let mut extra = vec![0; pointer];
    extra[..4].copy_from_slice(&result.to_le_bytes());
    extra
}

/// `CloseFile` (38), and other operations that have only a path.
pub fn close_file(pointer: usize, path: &str) -> Vec<u8> {
    FileDetailsBuilder::new(pointer, 0, path).build()
}

/// `ReadFile` (23) and `WriteFile` (24), with offset and length in bytes.
pub fn transfer(pointer: usize, path: &str, offset: i64, length: u32, flags: u32) -> Vec<u8> {
    FileDetailsBuilder::new(pointer, 0, path)
        .flags(flags)
        .param(0, 0, &length.to_le_bytes())
        .param(0, 2, &offset.to_le_bytes())
        .build()
}

/// A query of file or volume information (25, 30). `length` is the size of the caller's buffer in bytes.
pub fn query_information(pointer: usize, path: &str, class: u8, length: u32) -> Vec<u8> {
    FileDetailsBuilder::new(pointer, class, path)
        .param(0, 0, &length.to_le_bytes())
        .param(0, 1, &u32::from(class).to_le_bytes())
        .build()
}

/// A change of file information (26), with the caller's buffer.
pub fn set_information(pointer: usize, path: &str, class: u8, buffer: &[u8]) -> Vec<u8> {
    FileDetailsBuilder::new(pointer, class, path)
        .param(0, 0, &(buffer.len() as u32).to_le_bytes())
        .param(0, 1, &u32::from(class).to_le_bytes())
        .trailer(buffer)
        .build()
}

/// The buffer of a rename or a link: replace flag, root handle, byte count, name.
fn name_buffer(pointer: usize, replace: bool, name: &str) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut buffer = vec![0; 2 * pointer];
    buffer[0] = u8::from(replace);
    buffer.extend_from_slice(&(name.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&name);
    buffer
}

/// `SetRenameInformationFile` (26/0x0A). `target` is the path that Process Monitor shows. The path that the
/// caller passed is `target` with the prefix `\??\`, unless it is a device path.
pub fn rename(pointer: usize, path: &str, target: &str, replace: bool) -> Vec<u8> {
    let buffer = name_buffer(pointer, replace, &passed(target));
    let mut details = set_information(pointer, path, 0x0A, &buffer);
    let (info, bytes) = string(target, true);
    details.extend_from_slice(&info);
    details.extend_from_slice(&bytes);
    details
}

/// A path as a caller passes it to the kernel: a device path is one already.
fn passed(target: &str) -> String {
    if target.starts_with(r"\Device\") { target.to_owned() } else { format!(r"\??\{target}") }
}

/// `SetLinkInformationFile` (26/0x0B). The path that the caller passed is `target` with the prefix `\??\`, unless it is a device path.
pub fn link(pointer: usize, path: &str, target: &str, replace: bool) -> Vec<u8> {
    set_information(pointer, path, 0x0B, &name_buffer(pointer, replace, &passed(target)))
}

/// `QueryDirectory` (32, sub-operation 1) with information class 37 (names, ids, both).
pub fn query_directory(pointer: usize, path: &str, pattern: &str) -> Vec<u8> {
    FileDetailsBuilder::new(pointer, 1, path)
        .param(0, 0, &0x1000u32.to_le_bytes())
        .param(0, 2, &37u32.to_le_bytes())
        .trailer_string(pattern, false)
        .build()
}

/// Extra blob of [`query_directory`]: the names found.
pub fn directory_entries(names: &[&str]) -> Vec<u8> {
    let mut extra = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let size = (104 + name.len()).next_multiple_of(8);
        let mut entry = vec![0; size];
        let next = if i + 1 == names.len() { 0 } else { size as u32 };
        entry[..4].copy_from_slice(&next.to_le_bytes());
        entry[60..64].copy_from_slice(&(name.len() as u32).to_le_bytes());
        entry[104..104 + name.len()].copy_from_slice(&name);
        extra.extend_from_slice(&entry);
    }
    extra
}

/// `FileSystemControl` (33) and `DeviceIoControl` (34).
pub fn control(pointer: usize, path: &str, code: u32) -> Vec<u8> {
    FileDetailsBuilder::new(pointer, 0, path).param(0, 2, &code.to_le_bytes()).build()
}

/// `CreateFileMapping` (19), with the page protection of a new section, or 0 where no section is created.
pub fn create_file_mapping(pointer: usize, path: &str, protection: u32) -> Vec<u8> {
    FileDetailsBuilder::new(pointer, 0, path)
        .param(0, 0, &u32::from(protection != 0).to_le_bytes())
        .param(4, 0, &protection.to_le_bytes())
        .build()
}

/// A registry operation: the length word of the path, the rest of the fixed part, and the path.
fn key(fixed: &[u8], path: &str) -> Vec<u8> {
    let (info, path) = string(path, true);
    let mut details = info.to_vec();
    details.extend_from_slice(fixed);
    details.extend_from_slice(&path);
    details
}

/// `RegOpenKey` (0) and `RegCreateKey` (1), with the requested rights.
pub fn open_key(path: &str, desired_access: u32) -> Vec<u8> {
    let mut fixed = [0; 6];
    fixed[2..].copy_from_slice(&desired_access.to_le_bytes());
    key(&fixed, path)
}

/// Extra blob of a successful [`open_key`]. `disposition` is 1 for a created key, 2 for an opened key.
pub fn key_opened(granted_access: u32, disposition: u32) -> Vec<u8> {
    [granted_access.to_le_bytes(), disposition.to_le_bytes()].concat()
}

/// `RegCloseKey` (2), `RegDeleteKey` (9), `RegDeleteValue` (10), `RegFlushKey` (11).
pub fn key_only(path: &str) -> Vec<u8> {
    key(&[], path)
}

/// `RegQueryKey` (3) and `RegQueryValue` (5). `length` is the size of the caller's buffer in bytes, `class`
/// the information class.
pub fn query(path: &str, length: u32, class: u32) -> Vec<u8> {
    let mut fixed = vec![0; 2];
    fixed.extend_from_slice(&length.to_le_bytes());
    fixed.extend_from_slice(&class.to_le_bytes());
    key(&fixed, path)
}

/// Extra blob of a `RegQueryValue` with class 2 (partial information): the type and the data of the value.
pub fn partial_value(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut extra = vec![0; 4];
    extra.extend_from_slice(&kind.to_le_bytes());
    extra.extend_from_slice(&(data.len() as u32).to_le_bytes());
    extra.extend_from_slice(data);
    extra
}

/// `RegSetValue` (4): the type and the data. Only the first 2,048 bytes of the data are kept, as in a
/// capture.
pub fn set_value(path: &str, kind: u32, data: &[u8]) -> Vec<u8> {
    let captured = &data[..data.len().min(0x800)];
    let mut fixed = vec![0; 2];
    fixed.extend_from_slice(&kind.to_le_bytes());
    fixed.extend_from_slice(&(data.len() as u32).to_le_bytes());
    fixed.extend_from_slice(&(captured.len() as u16).to_le_bytes());
    fixed.extend_from_slice(&[0; 2]);
    let mut details = key(&fixed, path);
    details.extend_from_slice(captured);
    details
}

/// Builds the details of `Process Create` (1).
#[derive(Clone, Copy, Debug)]
pub struct ProcessCreate<'a> {
    /// Process index of the new process.
    pub index: u32,
    /// Process id of the new process.
    pub pid: u32,
    /// Process index of the parent.
    pub parent_index: u32,
    /// Process id of the parent.
    pub parent_pid: u32,
    /// Terminal session.
    pub session: u32,
    /// Whether the new process is a 64-bit process.
    pub is_64_bit: bool,
    /// When the process was created.
    pub time: FileTime,
    /// Image path.
    pub path: &'a str,
    /// Command line.
    pub command_line: &'a str,
}

impl ProcessCreate<'_> {
    /// Returns the details blob. The process runs as SYSTEM with system integrity.
    pub fn build(&self) -> Vec<u8> {
        const SYSTEM: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        const SYSTEM_INTEGRITY: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 16, 0, 0x40, 0, 0];
        let (path_info, path) = string(self.path, false);
        let (line_info, line) = string(self.command_line, false);
        let mut details = Vec::new();
        for word in [self.index, self.pid, self.parent_index, self.parent_pid, self.session] {
            details.extend_from_slice(&word.to_le_bytes());
        }
        details.extend_from_slice(&u32::from(self.is_64_bit).to_le_bytes());
        details.extend_from_slice(&self.time.0.to_le_bytes());
        details.extend_from_slice(&0x3E7u64.to_le_bytes());
        details.extend_from_slice(&0u32.to_le_bytes());
        details.extend_from_slice(&[SYSTEM.len() as u8, SYSTEM_INTEGRITY.len() as u8]);
        details.extend_from_slice(&path_info);
        details.extend_from_slice(&line_info);
        details.extend_from_slice(&[0; 2]);
        details.extend_from_slice(&SYSTEM);
        details.extend_from_slice(&SYSTEM_INTEGRITY);
        details.extend_from_slice(&path);
        details.extend_from_slice(&line);
        details
    }
}

/// `Process Start` (7). Entries of the environment read `NAME=value`.
pub fn process_start(parent_pid: u32, command_line: &str, directory: &str, environment: &[&str]) -> Vec<u8> {
    let (line_info, line) = string(command_line, false);
    let (directory_info, directory) = string(directory, false);
    let mut block: Vec<u8> = Vec::new();
    for entry in environment {
        block.extend(entry.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    if !environment.is_empty() {
        block.extend_from_slice(&[0, 0]);
    }
    let mut details = parent_pid.to_le_bytes().to_vec();
    details.extend_from_slice(&line_info);
    details.extend_from_slice(&directory_info);
    details.extend_from_slice(&(block.len() as u32 / 2).to_le_bytes());
    details.extend_from_slice(&line);
    details.extend_from_slice(&directory);
    details.extend_from_slice(&block);
    details
}

/// `Process Exit` (2): the exit status, times in 100 ns ticks, and the working set in bytes. The other sizes
/// are those of the working set.
pub fn process_exit(status: i32, kernel_time: u64, user_time: u64, working_set: u64) -> Vec<u8> {
    let mut details = status.to_le_bytes().to_vec();
    for word in [kernel_time, user_time, working_set, working_set, working_set, working_set] {
        details.extend_from_slice(&word.to_le_bytes());
    }
    details
}

/// `Thread Create` (3), with the id of the new thread.
pub fn thread_create(tid: u32) -> Vec<u8> {
    tid.to_le_bytes().to_vec()
}

/// `Thread Exit` (4), with times in 100 ns ticks. The exit status is the one that captures store: none yet.
pub fn thread_exit(kernel_time: u64, user_time: u64) -> Vec<u8> {
    let mut details = 0x103u32.to_le_bytes().to_vec();
    details.extend_from_slice(&kernel_time.to_le_bytes());
    details.extend_from_slice(&user_time.to_le_bytes());
    details
}

/// `Load Image` (5), with the lowest address and the size of the image in bytes.
pub fn load_image(pointer: usize, path: &str, base: u64, size: u32) -> Vec<u8> {
    let (info, path) = string(path, true);
    let mut details = base.to_le_bytes()[..pointer].to_vec();
    details.extend_from_slice(&size.to_le_bytes());
    details.extend_from_slice(&info);
    details.extend_from_slice(&[0; 2]);
    details.extend_from_slice(&path);
    details
}
