//! Maps a file into memory, and survives a page that cannot be read. All unsafe code of the workspace is
//! here.
//!
//! A map is read by memory access, so the system can report a failure only by interrupting the access: Linux with a
//! signal, SIGBUS, and Windows with an exception, EXCEPTION_IN_PAGE_ERROR. A handler replaces the missing page by a
//! page of zeros, remembers its offset, and lets the program continue. [`Map::fault`] returns that offset, so a
//! caller must ask it before it trusts what was read. On other systems, such a failure ends the program.
#![allow(unsafe_code, reason = "mapping a file and handling a failed access need unsafe code")]

use memmap2::Mmap;
use std::fs::File;
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// A file mapped into memory, or read into it. Clones share the memory.
#[derive(Clone, Debug)]
pub struct Map {
    bytes: Bytes,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug)]
enum Bytes {
    Mapped(Arc<Shared>),
    Read(Arc<Vec<u8>>),
}

/// The data that clones of a map share.
#[derive(Debug)]
struct Shared {
    watch: watch::Watch,
    bytes: ManuallyDrop<Mmap>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The handler forgets the addresses before they are unmapped, because the system may reuse them.
        if self.watch.end() {
            // SAFETY: the value is dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.bytes) }
        }
    }
}

/// Maps a file for reading.
///
/// On Linux, the first call installs a handler of SIGBUS for the whole process, and on Windows a vectored exception
/// handler. The handler passes signals and exceptions about other addresses to the handler that was installed
/// before. Where there was none, they end the process as usual.
///
/// **A page that cannot be read**, because the file was cut short, or its disk or share failed, reads as zeros
/// on Linux and Windows, and [`Map::fault`] returns its offset from then on. On Windows, all pages of the file read as
/// zeros from then on. On other systems the process ends with SIGBUS.
///
/// **No other change of the file is noticed.** The bytes may or may not show what another program writes into
/// the file. Where the file is cut in the middle of a page, the end of that page reads as zeros. A system
/// call that gets bytes of a missing page fails (`EFAULT`; Windows: `ERROR_NOACCESS`), for example [`io::Write`]
/// directly from the map.
///
/// # Errors
/// When the file cannot be opened or mapped.
pub fn map(path: &Path) -> io::Result<Map> {
    let file = File::open(path)?;
    watch::install()?;
    // SAFETY: the map is private to this module and is only read. It is unmapped when its last owner is
    // dropped, and all slices of the map borrow from an owner. One risk remains: other programs may change
    // the file while its bytes are borrowed as `&[u8]`, and no program on any system can prevent that. The
    // assumption about such bytes is that each read gives some value, independent of earlier reads. Every
    // value of a byte is valid. Safe code compares lengths, offsets and counts from the file with the length
    // of the slice, which does not come from the file, each time that they are used. A byte that changes
    // between two reads therefore gives a wrong result or an error, but never an access out of bounds. The
    // language promises less for bytes of a shared reference. Every program that maps files assumes that
    // compilers do not exploit the difference.
    let bytes = unsafe { Mmap::map(&file)? };
    // Logs are read once, from front to back. The advice is optional, so its failure does not matter.
    #[cfg(unix)]
    let _ = bytes.advise(memmap2::Advice::Sequential);
    let watch = watch::Watch::new(&bytes);
    Ok(Map { bytes: Bytes::Mapped(Arc::new(Shared { watch, bytes: ManuallyDrop::new(bytes) })) })
}

/// Reads a file into memory instead of mapping it. No handler is installed, and a part of the file that cannot be read is
/// an error.
///
/// # Errors
/// When the file cannot be opened or read, or the memory does not suffice.
pub(super) fn read(path: &Path) -> io::Result<Map> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    let size = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.try_reserve_exact(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    file.read_to_end(&mut bytes)?;
    Ok(Map { bytes: Bytes::Read(Arc::new(bytes)) })
}

