//! Failures around a conversion: of the log, the disk, the reader of a pipe, permissions, and Ctrl-C.
//! After each of them, no incomplete output has its final name, and no temporary is left.

fn main() -> std::process::ExitCode {
    #[cfg(unix)]
    return unix::main();
    // Other systems allow only administrators to cause such failures.
    #[cfg(not(unix))]
    std::process::ExitCode::SUCCESS
}

#[cfg(unix)]
mod unix {
    use libtest_mimic::{Arguments, Trial};
    use pml_samples::boot::{Amount, Options};
    use pml_samples::scenario::generate_in_memory;
    use std::collections::BTreeMap;
    use std::fs::{self, File, OpenOptions, Permissions};
    use std::io::{self, Read};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitCode, Output, Stdio};
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};
    use tempfile::TempDir;

    pub(crate) fn main() -> ExitCode {
        #[cfg(target_os = "linux")]
        if let Ok(bad) = std::env::var(bad_disk::ROLE) {
            return bad_disk::run_on_it(bad.parse().unwrap());
        }
        let test = |name: &str, run: fn()| {
            Trial::test(name, move || {
                run();
                Ok(())
            })
        };
        let mut tests = vec![
            test("closed_pipes_are_no_failure_of_any_command", closed_pipes_are_no_failure_of_any_command),
            test("limits_on_files_leave_nothing_behind", limits_on_files_leave_nothing_behind),
            test("missing_permissions_are_reported", missing_permissions_are_reported),
            test("a_conversion_may_be_stopped_at_any_moment", a_conversion_may_be_stopped_at_any_moment),
            test("a_slice_may_be_stopped_at_any_moment", a_slice_may_be_stopped_at_any_moment),
            test("a_triage_may_be_stopped_at_any_moment", a_triage_may_be_stopped_at_any_moment),
            test("a_fleet_may_be_stopped_at_any_moment", a_fleet_may_be_stopped_at_any_moment),
        ];
        if cfg!(target_os = "linux") {
            let can_mount = can_mount();
            if !can_mount {
                eprintln!(
                    "a_full_file_system_leaves_nothing_behind: ignored, because mounting is not allowed"
                );
            }
            #[cfg(target_os = "linux")]
            let has_bad_disk = bad_disk::can_be();
            #[cfg(not(target_os = "linux"))]
            let has_bad_disk = false;
            if !has_bad_disk {
                eprintln!(
                    "a_disk_with_bad_sectors_ends_every_command: ignored, because FUSE is not available"
                );
            }
            tests.extend([
                test(
                    "a_log_that_is_cut_short_ends_every_command",
                    linux::a_log_that_is_cut_short_ends_every_command,
                ),
                test("a_cut_within_the_last_page_is_detected", linux::a_cut_within_the_last_page_is_detected),
                test(
                    "a_log_that_is_cut_short_ends_piped_output",
                    linux::a_log_that_is_cut_short_ends_piped_output,
                ),
                test(
                    "a_log_that_is_cut_short_is_a_line_of_a_fleet",
                    linux::a_log_that_is_cut_short_is_a_line_of_a_fleet,
                ),
                test(
                    "a_log_that_is_deleted_is_read_to_the_end",
                    linux::a_log_that_is_deleted_is_read_to_the_end,
                ),
                test("a_full_device_is_reported", a_full_device_is_reported),
                test(
                    "a_disk_with_bad_sectors_ends_every_command",
                    bad_disk::a_disk_with_bad_sectors_ends_every_command,
                )
                .with_ignored_flag(!has_bad_disk),
                test("a_replaced_output_exists_at_any_moment", a_replaced_output_exists_at_any_moment),
                test("a_full_file_system_leaves_nothing_behind", a_full_file_system_leaves_nothing_behind)
                    .with_ignored_flag(!can_mount),
            ]);
        }
        libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
    }

    /// A log of `events` events.
    fn log(events: u64, seed: u64) -> Vec<u8> {
        let options = Options { amount: Amount::Events(events), seed, ..Options::default() };
        generate_in_memory(&options).unwrap().remove(0)
    }

    /// Logs that several tests read.
    static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| log(2_000, 1));
    static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| log(20_000, 2));

    /// A folder with a small log, `Bootlog.pml`.
    fn fixture() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Bootlog.pml"), &*SMALL).unwrap();
        folder
    }

    fn pml(folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pml"));
        command.args(args).current_dir(folder).stdin(Stdio::null());
        command
    }

    fn said(output: &Output) -> String {
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Every file below a folder, with its bytes.
    fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(folder).unwrap().to_owned();
                if path.is_dir() {
                    // A directory may be left behind, too.
                    found.insert(name, Vec::new());
                    folders.push(path);
                } else {
                    found.insert(name, fs::read(path).unwrap());
                }
            }
        }
        found
    }

    fn names(folder: &Path) -> Vec<String> {
        files(folder).into_keys().map(|name| name.display().to_string()).collect()
    }

    /// The commands that write to a path, and the outputs they write.
    const WRITERS: [&[&str]; 8] = [
        &["convert", "Bootlog.pml", "-qo", "out"],
        &["convert", "Bootlog.pml", "-qo", "out.parquet"],
        &["convert", "Bootlog.pml", "-qo", "out.csv"],
        &["convert", "Bootlog.pml", "-qo", "out.jsonl"],
        &["slice", "Bootlog.pml", "-qo", "out.pml"],
        &["triage", "Bootlog.pml", "-qo", "out.html", "--format", "html"],
        &["triage", "Bootlog.pml", "-q", "--parquet", "out"],
        &["triage", "Bootlog.pml", "-q", "--evidence", "out.pml"],
    ];

    /// The commands that write to standard output.
    const PRINTERS: [&[&str]; 15] = [
        &["convert", "Bootlog.pml", "-qo", "-", "--to", "csv"],
        &["convert", "Bootlog.pml", "-qo", "-", "--to", "xml"],
        &["convert", "Bootlog.pml", "-qo", "-", "--to", "jsonl"],
        &["convert", "Bootlog.pml", "-qo", "-", "--to", "arrow"],
        &["convert", "Bootlog.pml", "-qo", "-", "--to", "parquet"],
        &["triage", "Bootlog.pml"],
        &["triage", "Bootlog.pml", "--format", "json"],
        &["triage", "Bootlog.pml", "--format", "html"],
        &["triage", "Bootlog.pml", "./Bootlog.pml", "--no-set", "--format", "jsonl"],
        &["info", "Bootlog.pml"],
        &["info", "Bootlog.pml", "--format", "json"],
        &["rules"],
        &["schema"],
        &["completions", "bash"],
        &["man"],
    ];

    fn closed_pipes_are_no_failure_of_any_command() {
        let folder = fixture();
        for args in PRINTERS {
            let (reader, writer) = io::pipe().unwrap();
            drop(reader);
            let output = pml(folder.path(), args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
            assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()), "{args:?}");
        }
        assert_eq!(names(folder.path()), ["Bootlog.pml"]);
    }

    fn a_full_device_is_reported() {
        let folder = fixture();
        for args in PRINTERS {
            let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
            let output = pml(folder.path(), args).stdout(full).stderr(Stdio::piped()).output().unwrap();
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert!(said.contains("pml: standard output: No space left on device"), "{args:?}: {said}");
            assert!(said.contains("hint: ") && said.contains("not complete"), "{args:?}: {said}");
        }
    }

    /// The size of files is limited, as on a file system that has only small files.
    fn limits_on_files_leave_nothing_behind() {
        let folder = fixture();
        for args in WRITERS {
            // Some commands have little to write.
            let script = "ulimit -f 0; trap '' XFSZ; exec \"$@\"";
            let output = Command::new("bash")
                .args(["-c", script, "-", env!("CARGO_BIN_EXE_pml")])
                .args(args)
                .current_dir(folder.path())
                .output()
                .unwrap();
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert!(said.contains("pml: out") && said.contains("File too large"), "{args:?}: {said}");
            assert!(said.contains("hint: ") && said.contains("ulimit"), "{args:?}: {said}");
            assert_eq!(names(folder.path()), ["Bootlog.pml"], "{args:?}");
        }
    }

    /// Runs a script where `full` is a file system of `size` KiB.
    fn on_tmpfs(folder: &Path, size: u32, script: &str, args: &[&str]) -> Output {
        fs::create_dir_all(folder.join("full")).unwrap();
        let mount = format!("mount -t tmpfs -o size={size}k none full || exit 77; {script}");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "bash", "-c", &mount, "-", env!("CARGO_BIN_EXE_pml")]);
        command.args(args).current_dir(folder).output().unwrap()
    }

    /// Whether this process may mount file systems in a private namespace.
    fn can_mount() -> bool {
        let folder = tempfile::tempdir().unwrap();
        let probe = Command::new("unshare").arg("--version").output().is_ok();
        probe && on_tmpfs(folder.path(), 64, "exit 0", &[]).status.success()
    }

    fn a_full_file_system_leaves_nothing_behind() {
        let folder = fixture();
        for args in WRITERS {
            // A report is small, so the disk is full from the start.
            let place =
                |arg: &&str| if arg.starts_with("out") { format!("full/{arg}") } else { (*arg).to_owned() };
            let args: Vec<String> = args.iter().map(place).collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let script = "head -c 1000000 /dev/zero > full/ballast 2> /dev/null; \"$@\" > /dev/null; code=$?; ls -A full; exit $code";
            let output = on_tmpfs(folder.path(), 64, script, &args);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert!(
                said.contains("full/out") && said.contains("No space left on device"),
                "{args:?}: {said}"
            );
            assert!(said.contains("hint: ") && said.contains("free space"), "{args:?}: {said}");
            let left = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                left.ends_with("ballast\n") && !left.contains("out") && !left.contains(".pml-"),
                "{args:?}: {left}"
            );
        }
    }

    /// Lets a command run as a user without special rights, who can reach the program.
    fn without_privileges(folder: &Path, args: &[&str]) -> Output {
        // The user with this number owns no file.
        const NOBODY: u32 = 65_534;
        let mut command = pml(folder, args);
        if File::create(folder.join("mine")).and_then(|file| file.metadata()).unwrap().uid() == 0 {
            let program = folder.join("pml");
            if !program.exists() {
                fs::copy(env!("CARGO_BIN_EXE_pml"), &program).unwrap();
            }
            command = Command::new(program);
            command.args(args).current_dir(folder).uid(NOBODY).gid(NOBODY);
        }
        fs::remove_file(folder.join("mine")).unwrap();
        command.output().unwrap()
    }

    fn missing_permissions_are_reported() {
        let folder = fixture();
        let set = |name: &str, mode: u32| {
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(mode)).unwrap();
        };
        set("", 0o755);
        fs::create_dir(folder.path().join("out")).unwrap();
        set("out", 0o555);
        for args in WRITERS {
            let place =
                |arg: &&str| if arg.starts_with("out") { format!("out/{arg}") } else { (*arg).to_owned() };
            let args: Vec<String> = args.iter().map(place).collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let output = without_privileges(folder.path(), &args);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert!(
                said.contains("pml: out/out") && said.to_lowercase().contains("permission denied"),
                "{args:?}: {said}"
            );
            assert!(said.contains("hint: check the rights"), "{args:?}: {said}");
            assert_eq!(said.matches("out/out").count(), 1, "{args:?}: {said}");
            assert_eq!(names(&folder.path().join("out")), [""; 0], "{args:?}");
        }
        // First a part that the program finds cannot be read, then the named part.
        fs::write(folder.path().join("Bootlog-1.pml"), &*SMALL).unwrap();
        set("Bootlog-1.pml", 0o000);
        let output = without_privileges(folder.path(), &["info", "Bootlog.pml"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("left out: Bootlog-1.pml: Permission denied"), "{}", said(&output));
        set("Bootlog.pml", 0o000);
        for args in WRITERS.into_iter().chain(PRINTERS).filter(|args| args.contains(&"Bootlog.pml")) {
            let output = without_privileges(folder.path(), args);
            let said = said(&output);
            // In a fleet the failure is a line, and the other captures are still analyzed.
            let status = if args.contains(&"./Bootlog.pml") { 1 } else { 2 };
            assert!(said.contains("Permission denied"), "{args:?}: {said}");
            assert!(output.status.code() == Some(status) || status == 1, "{args:?}: {said}");
        }
        assert_eq!(names(&folder.path().join("out")), [""; 0]);
    }

    fn signal(child: &Child, name: &str) {
        // The process may have ended already.
        let kill = format!("kill -{name} {} 2> /dev/null", child.id());
        Command::new("sh").args(["-c", &kill]).status().unwrap();
    }

    /// Stops a command at many moments, with and without an older output in its place. Either the command was
    /// stopped, and the older output is unchanged; or the command was done, and its output is complete.
    fn stop_at_any_moment(moments: u32, logs: &[&str], bytes: &[u8], args: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let write = |bytes: &[u8]| {
            logs.iter().for_each(|log| {
                let path = folder.path().join(log);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            });
        };
        let run = |args: &[&str]| {
            let done = pml(folder.path(), args).output().unwrap();
            assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        };
        let clear = || {
            for (name, _) in files(folder.path()).iter().rev() {
                let path = folder.path().join(name);
                if path.is_dir() { fs::remove_dir(path).unwrap() } else { fs::remove_file(path).unwrap() }
            }
        };
        // The older output was made from another log.
        write(&log(500, 9));
        run(args);
        let mut old = files(folder.path());
        clear();
        write(bytes);
        let before = files(folder.path());
        let mut took = Duration::MAX;
        for _ in 0..3 {
            clear();
            write(bytes);
            let begin = Instant::now();
            run(args);
            took = took.min(begin.elapsed());
        }
        let done = files(folder.path());
        for (name, bytes) in &before {
            old.insert(name.clone(), bytes.clone());
        }
        let forced = [args, &["--force"]].concat();
        let (mut stopped, mut finished) = (0, 0);
        for moment in 0..moments {
            let replaces = moment % 3 == 2;
            clear();
            let expected = if replaces { &old } else { &before };
            for (name, bytes) in expected {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                // The list includes directories, which have no bytes.
                if !done.keys().any(|other| other != name && other.starts_with(name)) {
                    fs::write(path, bytes).unwrap();
                }
            }
            let args: &[&str] = if replaces { &forced } else { args };
            let child =
                pml(folder.path(), args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            std::thread::sleep(took * moment / (moments - 4));
            signal(&child, ["INT", "TERM", "HUP"][moment as usize / 3 % 3]);
            let output = child.wait_with_output().unwrap();
            let said = said(&output);
            let after = files(folder.path());
            let left: Vec<_> = after.keys().collect();
            match output.status.code() {
                Some(0) => {
                    finished += 1;
                    assert!(after == done, "moment {moment}: not all of it: {left:?}");
                }
                Some(2) => {
                    stopped += 1;
                    assert!(said.contains("pml: stopped"), "moment {moment}: {said}");
                    assert!(after == *expected, "moment {moment}: {left:?}");
                }
                code => {
                    // The signal came before the program had set its handler.
                    assert!(
                        code.is_none() && output.status.signal().is_some(),
                        "moment {moment}: {code:?} {said}"
                    );
                    assert!(after == *expected && said.is_empty(), "moment {moment}: {left:?}");
                }
            }
        }
        eprintln!("{args:?}: stopped {stopped}, finished {finished} of {moments}, {took:?}");
    }

    fn a_conversion_may_be_stopped_at_any_moment() {
        stop_at_any_moment(30, &["Bootlog.pml"], &SMALL, &["convert", "Bootlog.pml", "-o", "out"]);
        stop_at_any_moment(30, &["Bootlog.pml"], &LARGE, &["convert", "Bootlog.pml", "-o", "out.csv"]);
    }

    fn a_slice_may_be_stopped_at_any_moment() {
        stop_at_any_moment(30, &["Bootlog.pml"], &LARGE, &["slice", "Bootlog.pml", "-o", "out.pml"]);
    }

    fn a_triage_may_be_stopped_at_any_moment() {
        stop_at_any_moment(20, &["Bootlog.pml"], &SMALL, &["triage", "Bootlog.pml", "--parquet", "out"]);
    }

    fn a_fleet_may_be_stopped_at_any_moment() {
        let logs = ["fleet/a.pml", "fleet/b.pml", "fleet/c.pml"];
        stop_at_any_moment(12, &logs, &SMALL, &["triage", "fleet", "--format", "jsonl", "-o", "out.jsonl"]);
    }

    /// While a dataset is replaced, opening one of its tables gives the old table or the new one.
    fn a_replaced_output_exists_at_any_moment() {
        let folder = tempfile::tempdir().unwrap();
        let table = |of: &str| fs::read(folder.path().join(of).join("events.parquet"));
        for (name, events) in [("a", 300), ("b", 400)] {
            fs::write(folder.path().join(format!("{name}.pml")), log(events, 3)).unwrap();
            let done =
                pml(folder.path(), &["convert", &format!("{name}.pml"), "-qo", name]).output().unwrap();
            assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        }
        let both = [table("a").unwrap(), table("b").unwrap()];
        // Not every file system can exchange directories.
        #[cfg(target_os = "linux")]
        let exchanges = {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            let (a, b) = (folder.path().join("a"), folder.path().join("b"));
            let swap = || renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).is_ok();
            swap() && swap()
        };
        #[cfg(not(target_os = "linux"))]
        let exchanges = false;
        assert_eq!(pml(folder.path(), &["convert", "a.pml", "-qo", "out"]).status().unwrap().code(), Some(0));
        for round in 0..10 {
            let log = if round % 2 == 0 { "b.pml" } else { "a.pml" };
            let mut child = pml(folder.path(), &["convert", log, "-fqo", "out"]).spawn().unwrap();
            while child.try_wait().unwrap().is_none() {
                // The reader may find the old directory, which is emptied before its table is opened. That can happen
                // only once.
                match table("out").or_else(|_| table("out")) {
                    Ok(bytes) => assert!(both.contains(&bytes)),
                    Err(e) => assert!(!exchanges && e.kind() == io::ErrorKind::NotFound, "{e}"),
                }
            }
            assert!(child.wait().unwrap().success());
            assert!(table("out").unwrap() == both[usize::from(round % 2 == 0)]);
        }
        assert!(!names(folder.path()).iter().any(|name| name.contains(".pml-")));
    }

    #[cfg(not(target_os = "linux"))]
    use a_full_device_is_reported as _;

    /// Failures that the program survives on Linux only, or that only Linux shows.
    #[cfg(target_os = "linux")]
    mod linux {
        use super::*;
        use rustix::fs::OFlags;
        use std::io::{PipeReader, Write};
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::OpenOptionsExt;

        /// Bytes that are left of a log that is cut short: more than its header, for any page size.
        const LEFT: u64 = 128 << 10;

        fn cut(path: &Path) {
            cut_to(path, LEFT);
        }

        fn cut_to(path: &Path, length: u64) {
            OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
        }

        /// A pipe that takes nothing until it is read from.
        fn full_pipe() -> (PipeReader, io::PipeWriter) {
            let (reader, writer) = io::pipe().unwrap();
            // The pipe is opened a second time, so that non-blocking mode affects only this file handle.
            let again = format!("/proc/self/fd/{}", writer.as_raw_fd());
            let flags = OFlags::NONBLOCK.bits() as i32;
            let mut again = OpenOptions::new().write(true).custom_flags(flags).open(again).unwrap();
            for size in [4096, 1] {
                while again.write(&vec![b'\n'; size]).is_ok() {}
            }
            (reader, writer)
        }

        /// The parts of a capture with a missing part, of which the program warns once it has opened these parts.
        const LOGS: [&str; 2] = ["Bootlog.pml", "Bootlog-2.pml"];

        fn capture() -> TempDir {
            let folder = tempfile::tempdir().unwrap();
            let options = Options { amount: Amount::Events(20_000), parts: 2, ..Options::default() };
            for (name, bytes) in LOGS.iter().zip(generate_in_memory(&options).unwrap()) {
                fs::write(folder.path().join(name), bytes).unwrap();
            }
            folder
        }

        /// Runs a command until it has opened its logs and read no event, then disturbs the logs and lets the
        /// command continue. The command waits at that point because it warns of a missing part, and its standard
        /// error is a full pipe.
        fn disturb(folder: &Path, args: &[&str], disturbance: impl FnOnce()) -> Output {
            let (mut errors, writer) = full_pipe();
            let mut child = pml(folder, args).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
            let proc = Path::new("/proc").join(child.id().to_string());
            loop {
                assert_eq!(child.try_wait().unwrap(), None, "{args:?} did not wait");
                let maps = fs::read_to_string(proc.join("maps")).unwrap();
                let is_mapped = LOGS.iter().all(|log| maps.contains(&format!("/{log}\n")));
                let state = fs::read_to_string(proc.join("stat")).unwrap();
                if is_mapped
                    && state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
                {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            disturbance();
            let reading = std::thread::spawn(move || {
                let mut said = Vec::new();
                errors.read_to_end(&mut said).unwrap();
                said
            });
            let mut output = child.wait_with_output().unwrap();
            output.stderr = reading.join().unwrap();
            output
        }

        /// Status 2, and the log, the offset, and what to do.
        fn assert_fault(output: &Output, log: &str, what: &dyn std::fmt::Debug) {
            let said = said(output);
            assert_eq!(output.status.code(), Some(2), "{what:?}: {said}");
            let message = format!("pml: {log}: could not be read at 0x");
            assert!(said.contains(&message) && said.contains("was cut short"), "{what:?}: {said}");
            assert!(said.contains("hint: copy the log") && said.contains("--recover"), "{what:?}: {said}");
        }

        pub(super) fn a_log_that_is_cut_short_ends_every_command() {
            let folder = capture();
            let before = files(folder.path());
            let commands: [&[&str]; 9] = [
                &["convert", "-o", "out"],
                &["convert", "-j1", "-o", "out.parquet"],
                &["convert", "-j2", "-o", "out.csv"],
                &["convert", "-o", "-", "--to", "jsonl", "--where", "pid = 1"],
                &["slice", "-o", "out.pml"],
                &["triage", "-o", "out.txt"],
                &["triage", "--parquet", "out", "--evidence", "out.pml"],
                &["triage", "-j2", "--format", "json"],
                &["info"],
            ];
            for args in commands {
                for log in LOGS {
                    let all = [&args[..1], &LOGS[..], &args[1..]].concat();
                    let output = disturb(folder.path(), &all, || cut(&folder.path().join(log)));
                    assert_fault(&output, log, &all);
                    assert!(output.stdout.is_empty(), "{all:?}: something was printed");
                    assert_eq!(
                        names(folder.path()),
                        LOGS.map(str::to_owned).iter().rev().cloned().collect::<Vec<_>>()
                    );
                    fs::write(folder.path().join(log), &before[Path::new(log)]).unwrap();
                }
            }
        }

        /// Only the last byte is cut off: its page still exists, and reads as if the byte were zero.
        pub(super) fn a_cut_within_the_last_page_is_detected() {
            let folder = capture();
            let path = folder.path().join(LOGS[0]);
            let length = fs::metadata(&path).unwrap().len() - 1;
            let args = [&["convert"], &LOGS[..], &["-o", "out"]].concat();
            let output = disturb(folder.path(), &args, || cut_to(&path, length));
            assert_fault(&output, LOGS[0], &args);
            assert!(said(&output).contains(&format!("at {length:#x}:")), "{}", said(&output));
            assert_eq!(names(folder.path()), [LOGS[1], LOGS[0]]);
        }

        pub(super) fn a_log_that_is_cut_short_ends_piped_output() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("Bootlog.pml");
            for format in ["csv", "xml"] {
                fs::write(&path, &*LARGE).unwrap();
                let args = ["convert", "Bootlog.pml", "-qj1", "-o", "-", "--to", format];
                let mut command = pml(folder.path(), &args);
                let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
                // The command has begun to write, and cannot get far: the pipe takes less than a tenth of the output.
                let mut first = [0];
                child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
                cut(&path);
                let output = child.wait_with_output().unwrap();
                assert_fault(&output, "Bootlog.pml", &args);
            }
            assert_eq!(names(folder.path()), ["Bootlog.pml"]);
        }

        /// The other captures of the fleet are still analyzed.
        pub(super) fn a_log_that_is_cut_short_is_a_line_of_a_fleet() {
            let folder = capture();
            fs::create_dir(folder.path().join("other")).unwrap();
            fs::write(folder.path().join("other/Bootlog.pml"), &*SMALL).unwrap();
            let args = [&["triage"], &LOGS[..], &["other", "--format", "jsonl", "-o", "out.jsonl"]].concat();
            let output = disturb(folder.path(), &args, || cut(&folder.path().join(LOGS[1])));
            assert_eq!(output.status.code(), Some(1), "{}", said(&output));
            let lines = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
            let lines: Vec<serde_json::Value> =
                lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let error = lines[0]["error"].as_str().unwrap();
            assert!(error.contains("Bootlog-2.pml: could not be read at 0x"), "{error}");
            assert!(lines.len() == 2 && lines[1]["error"].is_null() && lines[1]["rollback"].is_object());
        }

        pub(super) fn a_log_that_is_deleted_is_read_to_the_end() {
            let folder = capture();
            let args = [&["convert"], &LOGS[..], &["-o", "-", "--to", "csv"]].concat();
            let whole = pml(folder.path(), &args).output().unwrap();
            assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
            let output = disturb(folder.path(), &args, || {
                LOGS.iter().for_each(|log| fs::remove_file(folder.path().join(log)).unwrap());
            });
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            assert!(output.stdout == whole.stdout && whole.stdout.len() > 1_000_000);
        }
    }

    /// A file system of one file, part of which cannot be read: a separate process, in a namespace where it may
    /// mount, answers the kernel (FUSE) and runs the program.
    #[cfg(target_os = "linux")]
    mod bad_disk {
        use super::*;
        use std::io::Write;

        /// Environment variable that marks that process, and holds the offset of the page that cannot be read.
        pub(super) const ROLE: &str = "PML_TEST_BAD_DISK";

        /// Exit status of that process where it could not mount the file system.
        const NOT_MOUNTED: u8 = 77;

        const SECTOR: u64 = 4096;

        /// Runs a command that reads `disk/Bootlog.pml`, which is `Bootlog.pml` except for one page.
        fn run(folder: &Path, bad: u64, args: &[&str]) -> Output {
            fs::create_dir_all(folder.join("disk")).unwrap();
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
            command.args(args).env(ROLE, bad.to_string()).current_dir(folder).output().unwrap()
        }

        pub(super) fn can_be() -> bool {
            let folder = fixture();
            let probe = Command::new("unshare").arg("--version").output().is_ok();
            probe && run(folder.path(), u64::MAX / 2, &["info", "disk/Bootlog.pml"]).status.success()
        }

        pub(super) fn run_on_it(bad: u64) -> ExitCode {
            let log = fs::read("Bootlog.pml").unwrap();
            let fuse = OpenOptions::new().read(true).write(true).open("/dev/fuse");
            let Ok(fuse) = fuse else { return ExitCode::from(NOT_MOUNTED) };
            let mut mount = Command::new("mount");
            mount.args([
                "-i",
                "-t",
                "fuse",
                "-o",
                "fd=0,rootmode=40755,user_id=0,group_id=0",
                "none",
                "disk",
            ]);
            if !mount.stdin(fuse.try_clone().unwrap()).status().is_ok_and(|status| status.success()) {
                return ExitCode::from(NOT_MOUNTED);
            }
            std::thread::spawn(move || {
                let error = serve(fuse, &log, bad);
                // After an error nothing answers the kernel any more, so the process ends.
                eprintln!("{error:?}");
                std::process::exit(78);
            });
            let mut program = Command::new(env!("CARGO_BIN_EXE_pml"));
            let status = program.args(std::env::args_os().skip(1)).stdin(Stdio::null()).status().unwrap();
            ExitCode::from(status.code().map_or(79, |code| code as u8))
        }

        /// Numbers one after the other, each of the given number of bytes.
        fn words(words: &[(u64, usize)]) -> Vec<u8> {
            words.iter().flat_map(|(word, size)| word.to_le_bytes()[..*size].to_vec()).collect()
        }

        /// Attributes of the directory (1) or the file (2), as `struct fuse_attr`.
        fn attributes(node: u64, size: u64) -> Vec<u8> {
            let (mode, size) = if node == 1 { (0o40755, 0) } else { (0o100644, size) };
            let mut out = words(&[(node, 8), (size, 8), (size.div_ceil(512), 8)]);
            // The times, then mode, links, owner, group, device, block size, flags.
            out.extend([0; 36]);
            out.extend(words(&[(mode, 4), (1, 4), (0, 4), (0, 4), (0, 4), (SECTOR, 4), (0, 4)]));
            out
        }

        /// Answers the requests of the kernel until there are no more.
        fn serve(mut fuse: File, log: &[u8], bad: u64) -> io::Result<()> {
            let (enoent, eio, enosys): (i32, i32, i32) = (2, 5, 38);
            const HOURS: (u64, usize) = (10_000, 8);
            let mut request = vec![0; 256 << 10];
            loop {
                let length = fuse.read(&mut request)?;
                let request = &request[..length];
                let word = |at: usize| u64::from_le_bytes(request[at..at + 8].try_into().unwrap());
                let half = |at: usize| u32::from_le_bytes(request[at..at + 4].try_into().unwrap());
                let (id, node, size) = (word(8), word(16), log.len() as u64);
                let answer = match half(4) {
                    // LOOKUP
                    1 if request[40..].starts_with(b"Bootlog.pml\0") => {
                        let entry = words(&[(2, 8), (0, 8), HOURS, HOURS, (0, 8)]);
                        Ok([entry, attributes(2, size)].concat())
                    }
                    1 => Err(enoent),
                    // FORGET wants no answer.
                    2 => continue,
                    // GETATTR
                    3 => Ok([words(&[HOURS, (0, 8)]), attributes(node, size)].concat()),
                    // OPEN, OPENDIR
                    14 | 27 => Ok(vec![0; 16]),
                    // READ
                    15 => {
                        let from = word(48).min(size);
                        let to = (from + u64::from(half(56))).min(size);
                        let meets = from < bad + SECTOR && to > bad;
                        if meets { Err(eio) } else { Ok(log[from as usize..to as usize].to_vec()) }
                    }
                    // RELEASE, FLUSH, RELEASEDIR
                    18 | 25 | 29 => Ok(Vec::new()),
                    // INIT: version, then limits.
                    26 => {
                        let mut out = words(&[
                            (7, 4),
                            (31, 4),
                            (65_536, 4),
                            (0, 4),
                            (12, 2),
                            (10, 2),
                            (65_536, 4),
                            (1, 4),
                        ]);
                        out.resize(64, 0);
                        Ok(out)
                    }
                    // READDIR
                    28 if word(48) == 0 => {
                        let name = b"Bootlog.pml";
                        let entry = words(&[(2, 8), (1, 8), (name.len() as u64, 4), (8, 4)]);
                        let mut entry = [&entry[..], name].concat();
                        entry.resize(entry.len().next_multiple_of(8), 0);
                        Ok(entry)
                    }
                    28 => Ok(Vec::new()),
                    _ => Err(enosys),
                };
                let (error, body) = answer.map_or_else(|error| (error, Vec::new()), |body| (0, body));
                let mut out = Vec::from((16 + body.len() as u32).to_le_bytes());
                out.extend((-error).to_le_bytes());
                out.extend(id.to_le_bytes());
                out.extend(body);
                fuse.write_all(&out)?;
            }
        }

        pub(super) fn a_disk_with_bad_sectors_ends_every_command() {
            let folder = fixture();
            let tables = u64::from_le_bytes(SMALL[0x250..0x258].try_into().unwrap());
            let commands: [&[&str]; 5] = [
                &["convert", "disk/Bootlog.pml", "-o", "out"],
                &["convert", "disk/Bootlog.pml", "-o", "out.csv"],
                &["slice", "disk/Bootlog.pml", "-o", "out.pml"],
                &["triage", "disk/Bootlog.pml", "-o", "out.txt"],
                &["info", "disk/Bootlog.pml"],
            ];
            // A page of the events, and a page of the tables, without which the log cannot be opened.
            for (bad, is_of_events) in [(0x20000, true), (tables / SECTOR * SECTOR, false)] {
                for args in commands {
                    let output = run(folder.path(), bad, args);
                    let said = said(&output);
                    if is_of_events && args[0] == "info" {
                        assert_eq!(output.status.code(), Some(0), "events are not read: {said}");
                        continue;
                    }
                    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
                    let message = format!("pml: disk/Bootlog.pml: could not be read at {bad:#x}: ");
                    assert!(said.contains(&message) && said.contains("ddrescue"), "{args:?}: {said}");
                    assert_eq!(names(folder.path()), ["Bootlog.pml", "disk"], "{args:?}");
                }
            }
        }
    }
}
