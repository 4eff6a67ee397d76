//! Raw boot logs: cells against those that Process Monitor exported after it had converted the same file, damage, and
//! the PML that a raw boot log becomes. data/pmb has small logs of an independent writer.
#![forbid(unsafe_code)]

use pml_parser::export::ScanOptions;
use pml_parser::export::csv::{TextExport, write_csv};
use pml_parser::export::slice::{SliceOptions, slice};
use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess, details};
use pml_parser::{
    Drives, EventClass, Fidelity, FileTime, Log, LogSet, NoProgress, ProcmonColumn, TextOptions, Ticks,
    is_raw_boot,
};
use pml_samples::corpus;
use std::io::Cursor;

/// Columns that come from the machine that converted: its files, its accounts.
const OF_CONVERTER: [&str; 5] = ["Company", "Description", "Version", "User", "Integrity"];
/// The user who converted, whose hive Process Monitor calls HKCU.
const CONVERTER: &str = r"HKU\S-1-5-21-0-0-0-1000";

fn data(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/pmb/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn unpacked(name: &str) -> Vec<u8> {
    zstd::decode_all(data(&format!("{name}.zst")).as_slice()).unwrap()
}

/// The drives of the machine that converted.
fn drives(volumes: &[(char, u32)]) -> Drives {
    let mut drives = Drives::default();
    for (letter, number) in volumes {
        assert!(drives.add(*letter, &format!(r"\Device\HarddiskVolume{number}")));
    }
    drives
}

fn open(bytes: Vec<u8>, drives: &Drives) -> LogSet<Vec<u8>> {
    LogSet::new(vec![Log::read_raw_boot(bytes, drives, &NoProgress).unwrap()])
}

fn csv(set: &LogSet<Vec<u8>>) -> String {
    let export = TextExport {
        scan: ScanOptions { threads: 1, ..ScanOptions::default() },
        columns: ProcmonColumn::all().collect(),
        text: TextOptions { fidelity: Fidelity::Procmon, ..TextOptions::default() },
    };
    let mut out = Vec::new();
    let counts = write_csv(set, &mut out, &export, false, &NoProgress).unwrap();
    assert!(counts.damage.is_empty());
    String::from_utf8(out).unwrap()
}

/// The cells of a CSV: its titles, and its rows.
fn cells(csv: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let csv = csv.trim_start_matches('\u{feff}');
    let mut rows = vec![vec![]];
    let mut rest = csv;
    while let Some(after) = rest.strip_prefix('"') {
        let mut cell = String::new();
        let mut chars = after.char_indices();
        rest = loop {
            let Some((at, c)) = chars.next() else { break "" };
            match (c, after[at + c.len_utf8()..].starts_with('"')) {
                ('"', true) => {
                    chars.next();
                    cell.push('"');
                }
                ('"', false) => break &after[at + 1..],
                _ => cell.push(c),
            }
        };
        rows.last_mut().unwrap().push(cell);
        rest = match rest.strip_prefix(',') {
            Some(rest) => rest,
            None => {
                rows.push(vec![]);
                rest.trim_start_matches(['\r', '\n'])
            }
        };
    }
    rows.retain(|row| !row.is_empty());
    (rows.remove(0), rows)
}

/// A cell of ours with what the machine of the converter would show in it.
fn as_converter(cell: &str) -> String {
    let classes = format!("{CONVERTER}_Classes");
    let cell = match cell.strip_prefix(&classes) {
        Some(rest) => format!(r"HKCU\Software\Classes{rest}"),
        None => cell.strip_prefix(CONVERTER).map_or(cell.to_owned(), |rest| format!("HKCU{rest}")),
    };
    cell.replace(r"C:\Windows", r"C:\windows")
}

/// Every cell of `ours` equals that of `theirs`, unless it belongs to the machine that converted.
#[track_caller]
fn same_cells(name: &str, ours: &str, theirs: &str) {
    let (titles, theirs) = cells(theirs);
    let (own_titles, ours) = cells(ours);
    assert_eq!(titles, own_titles);
    assert_eq!(ours.len(), theirs.len(), "{name}: rows");
    for (row, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        for (title, (own, their)) in titles.iter().zip(ours.iter().zip(theirs)) {
            // Process Monitor reads on behind the new name of a key, to the end of the last record and beyond.
            let is_beyond = title == "Detail" && their.starts_with("New Name: ");
            if is_beyond {
                assert!(their.starts_with(own.as_str()), "{name}, row {row}");
            } else if !OF_CONVERTER.contains(&title.as_str()) {
                assert_eq!(as_converter(own), as_converter(their), "{name}, row {row}, {title}: {ours:?}");
            }
        }
    }
}

#[test]
fn cells_are_those_of_process_monitor() {
    let known = drives(&[('C', 3), ('D', 4)]);
    for name in ["mini", "names", "joins", "cut", "zero-tail"] {
        let set = open(data(&format!("{name}.pmb")), &known);
        same_cells(name, &csv(&set), &String::from_utf8(unpacked(&format!("{name}.csv"))).unwrap());
    }
}

#[test]
fn a_32_bit_log_is_recognized_and_learns_its_drives() {
    let set = open(data("mini32.pmb"), &Drives::default());
    assert!(!set.part(0).unwrap().is_64_bit());
    // The converter knew no volume of this log.
    let theirs = String::from_utf8(unpacked("mini32.csv")).unwrap().replace(r"\Device\HarddiskVolume3", "C:");
    same_cells("mini32", &csv(&set), &theirs);
    let mini = open(data("mini.pmb"), &Drives::default());
    assert!(mini.part(0).unwrap().is_64_bit());
    same_cells("mini", &csv(&mini), &String::from_utf8(unpacked("mini.csv")).unwrap());
    assert_eq!(mini.part(0).unwrap().facts().unwrap().drives, [('C', "HarddiskVolume3".to_owned())]);
}

#[test]
fn a_real_log_has_the_cells_of_process_monitor() {
    let name = "pmb/LogFileUTC64Process";
    let (Ok(log), Ok(theirs)) = (corpus::read(&format!("{name}.pmb")), corpus::read(&format!("{name}.csv")))
    else {
        eprintln!("no corpus found (set {}): a real raw boot log is left out", corpus::VARIABLE);
        return;
    };
    let set = open(log, &drives(&[('C', 3), ('D', 4)]));
    same_cells(name, &csv(&set), &String::from_utf8(theirs).unwrap());
    same_in_pml(name, &set);
}

/// The PML that a log becomes.
fn pml(set: &LogSet<Vec<u8>>) -> LogSet<Vec<u8>> {
    let options = SliceOptions {
        scan: ScanOptions { threads: 1, ..ScanOptions::default() },
        part_bytes: SliceOptions::PART_BYTES,
    };
    let out = std::sync::Mutex::new(tempfile::tempfile().unwrap());
    let create = |_| out.lock().unwrap().try_clone();
    let counts = slice(set, &options, create, &NoProgress).unwrap();
    assert!(counts.damage.is_empty() && counts.parts == 1);
    let mut file = out.into_inner().unwrap();
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut file).unwrap();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    LogSet::new(vec![Log::parse(bytes).unwrap()])
}