impl Map {
    /// The byte offset of the lowest page that was accessed and could not be read, or `None`. After a fault,
    /// nothing that was read from the map can be trusted. Always `None` on other systems than Linux and Windows.
    /// On Windows, pages that are accessed after the first fault do not count.
    ///
    /// A page that was never accessed may still be unreadable. Accesses of another thread are included once
    /// that thread has been joined, or its result was received from a channel.
    pub fn fault(&self) -> Option<u64> {
        match &self.bytes {
            Bytes::Mapped(shared) => shared.watch.fault(),
            Bytes::Read(_) => None,
        }
    }

    /// Asks the system to read these bytes of the file soon, and does not wait. Accesses alone would wait for each
    /// piece of the file that is not in memory, as large as the system reads ahead; many read 128 KiB. Nothing happens on
    /// other systems than Linux.
    pub(super) fn will_need(&self, bytes: Range<u64>) {
        #[cfg(target_os = "linux")]
        if let (Bytes::Mapped(shared), Ok(start), Ok(end)) =
            (&self.bytes, usize::try_from(bytes.start), usize::try_from(bytes.end))
        {
            /// The system reads no more for one advice than one request of the disk may have.
            const STEP: usize = 1 << 20;
            let end = end.min(shared.bytes.len());
            for at in (start - start % STEP..end).step_by(STEP) {
                // Looking for each page of a log that is in memory would take longer than the events of some pages.
                if !is_in_memory(&shared.bytes, at) {
                    // The advice is optional, so its failure does not matter.
                    let _ = shared.bytes.advise_range(memmap2::Advice::WillNeed, at, STEP.min(end - at));
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }

    /// Whether the file was mapped, so that what becomes of the file matters.
    pub(super) fn is_mapped(&self) -> bool {
        matches!(self.bytes, Bytes::Mapped(_))
    }
}

/// Whether the page at this offset, where a page begins, is in memory, or the system does not say.
#[cfg(target_os = "linux")]
fn is_in_memory(bytes: &Mmap, at: usize) -> bool {
    let Some(page) = bytes.get(at..) else { return true };
    let mut answer = 1;
    // SAFETY: the address is within the map. The call reads nothing of the page, and writes one byte for one page.
    let failed = unsafe { libc::mincore(page.as_ptr().cast_mut().cast(), 1, &raw mut answer) } != 0;
    failed || answer & 1 == 1
}

impl Deref for Map {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(shared) => &shared.bytes,
            Bytes::Read(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Map {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Whether any map in use has a [`Map::fault`]. The call is cheap, so long work can ask often and end early.
#[inline]
pub fn any_fault() -> bool {
    watch::any_fault()
}

/// The list of all maps, in which a handler looks for an address.
#[cfg(any(target_os = "linux", windows))]
mod watch {
    use super::handler::Pages;
    pub(super) use super::handler::install;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence};

    /// The value of `fault` while no page has failed.
    const NONE: usize = usize::MAX;

    /// Number of maps in use that have a page that could not be read.
    static FAULTS: AtomicUsize = AtomicUsize::new(0);

    /// The addresses of a map, and its fault. Places are never freed, so the handler can follow the list at
    /// any time. The place of an unmapped map is reused.
    #[derive(Debug)]
    pub(super) struct MapSlot {
        taken: AtomicBool,
        /// Address of the first byte; 0 while the place has no map.
        start: AtomicUsize,
        /// Address after the last byte.
        end: AtomicUsize,
        /// Offset of the lowest page that could not be read, or [`NONE`].
        fault: AtomicUsize,
        pub(super) pages: Pages,
        next: OnceLock<Box<MapSlot>>,
    }

    static FIRST: MapSlot = MapSlot::new();

    impl MapSlot {
        const fn new() -> Self {
            Self {
                taken: AtomicBool::new(false),
                start: AtomicUsize::new(0),
                end: AtomicUsize::new(0),
                fault: AtomicUsize::new(NONE),
                pages: Pages::new(),
                next: OnceLock::new(),
            }
        }

        /// Offset of an address in the map, or `None` where the address is outside of it.
        fn offset(&self, address: usize) -> Option<usize> {
            let start = self.start.load(Ordering::SeqCst);
            let end = self.end.load(Ordering::SeqCst);
            let inside = start != 0 && (start..end).contains(&address);
            // Another map may have taken the place meanwhile, and `end` may belong to that map. If the
            // address is in a map of this list, the thread that accessed the address borrows the map, so its
            // place stays.
            (inside && self.start.load(Ordering::SeqCst) == start).then(|| address - start)
        }

        /// The address of the first byte, and the number of bytes.
        #[cfg(windows)]
        pub(super) fn addresses(&self) -> (usize, usize) {
            let start = self.start.load(Ordering::SeqCst);
            (start, self.end.load(Ordering::SeqCst).saturating_sub(start))
        }

        /// Notes that a page could not be read, given the offset of its first byte.
        pub(super) fn note(&self, page_offset: usize) {
            // Only the first fault of a map counts the map. Further faults may come from many threads.
            if self.fault.fetch_min(page_offset, Ordering::SeqCst) == NONE {
                FAULTS.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// The place of the map that contains an address, and the offset of the address in the map.
    pub(super) fn find(address: usize) -> Option<(&'static MapSlot, usize)> {
        let mut place = Some(&FIRST);
        while let Some(current) = place {
            if let Some(offset) = current.offset(address) {
                return Some((current, offset));
            }
            place = current.next.get().map(|next| &**next);
        }
        None
    }

    /// Registers a map with the handler until it is dropped.
    #[derive(Debug)]
    pub(super) struct Watch {
        place: &'static MapSlot,
    }

    impl Watch {
        pub(super) fn new(bytes: &[u8]) -> Self {
            let mut place = &FIRST;
            while place.taken.swap(true, Ordering::SeqCst) {
                place = place.next.get_or_init(|| Box::new(MapSlot::new()));
            }
            // `start` is stored last: a thread that sees it also sees the other fields.
            let start = bytes.as_ptr() as usize;
            place.fault.store(NONE, Ordering::SeqCst);
            place.pages.begin();
            place.end.store(start.saturating_add(bytes.len()), Ordering::SeqCst);
            place.start.store(start, Ordering::SeqCst);
            Self { place }
        }

        pub(super) fn fault(&self) -> Option<u64> {
            // The compiler does not see the handler, so the fence keeps earlier reads of the map before this
            // load.
            compiler_fence(Ordering::SeqCst);
            let offset = self.place.fault.load(Ordering::SeqCst);
            (offset != NONE).then_some(offset as u64)
        }

        /// Ends the watch. Gives whether the file is still mapped: a handler may have released the map.
        pub(super) fn end(&self) -> bool {
            let start = self.place.start.swap(0, Ordering::SeqCst);
            if self.fault().is_some() {
                FAULTS.fetch_sub(1, Ordering::SeqCst);
            }
            let is_mapped = self.place.pages.end(start);
            self.place.taken.store(false, Ordering::SeqCst);
            is_mapped
        }
    }

    #[inline]
    pub(super) fn any_fault() -> bool {
        compiler_fence(Ordering::SeqCst);
        FAULTS.load(Ordering::Relaxed) != 0
    }
}

/// The handler of SIGBUS.
#[cfg(target_os = "linux")]
mod handler {
    use super::watch::{self, MapSlot};
    use std::io;
    use std::mem;
    use std::ptr;
    use std::sync::OnceLock;

    /// The state of the pages of a map: each page is replaced alone, so nothing has to be remembered.
    #[derive(Debug)]
    pub(super) struct Pages;

    impl Pages {
        pub(super) const fn new() -> Self {
            Self
        }

        pub(super) fn begin(&self) {}

        pub(super) fn end(&self, _: usize) -> bool {
            true
        }
    }

    /// The data that the handler needs.
    #[derive(Clone, Copy)]
    struct Installed {
        /// The action for SIGBUS before this handler was installed.
        before: libc::sigaction,
        page: usize,
    }

    static INSTALLED: OnceLock<io::Result<Installed>> = OnceLock::new();

    /// Installs the handler at the first call.
    pub(super) fn install() -> io::Result<()> {
        match INSTALLED.get_or_init(read_and_install) {
            Ok(_) => Ok(()),
            Err(e) => Err(e.kind().into()),
        }
    }

    fn read_and_install() -> io::Result<Installed> {
        let checked = |code: libc::c_int| if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        // SAFETY: `sigaction` is a plain C struct for which zeros are a valid value. The calls do not keep
        // the pointers to it. The handler has the signature that SA_SIGINFO requires, and does only what a
        // handler may do. It runs on the signal stack of a thread that has one, because a stack overflow may
        // raise SIGBUS too. That signal is passed on to the handler that was installed before, for example
        // Rust's.
        unsafe {
            let mut before: libc::sigaction = mem::zeroed();
            checked(libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut before))?;
            let mut ours: libc::sigaction = mem::zeroed();
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_sigbus;
            ours.sa_sigaction = handler as usize;
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            ours.sa_mask = before.sa_mask;
            let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096);
            checked(libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()))?;
            Ok(Installed { before, page })
        }
    }

    /// Runs on the thread that accessed the page, between any two of its instructions. So nothing here
    /// allocates, locks or unwinds: the handler reads and writes atomics, reads `OnceLock`s without waiting,
    /// and makes system calls.
    extern "C" fn on_sigbus(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // No map is made before `INSTALLED` is set.
        let Some(Ok(installed)) = INSTALLED.get() else {
            // SAFETY: with the default action, the instruction is tried again and ends the process.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            return;
        };
        // SAFETY: with SA_SIGINFO, the system passes a valid description. Its address is meaningful where the
        // system raised the signal.
        let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
        let is_missing_page = matches!(code, libc::BUS_ADRERR | libc::BUS_OBJERR | libc::BUS_MCEERR_AR);
        if is_missing_page && let Some((place, offset)) = watch::find(address) {
            return replace(place, offset, address, installed.page);
        }
        // SAFETY: the arguments are passed on unchanged.
        unsafe { pass_on(&installed.before, code, signal, info, context) }
    }

    /// Replaces the page that contains this address by zeros.
    fn replace(place: &MapSlot, offset: usize, address: usize, page: usize) {
        let start = address & !(page - 1);
        // SAFETY: the page belongs to a map of this list. The map is in use, because the thread that accessed
        // the page borrows it, so the page is not unmapped meanwhile. Only this page is replaced. The page
        // was not readable, so no code relies on its bytes. `mmap` is a bare system call that leaves errno
        // unchanged unless it fails.
        let zeros = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            libc::mmap(start as *mut libc::c_void, page, libc::PROT_READ, flags, -1, 0)
        };
        if zeros == libc::MAP_FAILED {
            const MESSAGE: &[u8] = b"a mapped file could not be read, and no memory is left to go on\n";
            // SAFETY: the bytes are valid. `_exit` ends the process without running any other code of it.
            unsafe {
                libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
                libc::_exit(2);
            }
        }
        // Maps begin at a page boundary.
        place.note(offset & !(page - 1));
    }

    /// Passes a signal about another address to the action that was installed before.
    ///
    /// # Safety
    /// The arguments are those of a handler.
    unsafe fn pass_on(
        before: &libc::sigaction,
        code: libc::c_int,
        signal: libc::c_int,
        info: *mut libc::siginfo_t,
        context: *mut libc::c_void,
    ) {
        // SAFETY: the system had this action installed, so the address belongs to a handler of the kind that
        // the flags say.
        unsafe {
            // Signals that processes send have codes of at most 0.
            let was_sent = code <= 0;
            match before.sa_sigaction {
                // A signal that was sent stays ignored. A missing page ends the process nevertheless.
                libc::SIG_IGN if was_sent => {}
                libc::SIG_DFL | libc::SIG_IGN => {
                    // On return, the instruction is tried again. A signal that was sent must be sent again.
                    libc::signal(signal, libc::SIG_DFL);
                    if was_sent {
                        libc::raise(signal);
                    }
                }
                handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
                    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                        mem::transmute(handler);
                    handler(signal, info, context);
                }
                handler => {
                    let handler: extern "C" fn(libc::c_int) = mem::transmute(handler);
                    handler(signal);
                }
            }
        }
    }
}

/// The handler of exceptions.
///
/// Windows cannot replace a page of a map, so the first page that cannot be read ends the whole map: the handler
/// releases the map, and reserves its addresses. A page of zeros is committed where a thread accesses one later.
#[cfg(windows)]
mod handler {
    use super::watch::{self, MapSlot};
    use std::ffi::c_void;
    use std::io;
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU8, Ordering};
    use windows_sys::Win32::Foundation::{EXCEPTION_ACCESS_VIOLATION, EXCEPTION_IN_PAGE_ERROR};
    use windows_sys::Win32::Storage::FileSystem::WriteFile;
    use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};
    use windows_sys::Win32::System::Diagnostics::Debug::{
        AddVectoredExceptionHandler, EXCEPTION_CONTINUE_EXECUTION, EXCEPTION_CONTINUE_SEARCH,
        EXCEPTION_POINTERS,
    };
    use windows_sys::Win32::System::Memory::{
        MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, MEMORY_MAPPED_VIEW_ADDRESS, PAGE_READONLY, UnmapViewOfFile,
        VirtualAlloc, VirtualFree,
    };
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, SwitchToThread, TerminateProcess};

