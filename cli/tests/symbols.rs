//! Names of functions from a symbol store. `data/symbols/README.md` says how the program in it was made.

use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess, details};
use pml_parser::{EventClass, FileTime, Log, Resolution};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BASE: u64 = 0x7FF6_1234_0000;
/// What the headers of the program say.
const TIMESTAMP: u32 = 0x09ED_8B7F;
const SIZE: u32 = 0x5000;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/symbols").join(name)
}

/// A log with one event, whose stack lies in the program and beside it.
fn log(timestamp: u32, size: u32) -> Vec<u8> {
    let mut writer = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("SYMBOLS")).unwrap();
    let module = |path, base, timestamp| NewModule {
        load_time: FileTime(132_999_999_000_000_000),
        base,
        size,
        path,
        timestamp,
        ..NewModule::default()
    };
    let modules = vec![
        module(r"C:\Windows\System32\drivers\DEMO.dll", BASE, timestamp),
        module(r"C:\Windows\System32\other.dll", BASE + 0x10_0000, 0x5000_0001),
    ];
    writer.add_process(&NewProcess { index: 1, pid: 8, name: "demo.exe", modules, ..NewProcess::default() });
    let details = details::close_file(8, r"C:\a");
    writer
        .add_event(&NewEvent {
            process_index: 1,
            class: EventClass::FileSystem,
            operation: 38,
            time: FileTime(133_000_000_000_000_000),
            details: &details,
            // In `inner`, after the calls in `middle` and `outer`, at the beginning of `middle`, in no function, in the
            // other module.
            stack: &[
                BASE + 0x1027,
                BASE + 0x100D,
                BASE + 0x1039,
                BASE + 0x1000,
                BASE + 0x3000,
                BASE + 0x10_0010,
            ],
            ..NewEvent::default()
        })
        .unwrap();
    writer.finish().unwrap().into_inner()
}

fn pml(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pml"));
    command.args(args).current_dir(folder).env_remove("_NT_SYMBOL_PATH").output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A symbol store with the program and these symbols.
fn store(folder: &Path, symbols: Option<&str>) {
    let image = folder.join("store/demo.dll/09ED8B7F5000");
    fs::create_dir_all(&image).unwrap();
    fs::copy(data("demo.dll"), image.join("demo.dll")).unwrap();
    if let Some(symbols) = symbols {
        let place = folder.join("store/demo.pdb").join(key());
        fs::create_dir_all(&place).unwrap();
        fs::copy(data(symbols), place.join("demo.pdb")).unwrap();
    }
}

/// The key of the symbols, as `pml symbols` says it.
fn key() -> String {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), None);
    fs::write(folder.path().join("a.pml"), log(TIMESTAMP, SIZE)).unwrap();
    let listed = lacking(folder.path());
    let line =
        listed.iter().find(|line| line.starts_with("demo.pdb/")).unwrap_or_else(|| panic!("{listed:?}"));
    line.split('/').nth(1).unwrap().to_owned()
}