/// The PML that a log becomes reads back the same: cells, stacks, processes and modules.
#[track_caller]
fn same_in_pml(name: &str, set: &LogSet<Vec<u8>>) {
    let pml = pml(set);
    assert_eq!(csv(set), csv(&pml), "{name}");
    for (ours, theirs) in set.events().zip(pml.events()) {
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!(ours.stack().raw(), theirs.stack().raw());
        assert_eq!(ours.extra(), theirs.extra());
        assert_eq!(ours.sequence(), theirs.sequence());
        assert_eq!(ours.path().to_str(), theirs.path().to_str());
        assert_eq!(ours.numbers(), theirs.numbers());
    }
    let (ours, theirs) = (set.part(0).unwrap(), pml.part(0).unwrap());
    assert!(theirs.damage().is_empty(), "{:?}", theirs.damage());
    assert_eq!(ours.process_count(), theirs.process_count());
    for (ours, theirs) in ours.processes().zip(theirs.processes()) {
        assert_eq!(ours.index(), theirs.index());
        assert_eq!(ours.image_path().to_str(), theirs.image_path().to_str());
        let modules = |process: pml_parser::Process<'_>| {
            process.modules().map(|m| (m.base, m.load_time, m.path().to_string())).collect::<Vec<_>>()
        };
        assert_eq!(modules(ours), modules(theirs));
    }
    let header = |log: pml_parser::LogView<'_>| {
        (log.computer().to_string(), log.os_version(), log.system_root().to_string(), log.is_64_bit())
    };
    assert_eq!(header(ours), header(theirs));
}

#[test]
fn a_raw_boot_log_becomes_a_pml() {
    for name in ["mini", "mini32", "names", "joins", "zero-tail"] {
        same_in_pml(name, &open(data(&format!("{name}.pmb")), &drives(&[('C', 3)])));
    }
}