    /// The page size of every processor that runs Windows.
    const PAGE: usize = 4096;

    /// The pages are those of the file.
    const MAPPED: u8 = 0;
    /// A thread is releasing the map.
    const CHANGING: u8 = 1;
    /// The addresses are reserved, and pages of zeros are committed where they are accessed.
    const ZEROS: u8 = 2;

    /// The state of the pages of a map.
    #[derive(Debug)]
    pub(super) struct Pages(AtomicU8);

    impl Pages {
        pub(super) const fn new() -> Self {
            Self(AtomicU8::new(MAPPED))
        }

        pub(super) fn begin(&self) {
            self.0.store(MAPPED, Ordering::SeqCst);
        }

        /// Frees the pages of zeros. Gives whether the file is still mapped.
        pub(super) fn end(&self, start: usize) -> bool {
            if self.0.load(Ordering::SeqCst) == MAPPED {
                return true;
            }
            // SAFETY: the handler reserved these addresses, and no slice of the map is left.
            unsafe { VirtualFree(start as *mut c_void, 0, MEM_RELEASE) };
            false
        }
    }

    /// Installs the handler at the first call.
    pub(super) fn install() -> io::Result<()> {
        static INSTALLED: OnceLock<bool> = OnceLock::new();
        // SAFETY: the handler has the signature that the system requires, and does only what a handler may do.
        let is_installed = INSTALLED
            .get_or_init(|| unsafe { !AddVectoredExceptionHandler(1, Some(on_exception)).is_null() });
        if *is_installed { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
    }

    /// Runs on the thread that accessed the page, between any two of its instructions. So nothing here
    /// allocates, locks or unwinds: the handler reads and writes atomics, and makes system calls.
    unsafe extern "system" fn on_exception(pointers: *mut EXCEPTION_POINTERS) -> i32 {
        // SAFETY: the system passes a valid description. Both kinds of exception have two arguments: what the access
        // was, 0 for reading, and the address.
        let (code, access, address) = unsafe {
            let record = &*(*pointers).ExceptionRecord;
            (record.ExceptionCode, record.ExceptionInformation[0], record.ExceptionInformation[1])
        };
        // Of an address in a map, an access violation means the same as an in-page error (some systems raise it for a
        // file that was cut short), or that another thread has released the map.
        let is_missing_page =
            matches!(code, EXCEPTION_IN_PAGE_ERROR | EXCEPTION_ACCESS_VIOLATION) && access == 0;
        if is_missing_page && let Some((place, offset)) = watch::find(address) {
            replace(place, offset, address, code == EXCEPTION_IN_PAGE_ERROR);
            return EXCEPTION_CONTINUE_EXECUTION;
        }
        EXCEPTION_CONTINUE_SEARCH
    }

    /// Replaces the map by zeros, and commits the page that contains this address.
    fn replace(place: &MapSlot, offset: usize, address: usize, is_of_file: bool) {
        let state = &place.pages.0;
        let before = state.compare_exchange(MAPPED, CHANGING, Ordering::SeqCst, Ordering::SeqCst);
        // An access violation after the map was released says nothing about the file.
        if before.is_ok() || is_of_file {
            // Maps begin at a page boundary.
            place.note(offset & !(PAGE - 1));
        }
        if before.is_ok() {
            let (start, length) = place.addresses();
            // SAFETY: the map is in use, because the thread that accessed the page borrows it. Every thread that accesses
            // the addresses meanwhile waits in this handler until they are reserved again. Nothing relies on
            // the bytes that the file had. Where another thread of this process takes the addresses first, or
            // memory is short, the process ends.
            let reserved = unsafe {
                UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: start as *mut c_void });
                VirtualAlloc(start as *const c_void, length, MEM_RESERVE, PAGE_READONLY)
            };
            if reserved as usize != start {
                end_process();
            }
            state.store(ZEROS, Ordering::SeqCst);
        }
        while state.load(Ordering::SeqCst) == CHANGING {
            // SAFETY: the call has no conditions.
            unsafe { SwitchToThread() };
        }
        let page = (address & !(PAGE - 1)) as *const c_void;
        // SAFETY: the page is reserved, or was committed by another thread, in which case the call changes nothing.
        if unsafe { VirtualAlloc(page, PAGE, MEM_COMMIT, PAGE_READONLY) }.is_null() {
            end_process();
        }
    }

    fn end_process() {
        const MESSAGE: &[u8] = b"a mapped file could not be read, and no memory is left to go on\n";
        // SAFETY: the bytes are valid. `TerminateProcess` ends the process without running any other code of it.
        unsafe {
            let length = MESSAGE.len() as u32;
            WriteFile(
                GetStdHandle(STD_ERROR_HANDLE),
                MESSAGE.as_ptr(),
                length,
                ptr::null_mut(),
                ptr::null_mut(),
            );
            TerminateProcess(GetCurrentProcess(), 2);
        }
    }
}

