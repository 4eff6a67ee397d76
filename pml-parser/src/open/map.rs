//! Mapping a file into memory, and living on when a page of it cannot be read: all unsafe code of the
//! workspace.
//!
//! A map is read by touching memory, so the system has no other way to say that it failed than a
//! signal, SIGBUS. On Linux a handler puts a page of zeros in the place of the one that is missing,
//! remembers where that was, and lets the program run on; whoever asks [`Map::fault`] before
//! believing what was read is told. Elsewhere such a failure ends the program.
#![allow(unsafe_code, reason = "neither mapping nor a handler of signals can be had without")]

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A file in memory, for reading. A clone is the same map.
#[derive(Clone, Debug)]
pub struct Map {
    shared: Arc<Shared>,
}

/// What the clones of a map have in common. Fields are dropped in order: the handler forgets the
/// place before it is unmapped, and may become that of something else.
#[derive(Debug)]
struct Shared {
    watch: watch::Watch,
    bytes: Mmap,
}

/// Maps a file for reading.
///
/// On Linux, the first call installs a handler of SIGBUS for the whole process. Signals that are
/// not about a map made here go on to the handler that was there before, or end the process as they
/// would have.
///
/// **A page that cannot be read**, because the file was cut short, or its disk or share failed,
/// reads as zeros on Linux, and [`Map::fault`] says so from then on. On other systems the process
/// ends (Unix: SIGBUS, Windows: in-page error).
///
/// **Nothing else that happens to the file is noticed.** What somebody writes into it shows in the
/// bytes or does not, and of a page whose end is cut off, that end reads as zeros. A system call that
/// is given bytes of a missing page fails with `EFAULT` ([`io::Write`] straight from the map).
///
/// # Errors
/// When the file cannot be opened or mapped.
pub fn map(path: &Path) -> io::Result<Map> {
    let file = File::open(path)?;
    watch::install()?;
    // SAFETY: the map is private to this module, is only ever read, and is unmapped when its last
    // owner goes, which all slices of it borrow from. What remains is that the file may be changed
    // by others while its bytes are lent out as `&[u8]`, which no program on any system can rule
    // out. This is what is assumed of such bytes: each read gives some value, whatever was read
    // there before. Every value of a byte is valid; lengths, offsets and counts that are read from
    // the file are compared with the length of the slice, which is not of the file, where they are
    // used, by safe code that checks again each time; so a byte that changes between two reads gives
    // a wrong result or an error, and never an access outside. The language itself promises less
    // than that for bytes behind a shared reference; that compilers do not make more of it is the
    // assumption that everybody makes who maps a file.
    let bytes = unsafe { Mmap::map(&file)? };
    // Logs are read once, from front to back; whether the advice is taken does not matter.
    #[cfg(unix)]
    let _ = bytes.advise(memmap2::Advice::Sequential);
    let watch = watch::Watch::new(&bytes);
    Ok(Map { shared: Arc::new(Shared { watch, bytes }) })
}

impl Map {
    /// The offset of the first page that was wanted and could not be read, if there is one: what was
    /// read since the map was made cannot be trusted then. Always `None` on other systems than Linux.
    ///
    /// Pages that nobody touched are not known to be readable, and work of other threads shows when
    /// it is known to be done (joined, received from a channel).
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

/// Whether [`Map::fault`] is something for any map that is in use: cheap enough to ask often, so
/// that work on a log that is gone ends early.
#[inline]
pub fn any_fault() -> bool {
    watch::any_fault()
}

/// The maps that there are, and the handler that looks for the address of a signal among them.
#[cfg(target_os = "linux")]
mod watch {
    use std::io;
    use std::mem;
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence};

    /// No page has failed.
    const NONE: usize = usize::MAX;

    /// Maps in use that have a page that could not be read.
    static FAULTS: AtomicUsize = AtomicUsize::new(0);

    /// Where a map lies, and what has happened to it. Places are never freed, so that the handler may
    /// walk along them at any time; those of maps that are gone are taken again.
    #[derive(Debug)]
    struct Place {
        taken: AtomicBool,
        /// Address of the first byte; 0 while no map is here.
        start: AtomicUsize,
        /// Address behind the last byte.
        end: AtomicUsize,
        /// Offset of the lowest page that could not be read, or [`NONE`].
        fault: AtomicUsize,
        next: OnceLock<Box<Place>>,
    }