#[test]
fn the_pml_stores_what_process_monitor_stores() {
    for name in ["mini", "names", "joins"] {
        let theirs = LogSet::new(vec![Log::parse(unpacked(&format!("{name}.pml"))).unwrap()]);
        let ours = pml(&open(data(&format!("{name}.pmb")), &drives(&[('C', 3), ('D', 4)])));
        assert_eq!(ours.event_count(), theirs.event_count());
        for (ours, theirs) in ours.events().zip(theirs.events()) {
            let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
            let path = theirs.path().to_string();
            // The names of the user who converted, and the spelling of the folder of Windows.
            let target = theirs.target_path().unwrap_or_default().to_string();
            if path.starts_with("HKCU")
                || [path.as_str(), &target].iter().any(|name| name.contains(r"C:\windows"))
            {
                continue;
            }
            assert_eq!(ours.details(), theirs.details(), "{name}: {path}");
            let shown =
                |event: &pml_parser::Event<'_>| (event.status(), event.duration(), event.tid(), event.time());
            assert_eq!(shown(&ours), shown(&theirs), "{name}: {path}");
            // Process Monitor keeps the low 16 bits of the size of more than 64 KiB, and loses the rest.
            if ours.extra().is_none_or(|extra| extra.len() < 0xFFFF) {
                assert_eq!(ours.extra(), theirs.extra(), "{name}: {path}");
            }
        }
    }
}

/// What can be read of a log, one line an event, without the time since the first event.
fn lines(bytes: &[u8]) -> Vec<String> {
    let log = Log::read_raw_boot(bytes, &drives(&[('C', 3)]), &NoProgress).unwrap();
    let options = TextOptions::default();
    log.view()
        .events(0..log.view().event_count())
        .map(|event| {
            let event = event.unwrap();
            let mut line = format!("{} {} {:?} ", event.time(), event.operation().name(), event.status());
            event.push_path(&options, &mut line);
            event.push_detail(&options, &mut line);
            // Names of processes without a definition are translated only behind damage.
            line.replace(r"\Device\HarddiskVolume3", "C:")
        })
        .collect()
}

/// The offsets at which the records of a sound log begin.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, vec![]);
    while at + 52 <= bytes.len() {
        found.push(at);
        let word = |from: usize| u32::from_le_bytes(bytes[at + from..][..4].try_into().unwrap()) as usize;
        at += 52 + (word(0x28) & 0xFFFF) * 8 + word(0x2C);
    }
    found
}

#[test]
fn a_cut_loses_nothing_before_it() {
    let whole = data("mini.pmb");
    let all = boundaries(&whole);
    for end in 1..whole.len() {
        let cut = &whole[..end];
        // Less than one record says nothing.
        if end < all[1] {
            assert!(Log::read_raw_boot(cut, &Drives::default(), &NoProgress).is_err());
            continue;
        }
        assert!(is_raw_boot(cut), "cut at {end}");
        let log = Log::read_raw_boot(cut, &Drives::default(), &NoProgress).unwrap();
        let is_sound = all.contains(&end);
        assert_eq!(log.view().recovery().is_none(), is_sound, "cut at {end}");
        assert_eq!(log.view().damage().is_empty(), is_sound, "cut at {end}");
        let records = all.iter().filter(|&&at| at < end).count() - usize::from(!is_sound);
        let beginnings = all[..records]
            .iter()
            .filter(|&&at| whole[at + 8] != 0 && whole[at + 8..at + 13] != [1, 0, 0, 0, 0]);
        assert_eq!(log.view().event_count() as usize, beginnings.count(), "cut at {end}");
    }
}

#[test]
fn damage_loses_only_the_records_that_it_hits() {
    let whole = data("joins.pmb");
    let all = boundaries(&whole);
    let sound = lines(&whole);
    for (width, byte) in [(1, 0u8), (8, 0xFF), (8, 0), (100, 0xAA), (512, 0), (512, 0xFF)] {
        for at in (0..10_000).step_by(37) {
            let mut broken = whole.clone();
            broken[at..at + width].fill(byte);
            if broken == whole {
                continue;
            }
            let left = lines(&broken);
            // Records that the damage touches, and one that it may hide.
            let touched = all.iter().filter(|&&from| {
                let next = all.iter().find(|&&next| next > from).copied().unwrap_or(whole.len());
                from < at + width && next > at
            });
            let lost: Vec<_> = sound.iter().filter(|line| !left.contains(line)).collect();
            let most = touched.count() + 1;
            assert!(
                lost.len() <= most,
                "{width} bytes of {byte:#x} at {at:#x} touch {most} records: {lost:#?} {left:#?}"
            );
        }
    }
}