/// Other systems: no map is watched.
#[cfg(not(any(target_os = "linux", windows)))]
mod watch {
    use std::io;

    #[derive(Debug)]
    pub(super) struct Watch;

    impl Watch {
        pub(super) fn new(_: &[u8]) -> Self {
            Self
        }

        pub(super) fn fault(&self) -> Option<u64> {
            None
        }

        pub(super) fn end(&self) -> bool {
            true
        }
    }

    pub(super) fn install() -> io::Result<()> {
        Ok(())
    }

    #[inline]
    pub(super) fn any_fault() -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Output};

    /// Runs one test of this module in a new process. `role` says what the test does there.
    fn run_in_process(test: &str, role: &str) -> Output {
        let exact = format!("open::map::tests::{test}");
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([&exact, "--exact", "--nocapture"]).env("PML_TEST_ROLE", role).output().unwrap()
    }

    fn role() -> Option<String> {
        std::env::var("PML_TEST_ROLE").ok()
    }

    #[test]
    fn bytes_that_will_be_needed_may_lie_anywhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..3 << 20).map(|at: u32| (at >> 8) as u8).collect();
        fs::write(file.path(), &bytes).unwrap();
        let map = map(file.path()).unwrap();
        for (start, end) in
            [(0, 0), (5, 3), (1, u64::MAX), (1 << 20, 3 << 20), (4 << 20, 5 << 20), (u64::MAX, 0)]
        {
            map.will_need(start..end);
        }
        assert_eq!((&*map, map.fault()), (&bytes[..], None));
        assert!(is_in_memory(map_of(&map), 0));
        assert!(is_in_memory(map_of(&map), 4 << 20), "nothing is there to be read");
    }

    fn map_of(map: &Map) -> &Mmap {
        match &map.bytes {
            Bytes::Mapped(shared) => &shared.bytes,
            Bytes::Read(_) => unreachable!("the file was mapped"),
        }
    }

    /// Maps a file of `bytes` bytes, and cuts the file to no bytes.
    fn cut_while_mapped<T>(bytes: u64, map: impl FnOnce(&Path) -> T) -> T {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(bytes).unwrap();
        let mapped = map(file.path());
        OpenOptions::new().write(true).open(file.path()).unwrap().set_len(0).unwrap();
        mapped
    }

    /// A map that is not registered with the handler.
    fn foreign() -> Mmap {
        // SAFETY: the file is changed on purpose. The process exists only for this test.
        cut_while_mapped(1 << 20, |path| unsafe { Mmap::map(&File::open(path).unwrap()).unwrap() })
    }

    fn send(signal: &str) {
        let pid = std::process::id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    extern "C" fn end_with_42(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: `_exit` ends the process, and a handler may call it.
        unsafe { libc::_exit(42) }
    }

    fn install_end_with_42() {
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = end_with_42;
        // SAFETY: the handler is of the kind that the flag says, and does only what a handler may do.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()), 0);
        }
    }

    #[test]
    fn signals_about_other_addresses_still_end_the_process() {
        let Some(role) = role() else {
            for role in ["foreign map", "sent"] {
                let output = run_in_process("signals_about_other_addresses_still_end_the_process", role);
                assert_eq!(output.status.signal(), Some(libc::SIGBUS), "{role}: {output:?}");
            }
            return;
        };
        // A registered map has failed before, and the process has survived it.
        let ours = cut_while_mapped(1 << 20, |path| map(path).unwrap());
        assert_eq!((ours[5000], ours.fault().is_some()), (0, true));
        match role.as_str() {
            // Rust's handler takes the first signal for a fault that repeats, and only resets the action.
            "sent" => (0..2).for_each(|_| send("-BUS")),
            _ => println!("{}", foreign()[5000]),
        }
    }

    #[test]
    fn an_older_handler_gets_only_signals_about_other_addresses() {
        let Some(role) = role() else {
            for (role, status) in [("ours", 0), ("foreign map", 42), ("sent", 42)] {
                let output = run_in_process("an_older_handler_gets_only_signals_about_other_addresses", role);
                assert_eq!(output.status.code(), Some(status), "{role}: {output:?}");
            }
            return;
        };
        install_end_with_42();
        let ours = cut_while_mapped(1 << 20, |path| map(path).unwrap());
        match role.as_str() {
            "ours" => assert_eq!((ours[5000], ours.fault().is_some()), (0, true)),
            "sent" => send("-BUS"),
            _ => println!("{}", foreign()[5000]),
        }
    }

    #[test]
    fn without_memory_the_process_ends_and_says_so() {
        const PAGE: usize = 4096;
        let most = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
        let most: usize = most.trim().parse().unwrap();
        if role().is_none() {
            if most > 2 << 20 {
                eprintln!("not tested: the system allows {most} maps");
                return;
            }
            let output = run_in_process("without_memory_the_process_ends_and_says_so", "child");
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{message}");
            assert!(message.contains("a mapped file could not be read, and no memory is left"), "{message}");
            return;
        }
        // Every other page becomes a separate map, until the system allows no more maps.
        let map = cut_while_mapped((most * 2 * PAGE) as u64, |path| map(path).unwrap());
        let sum: usize = map.iter().step_by(2 * PAGE).map(|byte| usize::from(*byte)).sum();
        println!("all could be read: {sum}");
    }
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;
    use std::process::Command;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use windows_sys::Win32::Foundation::EXCEPTION_IN_PAGE_ERROR;
    use windows_sys::Win32::System::Diagnostics::Debug::RaiseException;
    use windows_sys::Win32::System::Memory::{PAGE_NOACCESS, VirtualProtect};

    const PAGE: usize = 4096;

    /// Tests run one after the other, because `any_fault` is about all maps of the process.
    fn turn() -> MutexGuard<'static, ()> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A map of 64 pages. Each byte of a page is the number of the page plus one.
    fn mapped(folder: &Path) -> Map {
        let bytes: Vec<u8> = (0..64 * PAGE).map(|at| (at / PAGE + 1) as u8).collect();
        let path = folder.join("mapped");
        std::fs::write(&path, bytes).unwrap();
        map(&path).unwrap()
    }

    /// Makes a page unreadable.
    fn spoil(map: &Map, page: usize) {
        let mut before = 0;
        // SAFETY: the page belongs to the map, and the handler replaces it.
        let done =
            unsafe { VirtualProtect(map[page * PAGE..].as_ptr().cast(), PAGE, PAGE_NOACCESS, &mut before) };
        assert_ne!(done, 0);
    }

    #[test]
    fn a_page_that_cannot_be_read_is_zeros_and_reported() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            let map = mapped(folder.path());
            spoil(&map, 7);
            assert_eq!((map[6 * PAGE], map.fault(), any_fault()), (7, None, false));
            assert_eq!(map[7 * PAGE + 5], 0);
            assert_eq!((map.fault(), any_fault()), (Some(7 * PAGE as u64), true));
            assert!(map.iter().all(|byte| *byte == 0));
            assert_eq!(map.fault(), Some(7 * PAGE as u64));
            drop(map);
            assert!(!any_fault());
        }
    }

    #[test]
    fn an_in_page_error_is_a_fault_of_its_page() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        let map = mapped(folder.path());
        let arguments = [0, map[9 * PAGE + 17..].as_ptr() as usize, 0xC000_009C];
        // SAFETY: the handler continues after the exception, as after that of a disk.
        unsafe { RaiseException(EXCEPTION_IN_PAGE_ERROR as u32, 0, 3, arguments.as_ptr()) };
        assert_eq!((map.fault(), any_fault(), map[0]), (Some(9 * PAGE as u64), true, 0));
    }

    #[test]
    fn many_threads_may_meet_a_fault_at_once() {
        let _turn = turn();
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            let map = mapped(folder.path());
            (1..64).for_each(|page| spoil(&map, page));
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| assert!(map[PAGE..].iter().all(|byte| *byte == 0)));
                }
            });
            assert!(map.fault().is_some());
        }
        assert!(!any_fault());
    }

    #[test]
    fn exceptions_about_other_addresses_still_end_the_process() {
        if std::env::var_os("PML_TEST_ROLE").is_some() {
            let folder = tempfile::tempdir().unwrap();
            let map = mapped(folder.path());
            spoil(&map, 0);
            assert_eq!((map[0], map.fault()), (0, Some(0)));
            // SAFETY: none; the access ends the process.
            println!("{}", unsafe { std::ptr::read_volatile(16 as *const u8) });
            return;
        }
        let mut child = Command::new(std::env::current_exe().unwrap());
        let test = "open::map::tests::exceptions_about_other_addresses_still_end_the_process";
        let output =
            child.args([test, "--exact", "--nocapture"]).env("PML_TEST_ROLE", "child").output().unwrap();
        assert_eq!(output.status.code(), Some(0xC000_0005_u32 as i32), "{output:?}");
    }
}