fn lacking(folder: &Path) -> Vec<String> {
    let output = pml(folder, &["symbols", "a.pml", "--symbols", "store"]);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// The locations of the frames in XML.
fn locations(folder: &Path) -> Vec<String> {
    let args = ["convert", "a.pml", "-o", "-", "--to", "xml", "--stacks", "--symbols", "store", "-q"];
    let output = pml(folder, &args);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let parts = text.split("<location>").skip(1);
    parts.map(|part| part.split("</location>").next().unwrap().to_owned()).collect()
}

const NAMED: [&str; 6] = [
    "DEMO.dll!inner+0x7",
    "DEMO.dll!middle+0xd",
    "DEMO.dll!outer+0x9",
    "DEMO.dll!middle+0x0",
    "DEMO.dll + 0x3000",
    "other.dll + 0x10",
];

const UNNAMED: [&str; 6] = [
    "DEMO.dll + 0x1027",
    "DEMO.dll + 0x100d",
    "DEMO.dll + 0x1039",
    "DEMO.dll + 0x1000",
    "DEMO.dll + 0x3000",
    "other.dll + 0x10",
];

#[test]
fn functions_and_lines_come_from_a_symbol_store() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), Some("demo.pdb"));
    fs::write(folder.path().join("a.pml"), log(TIMESTAMP, SIZE)).unwrap();
    assert_eq!(locations(folder.path()), NAMED);
    let output = pml(folder.path(), &["convert", "a.pml", "-o", "out", "--symbols", "store"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("functions of 1 image have names; the symbols of 1 image are missing"),
        "{}",
        said(&output)
    );
    let file = fs::File::open(folder.path().join("out/frames.parquet")).unwrap();
    let reader = parquet::file::reader::SerializedFileReader::new(file).unwrap();
    let rows: Vec<String> = reader.into_iter().map(|row| row.unwrap().to_string()).collect();
    for expect in [
        ("\"inner\"", "function_offset: 7", "demo.c:5\""),
        ("\"middle\"", "function_offset: 13", "demo.c:10\""),
        ("\"outer\"", "function_offset: 9", "demo.c:15\""),
    ] {
        let fits = |row: &&String| row.contains(expect.0) && row.contains(expect.1) && row.contains(expect.2);
        assert!(rows.iter().any(|row| fits(&row)), "{expect:?}: {rows:#?}");
    }
    // The key of the other module is listed, and what lies beside the store is found too.
    assert_eq!(lacking(folder.path()), ["other.dll/500000015000/other.dll\t1 frame\timage"]);
    let flat = tempfile::tempdir().unwrap();
    fs::create_dir(flat.path().join("store")).unwrap();
    fs::copy(data("demo.dll"), flat.path().join("store/Demo.DLL")).unwrap();
    fs::copy(data("demo.pdb"), flat.path().join("store/DEMO.pdb")).unwrap();
    fs::write(flat.path().join("a.pml"), log(TIMESTAMP, SIZE)).unwrap();
    assert_eq!(locations(flat.path()), NAMED);
}

#[test]
fn missing_and_wrong_symbols_are_never_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join("store").join(name);
    fs::create_dir(path("")).unwrap();
    // The image is missing; it is another build; its symbols are missing; they are those of another build, broken, cut.
    fs::write(folder.path().join("a.pml"), log(TIMESTAMP, SIZE)).unwrap();
    assert_eq!(locations(folder.path()), UNNAMED);
    assert!(lacking(folder.path()).contains(&"demo.dll/09ED8B7F5000/demo.dll\t5 frames\timage".to_owned()));
    store(folder.path(), None);
    assert_eq!(locations(folder.path()), UNNAMED);
    let missing = format!("demo.pdb/{}/demo.pdb\t5 frames\tsymbols of demo.dll", key());
    assert!(lacking(folder.path()).contains(&missing), "{:?}", lacking(folder.path()));
    store(folder.path(), Some("other.pdb"));
    assert_eq!(locations(folder.path()), UNNAMED);
    assert!(lacking(folder.path()).contains(&missing));
    let whole = fs::read(data("demo.pdb")).unwrap();
    let place = path("demo.pdb").join(key()).join("demo.pdb");
    for bytes in [&b""[..], b"no symbols", &whole[..5_000], &whole[..40_000]] {
        fs::write(&place, bytes).unwrap();
        let shown = locations(folder.path());
        assert!(shown == UNNAMED || shown == NAMED, "{shown:?}");
    }
    fs::copy(data("demo.pdb"), &place).unwrap();
    assert_eq!(locations(folder.path()), NAMED);
    // Images of the same name, under a wrong key or of another size.
    for (timestamp, size) in [(TIMESTAMP + 1, SIZE), (TIMESTAMP, SIZE + 0x1000), (0, SIZE)] {
        let key = path("demo.dll").join(format!("{timestamp:08X}{size:x}"));
        fs::create_dir_all(&key).unwrap();
        fs::copy(data("demo.dll"), key.join("demo.dll")).unwrap();
        fs::write(folder.path().join("a.pml"), log(timestamp, size)).unwrap();
        assert_eq!(locations(folder.path()), UNNAMED);
    }
}

