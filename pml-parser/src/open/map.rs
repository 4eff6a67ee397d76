//! Maps a file into memory, and survives a page that cannot be read. All unsafe code of the workspace is
//! here.
//!
//! A map is read by memory access, so the system can report a failure only by a signal, SIGBUS. On Linux, a
//! handler replaces the missing page by a page of zeros, remembers its offset, and lets the program continue.
//! [`Map::fault`] returns that offset, so a caller must ask it before it trusts what was read. On other
//! systems, such a failure ends the program.
#![allow(unsafe_code, reason = "mapping a file and handling a signal need unsafe code")]

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A file mapped into memory, for reading. Clones share one map.
#[derive(Clone, Debug)]
pub struct Map {
    shared: Arc<Shared>,
}

/// The data that clones of a map share. Fields are dropped in order: the handler forgets the addresses before
/// they are unmapped, because the system may reuse them.
#[derive(Debug)]
struct Shared {
    watch: watch::Watch,
    bytes: Mmap,
}

/// Maps a file for reading.
///
/// On Linux, the first call installs a handler of SIGBUS for the whole process. The handler passes signals
/// about other addresses to the handler that was installed before. Where there was none, they end the process
/// as usual.
///
/// **A page that cannot be read**, because the file was cut short, or its disk or share failed, reads as zeros
/// on Linux, and [`Map::fault`] returns its offset from then on. On other systems the process ends (Unix:
/// SIGBUS, Windows: in-page error).
///
/// **No other change of the file is noticed.** The bytes may or may not show what another program writes into
/// the file. Where the file is cut in the middle of a page, the end of that page reads as zeros. A system
/// call that gets bytes of a missing page fails with `EFAULT` ([`io::Write`] directly from the map).
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
    Ok(Map { shared: Arc::new(Shared { watch, bytes }) })
}

impl Map {
    /// The byte offset of the lowest page that was accessed and could not be read, or `None`. After a fault,
    /// nothing that was read from the map can be trusted. Always `None` on other systems than Linux.
    ///
    /// A page that was never accessed may still be unreadable. Accesses of another thread are included once
    /// that thread has been joined, or its result was received from a channel.
    pub fn fault(&self) -> Option<u64> {
        self.shared.watch.fault()
    }
}

impl Deref for Map {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.shared.bytes
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

/// The list of all maps, and the signal handler that looks for an address in the list.
#[cfg(target_os = "linux")]
mod watch {
    use std::io;
    use std::mem;
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence};

    /// The value of `fault` while no page has failed.
    const NONE: usize = usize::MAX;

    /// Number of maps in use that have a page that could not be read.
    static FAULTS: AtomicUsize = AtomicUsize::new(0);

    /// The addresses of a map, and its fault. Places are never freed, so the handler can follow the list at
    /// any time. The place of an unmapped map is reused.
    #[derive(Debug)]
    struct MapSlot {
        taken: AtomicBool,
        /// Address of the first byte; 0 while the place has no map.
        start: AtomicUsize,
        /// Address after the last byte.
        end: AtomicUsize,
        /// Offset of the lowest page that could not be read, or [`NONE`].
        fault: AtomicUsize,
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
        let mut place = is_missing_page.then_some(&FIRST);
        while let Some(current) = place {
            if let Some(offset) = current.offset(address) {
                return replace(current, offset, address, installed.page);
            }
            place = current.next.get().map(|next| &**next);
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
        let offset = offset & !(page - 1);
        // Only the first fault of a map counts the map. Further faults may come from many threads.
        if place.fault.fetch_min(offset, Ordering::SeqCst) == NONE {
            FAULTS.fetch_add(1, Ordering::SeqCst);
        }
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
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            self.place.start.store(0, Ordering::SeqCst);
            if self.fault().is_some() {
                FAULTS.fetch_sub(1, Ordering::SeqCst);
            }
            self.place.taken.store(false, Ordering::SeqCst);
        }
    }

    #[inline]
    pub(super) fn any_fault() -> bool {
        compiler_fence(Ordering::SeqCst);
        FAULTS.load(Ordering::Relaxed) != 0
    }
}

/// Other systems: no map is watched.
#[cfg(not(target_os = "linux"))]
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
