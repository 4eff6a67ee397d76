//! How fast text logs are read: records split, and all that a log says, beside a count of its lines and
//! ripgrep with the same literals. `text_logs [MiB]`; the log is generated in memory.

use pml_analyzer::logs::{LogFile, Needles, Signatures, detect, needles, read};
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

/// A CBS.log of at least `bytes` bytes: sessions that install one package after the other, with the proportions of
/// records of real logs. Nine in a hundred records speak of a failure that means nothing.
fn cbs_log(bytes: usize) -> Vec<u8> {
    let mut text = String::with_capacity(bytes + 4096);
    let (mut session, mut number) = (0x01DA_C3BF_0000_0000u64, 0u32);
    while text.len() < bytes {
        number += 1;
        session += 600_000_000;
        let minute = number % 60;
        let time = format!(
            "2024-08-{:02} {:02}:{minute:02}:{:02}",
            1 + number / 1440 % 28,
            number / 60 % 24,
            number % 60
        );
        let (high, low) = (session >> 32, session & 0xFFFF_FFFF);
        let mut line = |level: &str, source: &str, message: &str| {
            let _ = write!(text, "{time}, {level:<22}{source:<7}{message}\r\n");
        };
        line(
            "Info",
            "CBS",
            &format!(
                "Session: {high}_{low} initialized by client WindowsUpdateAgent, external staging directory: (null)"
            ),
        );
        for n in 0..40 {
            line(
                "Info",
                "CBS",
                &format!(
                    "Appl: detectParent: package: Package_{n}_for_KB50{number:05}~31bf3856ad364e35~amd64~~10.0.1.{n}, no parent found, go absent"
                ),
            );
            line(
                "Info",
                "CBS",
                &format!(
                    "Plan: Package: Package_{n}_for_KB50{number:05}~31bf3856ad364e35~amd64~~10.0.1.{n}, current: Absent, pending: Default, start: Absent, applicable: Installed, targeted: Installed, limit: Installed"
                ),
            );
            line(
                "Info",
                "CSI",
                &format!(
                    "{n:08x} Performing 1 operations; 1 are not lock/unlock and follow:\n  (0)  LockComponentPath (10): flags: 0 comp: {{l:16 b:9a1c2f3e4d5b6a79}} pathid: {{l:16 b:0011223344556677}} path: [l:206{{103}}]\"\\SystemRoot\\WinSxS\\amd64_microsoft-windows-c..{n}_31bf3856ad364e35_10.0.19041.4651_none_0123456789abcdef\""
                ),
            );
            line("Info", "", &format!("arbiter: update {number} evaluated in {n} ms"));
            if n % 10 == 0 {
                line(
                    "Info",
                    "CBS",
                    "Failed to internally open package. [HRESULT = 0x800f0805 - CBS_E_INVALID_PACKAGE]",
                );
            }
        }
        line(
            "Info",
            "CBS",
            &format!("Session: {high}_{low} finalized. Reboot required: no [HRESULT = 0x00000000 - S_OK]"),
        );
    }
    text.into_bytes()
}

/// Seconds of the best of five.
fn best<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let begin = Instant::now();
        black_box(work());
        best = best.min(begin.elapsed().as_secs_f64());
    }
    best
}

fn main() {
    let mebibytes = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(128usize);
    let log = cbs_log(mebibytes << 20);
    let signatures = Signatures::embedded().expect("signatures without mistakes");
    let (kind, encoding) = detect(&log).expect("a log");
    let rate = |seconds: f64| log.len() as f64 / seconds / 1e9;
    let lines = best(|| memchr_lines(&log));
    println!("{:<28} {:>6.2} GB/s", "lines counted", rate(lines));
    let report = |name: &str, seconds: f64| {
        println!(
            "{name:<28} {:>6.2} GB/s  {:>6.1} x the time of a count of lines",
            rate(seconds),
            seconds / lines
        );
    };
    let none = Needles::new([""; 0]);
    report("records split", best(|| read(&log, kind, encoding, Some(&none), |_| {}).records));
    report(
        "records visited",
        best(|| {
            read(&log, kind, encoding, None, |record| {
                black_box(record.line);
            })
            .records
        }),
    );
    let chosen = needles(kind, &signatures).expect("a kind with needles");
    let mut visited = 0u64;
    report(
        "records chosen",
        best(|| {
            visited = 0;
            read(&log, kind, encoding, Some(&chosen), |_| visited += 1).records
        }),
    );
    println!("{visited} records chosen");
    report("all that the log says", best(|| LogFile::read("CBS.log", &log, &signatures)));
    ripgrep(&log, &signatures, kind);
}

fn memchr_lines(log: &[u8]) -> usize {
    log.iter().filter(|&&b| b == b'\n').count()
}

/// ripgrep on one thread with the literals by which records are chosen, where it is installed.
fn ripgrep(log: &[u8], signatures: &Signatures, kind: pml_analyzer::logs::Kind) {
    let file = std::env::temp_dir().join(format!("text_logs-{}.log", std::process::id()));
    if std::fs::write(&file, log).is_err() {
        return;
    }
    let mut command = Command::new("rg");
    command.args(["--threads", "1", "--count", "--fixed-strings", "--no-config"]);
    for literal in pml_analyzer::logs::literals(kind, signatures) {
        command.args(["-e", literal]);
    }
    command.arg(&file).stdout(std::process::Stdio::null());
    if command.status().is_ok() {
        let seconds = best(|| command.status());
        println!("{:<28} {:>6.2} GB/s", "ripgrep, same literals", log.len() as f64 / seconds / 1e9);
    }
    let _ = std::fs::remove_file(&file);
}