#[test]
fn junk_and_zeros_between_records_are_counted_and_located() {
    let whole = data("joins.pmb");
    let all = boundaries(&whole);
    let sound = lines(&whole);
    for &at in &all[1..40] {
        for junk in [vec![0u8; 52], vec![0; 4096], vec![0; 1001], vec![0xA5; 3], vec![0xA5; 5000]] {
            let broken = [&whole[..at], &junk, &whole[at..]].concat();
            assert_eq!(lines(&broken), sound, "{} bytes at {at:#x}", junk.len());
            let log = Log::read_raw_boot(broken.as_slice(), &Drives::default(), &NoProgress).unwrap();
            let gap = log
                .view()
                .damage()
                .first
                .iter()
                .find(|e| matches!(e.kind(), pml_parser::ErrorKind::NoEvents(_)));
            let gap = gap.unwrap_or_else(|| panic!("no gap at {at:#x}"));
            assert_eq!(gap.offset(), at as u64);
            assert_eq!(gap.kind(), pml_parser::ErrorKind::NoEvents(junk.len() as u64));
        }
    }
    // A damaged beginning does not hide what the file is.
    let late = [vec![0xA5; 5000], whole.clone()].concat();
    assert_eq!(lines(&late), sound);
    // Zeros at the end are room that the driver did not fill.
    let padded = [whole.clone(), vec![0; 100_001]].concat();
    assert!(
        Log::read_raw_boot(padded.as_slice(), &Drives::default(), &NoProgress)
            .unwrap()
            .view()
            .recovery()
            .is_none()
    );
}

#[test]
fn other_files_are_no_raw_boot_logs() {
    let mini = pml(&open(data("mini.pmb"), &Drives::default()));
    let log = mini.part(0).unwrap().bytes().to_vec();
    let mut headless = log.clone();
    headless[..0x3A8].fill(0);
    let text: Vec<u8> = "2024-01-01 00:00:00, Info CBS Loaded Servicing Stack\r\n".repeat(1000).into_bytes();
    for other in
        [vec![], vec![0; 100_000], vec![0xFF; 100_000], log, headless, text, b"PK\x03\x04".repeat(9000)]
    {
        assert!(!is_raw_boot(&other));
        let error = Log::read_raw_boot(other, &Drives::default(), &NoProgress).unwrap_err();
        assert_eq!(error.kind(), pml_parser::ErrorKind::NotPml);
    }
}

/// A rename names its target as the caller did, with a letter, and as the file system did, by the volume.
#[test]
fn drive_letters_are_learned_from_renames() {
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("RENAMES")).unwrap();
    log.add_process(&NewProcess { index: 1, pid: 4, name: "System", ..NewProcess::default() });
    // The second one is resolved to another file, as through a link: it shows nothing of its volume.
    let mut linked = details::rename(8, r"F:\new", r"G:\elsewhere\a", false);
    let named: Vec<u8> = r"G:\elsewhere\a".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = linked.windows(named.len()).position(|bytes| bytes == named).unwrap();
    linked[at + 6] = b'x';
    for (number, details) in
        (0..).zip([details::rename(8, r"E:\old.txt", r"E:\folder\new.txt", true), linked])
    {
        let event = NewEvent {
            process_index: 1,
            class: EventClass::FileSystem,
            operation: 26,
            tid: 8,
            time: FileTime(133_000_000_000_000_000 + number * 10),
            duration: Ticks(5),
            details: &details,
            ..NewEvent::default()
        };
        log.add_event(&event).unwrap();
    }
    let set = LogSet::new(vec![Log::parse(log.finish().unwrap().into_inner()).unwrap()]);
    let mut raw = Vec::new();
    pml_samples::raw_boot::write(&set, 1, &mut raw).unwrap();
    let read = open(raw, &Drives::default());
    assert_eq!(read.part(0).unwrap().facts().unwrap().drives, [('E', "HarddiskVolume5".to_owned())]);
    let event = read.event(0).unwrap();
    assert_eq!(event.path().to_string(), r"E:\old.txt");
    assert_eq!(event.target_path().unwrap().to_string(), r"E:\folder\new.txt");
    assert_eq!(read.event(1).unwrap().path().to_string(), r"\Device\HarddiskVolume6\new");
}