    static FIRST: Place = Place::new();

    impl Place {
        const fn new() -> Self {
            Self {
                taken: AtomicBool::new(false),
                start: AtomicUsize::new(0),
                end: AtomicUsize::new(0),
                fault: AtomicUsize::new(NONE),
                next: OnceLock::new(),
            }
        }

        /// How far into the map an address lies.
        fn offset(&self, address: usize) -> Option<usize> {
            let start = self.start.load(Ordering::SeqCst);
            let end = self.end.load(Ordering::SeqCst);
            let inside = start != 0 && (start..end).contains(&address);
            // The place may have been taken by another map meanwhile, and the end may be of that one. The
            // map that an address of ours lies in is borrowed by whoever touched it: its place stays.
            (inside && self.start.load(Ordering::SeqCst) == start).then(|| address - start)
        }
    }

    /// What the handler needs to know.
    #[derive(Clone, Copy)]
    struct Installed {
        /// What was done about SIGBUS before.
        before: libc::sigaction,
        page: usize,
    }

    static INSTALLED: OnceLock<io::Result<Installed>> = OnceLock::new();

    /// Sees to it that the handler is there.
    pub(super) fn install() -> io::Result<()> {
        match INSTALLED.get_or_init(read_and_install) {
            Ok(_) => Ok(()),
            Err(e) => Err(e.kind().into()),
        }
    }