#[test]
fn symbol_stores_come_from_the_environment_too_and_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path(), Some("demo.pdb"));
    fs::write(folder.path().join("a.pml"), log(TIMESTAMP, SIZE)).unwrap();
    let variable = format!("srv*{}*https://example.invalid/symbols", folder.path().join("store").display());
    fs::create_dir(folder.path().join("empty")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pml"));
    let args = ["symbols", "a.pml", "--symbols", "empty"];
    let output =
        command.args(args).current_dir(folder.path()).env("_NT_SYMBOL_PATH", variable).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "other.dll/500000015000/other.dll\t1 frame\timage\n");
    let output = pml(folder.path(), &["symbols", "a.pml", "--symbols", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("nowhere: is not a directory"), "{}", said(&output));
    let output = pml(folder.path(), &["convert", "a.pml", "-o", "a.csv", "--symbols", "store"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--symbols does not go with this format"), "{}", said(&output));
}

/// Replaces every occurrence of one address by another.
fn replace_address(bytes: &mut [u8], from: u64, to: u64) {
    let (from, to) = (from.to_le_bytes(), to.to_le_bytes());
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|&at| bytes[at..at + 8] == from).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| bytes[at..at + 8].copy_from_slice(&to));
}

/// The module in each citation of a report.
fn modules_cited(report: &serde_json::Value, found: &mut Vec<String>) {
    match report {
        serde_json::Value::Object(fields) => {
            found.extend(fields.get("module").and_then(|module| module.as_str()).map(str::to_owned));
            fields.values().for_each(|value| modules_cited(value, found));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| modules_cited(value, found)),
        _ => {}
    }
}

/// The first event that is cited with its module.
fn event_cited(report: &serde_json::Value) -> Option<u64> {
    match report {
        serde_json::Value::Object(fields) => {
            let own = fields.get("module").filter(|module| module.is_string());
            let id = own.and_then(|_| fields.get("event_id")).and_then(serde_json::Value::as_u64);
            id.or_else(|| fields.values().find_map(event_cited))
        }
        serde_json::Value::Array(values) => values.iter().find_map(event_cited),
        _ => None,
    }
}

#[test]
fn reports_name_functions() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/logs/missing-payload/Bootlog.pml");
    let mut bytes = fs::read(sample).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let triage = |bytes: &[u8]| {
        fs::write(folder.path().join("a.pml"), bytes).unwrap();
        let output = pml(folder.path(), &["triage", "a.pml", "--symbols", "store", "--format", "json"]);
        assert!(output.status.success(), "{}", said(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (report, said(&output))
    };
    fs::create_dir(folder.path().join("store")).unwrap();
    let (report, warned) = triage(&bytes);
    assert!(warned.contains("pml symbols lists them"), "{warned}");
    // The innermost user frame of the first event that the report cites lies in `inner`.
    let id = event_cited(&report).unwrap();
    let log = Log::parse(bytes.as_slice()).unwrap();
    let event = log.view().event((id - log.view().first_event_id()) as u32).unwrap();
    let user = log.view().highest_user_address();
    let address = event.stack().addresses().find(|&address| address <= user).unwrap();
    let location = event.locate(address, Resolution::Corrected).unwrap();
    let (module, base) = (location.module, address - location.offset);
    let path = module.path().to_string();
    let name = path.rsplit('\\').next().unwrap().to_owned();
    // The program in the store is the module: its headers have the time and the size that the log has.
    let mut image = fs::read(data("demo.dll")).unwrap();
    let headers = u32::from_le_bytes(image[0x3C..0x40].try_into().unwrap()) as usize;
    image[headers + 8..headers + 12].copy_from_slice(&module.timestamp.to_le_bytes());
    image[headers + 24 + 56..headers + 24 + 60].copy_from_slice(&module.size.to_le_bytes());
    let key = format!("store/{name}/{:08X}{:x}", module.timestamp, module.size);
    fs::create_dir_all(folder.path().join(&key)).unwrap();
    fs::write(folder.path().join(key).join(&name), image).unwrap();
    fs::copy(data("demo.pdb"), folder.path().join("store/demo.pdb")).unwrap();
    replace_address(&mut bytes, address, base + 0x1027);
    let (report, _) = triage(&bytes);
    let mut cited = Vec::new();
    modules_cited(&report, &mut cited);
    assert!(cited.contains(&format!("{name}!inner+0x7")), "{cited:?}");
}
