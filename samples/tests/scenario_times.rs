//! Durations, pauses and exit statuses are those of the scenarios.

use pml_parser::{Log, LogSet, TextOptions};
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario;

struct Row {
    seconds: f64,
    duration: f64,
    process: String,
    operation: &'static str,
    path: String,
    detail: String,
    status: u32,
}

fn rows(file: &str, variant: Option<&str>, events: u64) -> Vec<Row> {
    let mut scenario = scenario::load(&scenario::directory().join(file)).unwrap();
    if let Some(name) = variant {
        scenario = scenario.variant(name).unwrap();
    }
    let options = Options { amount: Amount::Events(events), ..scenario.options() };
    let parts = scenario.generate_in_memory(&options).unwrap().parts;
    let set = LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect());
    let mut start = None;
    let convert = |event: Result<pml_parser::Event<'_>, _>| {
        let event = event.unwrap();
        let start = *start.get_or_insert(event.time().0);
        let (mut path, mut detail) = (String::new(), String::new());
        event.push_path(&TextOptions::default(), &mut path);
        event.push_detail(&TextOptions::default(), &mut detail);
        Row {
            seconds: (event.time().0 - start) as f64 / 1e7,
            duration: event.duration().map_or(0, |ticks| ticks.0) as f64 / 1e7,
            process: event.process().unwrap().name().to_string(),
            operation: event.operation().name(),
            path,
            detail,
            status: event.status().0,
        }
    };
    set.events().map(convert).collect()
}

fn lifetime(rows: &[Row], process: &str) -> (f64, f64) {
    let at = |operation: &str| {
        let found = rows.iter().find(|event| event.process == process && event.operation == operation);
        found.unwrap_or_else(|| panic!("no {operation} of {process}")).seconds
    };
    (at("Process Start"), at("Process Exit"))
}

#[test]
fn a_hang_lasts_a_quarter_of_an_hour() {
    let rows = rows("S15-hang.toml", None, 6_000);
    let (start, end) = lifetime(&rows, "TrustedInstaller.exe");
    assert!(end - start > 905.0, "{}", end - start);
    let worker: Vec<f64> =
        rows.iter().filter(|event| event.process == "TiWorker.exe").map(|event| event.seconds).collect();
    let longest = worker.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(longest > 14.0 * 60.0, "the worker is silent for {longest} s at most");
}

#[test]
fn a_check_of_the_volume_lasts_half_an_hour() {
    let rows = rows("S23-chkdsk.toml", None, 6_000);
    let (start, end) = lifetime(&rows, "autochk.exe");
    assert!((1_400.0..2_300.0).contains(&(end - start)), "{}", end - start);
    assert!(
        rows.iter().any(|event| event.process == "autochk.exe" && event.detail.contains("Exit Status: 2"))
    );
}

#[test]
fn a_scanner_holds_the_file_while_the_queue_tries() {
    for (file, events) in [("S07-scanner-holds-file.toml", 6_000), ("S07-scanner-holds-file.toml", 40_000)] {
        let rows = rows(file, None, events);
        let opened = rows
            .iter()
            .find(|event| event.process == "AvSvc.exe" && event.path.ends_with(r"\foo.sys"))
            .unwrap()
            .seconds;
        let tries: Vec<f64> = rows
            .iter()
            .filter(|event| event.status == 0xC000_0043 && event.operation.starts_with("SetRename"))
            .filter(|event| event.process == "poqexec.exe")
            .map(|event| event.seconds)
            .collect();
        assert_eq!(tries.len(), 6);
        assert!(opened < tries[0], "{opened} {tries:?}");
        assert!(tries.windows(2).all(|pair| pair[1] - pair[0] >= 1.5), "{tries:?}");
        let closed = rows
            .iter()
            .find(|event| event.process == "AvSvc.exe" && event.operation == "CloseFile")
            .unwrap()
            .seconds;
        assert!(closed > tries[5], "{closed} {tries:?}");
        let exit = "Exit Status: -1073741757";
        assert!(rows.iter().any(|event| event.process == "poqexec.exe" && event.detail.contains(exit)));
    }
}

#[test]
fn bad_sectors_take_their_time() {
    let rows = rows("S04-disk-and-missing.toml", None, 6_000);
    let slow = rows.iter().filter(|event| event.status == 0xC000_009C && event.duration > 1.0);
    assert_eq!(slow.count(), 3);
    assert!(rows.iter().all(|event| event.process != "explorer.exe"));
}

#[test]
fn a_drive_letter_applies_to_the_whole_log() {
    let rows = rows("S04-disk-and-missing.toml", Some("drive-d"), 6_000);
    assert!(rows.iter().all(|event| !event.path.starts_with(r"C:\")));
    assert!(rows.iter().any(|event| event.path.starts_with(r"D:\Windows\WinSxS")));
}

#[test]
fn text_logs_agree_with_the_events() {
    let scenario = scenario::load(&scenario::directory().join("S05-missing-payload.toml")).unwrap();
    let options = Options { amount: Amount::Events(6_000), ..scenario.options() };
    let capture = scenario.generate_in_memory(&options).unwrap();
    let set = LogSet::new(capture.parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect());
    let queue = set
        .events()
        .map(Result::unwrap)
        .filter_map(|event| event.process())
        .find(|process| process.name().to_string() == "poqexec.exe");
    let start = queue.unwrap().start().0;
    let text = |name| &capture.companions.iter().find(|companion| companion.name == name).unwrap().text;
    assert!(
        text("poqexec.log").starts_with(&format!("{start:x}: 832, c0000034, ")),
        "{}",
        text("poqexec.log")
    );
    assert!(text("poqexec.log").ends_with("msmpeg2vdec.dll\r\n"));

    // The first line is written when the installer has set its first value and closes the key.
    let first_write = set.events().map(Result::unwrap).find(|event| {
        let mut path = String::new();
        event.push_path(&TextOptions::default(), &mut path);
        event.operation().name() == "RegCloseKey" && path.ends_with("Interface")
    });
    let seconds = first_write.unwrap().time().0 / 10_000_000 + 8 * 3_600;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let first = text("CBS.log").lines().next().unwrap();
    assert_eq!(
        first,
        format!(
            "2024-11-14 {clock}, Info                  CBS    TI: --- Initializing Trusted Installer ---"
        )
    );
    assert!(text("CBS.log").contains("Universal Time is: 2024-11-14 0"));
}