    fn read_and_install() -> io::Result<Installed> {
        let checked = |code: libc::c_int| if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        // SAFETY: `sigaction` is a plain C struct for which zeros are a value; the pointers are to it, and
        // the calls keep none of them. The handler has the signature that SA_SIGINFO asks for, and does
        // only what may be done in a handler. It runs on the stack for signals, where a thread has one: a
        // stack that has overflowed may be a SIGBUS too, which goes on to who was there before, Rust's own
        // handler among them.
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

    /// Runs on the thread that touched the page, between two of its instructions, whatever it was
    /// doing. So nothing here allocates, locks or unwinds: it reads and writes atomics, asks `OnceLock`s
    /// that are never waited for, and calls the system.
    extern "C" fn on_sigbus(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // No map of ours is there before the handler is known.
        let Some(Ok(installed)) = INSTALLED.get() else {
            // SAFETY: as the default action is taken, the instruction is tried again and ends the process.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            return;
        };
        // SAFETY: with SA_SIGINFO the system passes a valid description, whose address is meant where
        // the system made the signal.
        let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
        let is_missing_page = matches!(code, libc::BUS_ADRERR | libc::BUS_OBJERR | libc::BUS_MCEERR_AR);
        let mut place = is_missing_page.then_some(&FIRST);
        while let Some(current) = place {
            if let Some(offset) = current.offset(address) {
                return replace(current, offset, address, installed.page);
            }
            place = current.next.get().map(|next| &**next);
        }
        // SAFETY: what is passed on is what was passed to us.
        unsafe { pass_on(&installed.before, code, signal, info, context) }
    }

    /// Puts zeros in the place of the page with this address.
    fn replace(place: &Place, offset: usize, address: usize, page: usize) {
        let start = address & !(page - 1);
        // SAFETY: the page belongs to a map of ours that is in use, as the thread that touched it borrows
        // it; it is not unmapped meanwhile, and nothing but it is replaced. It was not readable, so nobody
        // relies on what it held. `mmap` is a bare system call here, and errno is as it was unless it fails.
        let zeros = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            libc::mmap(start as *mut libc::c_void, page, libc::PROT_READ, flags, -1, 0)
        };
        if zeros == libc::MAP_FAILED {
            const SAID: &[u8] = b"a mapped file could not be read, and no memory is left to go on\n";
            // SAFETY: the bytes are there; the process ends, without running anything else of it.
            unsafe {
                libc::write(libc::STDERR_FILENO, SAID.as_ptr().cast(), SAID.len());
                libc::_exit(2);
            }
        }
        // Maps begin at pages.
        let offset = offset & !(page - 1);
        // The first one to fail makes the map one that has failed; the others may come from many threads.
        if place.fault.fetch_min(offset, Ordering::SeqCst) == NONE {
            FAULTS.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Leaves a signal that is none of ours to who had it before.
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
        // SAFETY: the system had this action installed, so the address is that of a handler of the kind
        // that the flags say.
        unsafe {
            // Codes of what processes send one another are not above 0.
            let was_sent = code <= 0;
            match before.sa_sigaction {
                // One that was sent is ignored still; a page that is missing ends the process all the same.
                libc::SIG_IGN if was_sent => {}
                libc::SIG_DFL | libc::SIG_IGN => {
                    // The instruction is tried again on return; one that was sent has to be sent again.
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

    /// A map that the handler knows of, for as long as this lives.
    #[derive(Debug)]
    pub(super) struct Watch {
        place: &'static Place,
    }

    impl Watch {
        pub(super) fn new(bytes: &[u8]) -> Self {
            let mut place = &FIRST;
            while place.taken.swap(true, Ordering::SeqCst) {
                place = place.next.get_or_init(|| Box::new(Place::new()));
            }
            // Whoever sees the start sees all of it.
            let start = bytes.as_ptr() as usize;
            place.fault.store(NONE, Ordering::SeqCst);
            place.end.store(start.saturating_add(bytes.len()), Ordering::SeqCst);
            place.start.store(start, Ordering::SeqCst);
            Self { place }
        }

        pub(super) fn fault(&self) -> Option<u64> {
            // What was read before was read before: the handler is no call that the compiler sees.
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

/// Where nothing is watched.
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

    /// Runs one test of this module in a process of its own, in a role that it plays there.
    fn play(test: &str, role: &str) -> Output {
        let exact = format!("open::map::tests::{test}");
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([&exact, "--exact", "--nocapture"]).env("PML_TEST_ROLE", role).output().unwrap()
    }

    fn role() -> Option<String> {
        std::env::var("PML_TEST_ROLE").ok()
    }

    /// A file of so many bytes, all of which are cut off once it is mapped.
    fn cut_while_mapped<T>(bytes: u64, map: impl FnOnce(&Path) -> T) -> T {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(bytes).unwrap();
        let mapped = map(file.path());
        OpenOptions::new().write(true).open(file.path()).unwrap().set_len(0).unwrap();
        mapped
    }

    /// A map that this module knows nothing of.
    fn foreign() -> Mmap {
        // SAFETY: that it is changed is what is tested; the process is there for nothing else.
        cut_while_mapped(1 << 20, |path| unsafe { Mmap::map(&File::open(path).unwrap()).unwrap() })
    }

    fn send(signal: &str) {
        let pid = std::process::id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    extern "C" fn end_with_42(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: ends the process, and may be called by a handler.
        unsafe { libc::_exit(42) }
    }

    fn install_end_with_42() {
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = end_with_42;
        // SAFETY: a handler of the kind that the flag says, which does what handlers may.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()), 0);
        }
    }

    #[test]
    fn signals_about_other_things_end_the_process_as_ever() {
        let Some(role) = role() else {
            for role in ["foreign map", "sent"] {
                let output = play("signals_about_other_things_end_the_process_as_ever", role);
                assert_eq!(output.status.signal(), Some(libc::SIGBUS), "{role}: {output:?}");
            }
            return;
        };
        // A map of ours has failed before, and has been survived.
        let ours = cut_while_mapped(1 << 20, |path| map(path).unwrap());
        assert_eq!((ours[5000], ours.fault().is_some()), (0, true));
        match role.as_str() {
            // Rust's own handler takes the first one for a fault that will come again.
            "sent" => (0..2).for_each(|_| send("-BUS")),
            _ => println!("{}", foreign()[5000]),
        }
    }

    #[test]
    fn an_older_handler_is_asked_about_other_things_alone() {
        let Some(role) = role() else {
            for (role, status) in [("ours", 0), ("foreign map", 42), ("sent", 42)] {
                let output = play("an_older_handler_is_asked_about_other_things_alone", role);
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
            let output = play("without_memory_the_process_ends_and_says_so", "child");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains("a mapped file could not be read, and no memory is left"), "{said}");
            return;
        }
        // Every other page becomes a map of its own, until the system has no more of them to give.
        let map = cut_while_mapped((most * 2 * PAGE) as u64, |path| map(path).unwrap());
        let sum: usize = map.iter().step_by(2 * PAGE).map(|byte| usize::from(*byte)).sum();
        println!("all could be read: {sum}");
    }
}
