//! Writes the seeds of fuzzing, one directory for each target: `seeds <corpus>`.

use pml_fuzz::body::Body;
use pml_fuzz::{event_log, minimal, small, zip_file};
use pml_parser::Log;
use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The directory of the seeds of a target, and their number.
struct Seeds {
    folder: PathBuf,
    count: usize,
}

impl Seeds {
    fn new(corpus: &Path, target: &str) -> Outcome<Self> {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, count: 0 })
    }

    fn add(&mut self, seed: impl AsRef<[u8]>) -> Outcome {
        fs::write(self.folder.join(format!("seed-{:04}", self.count)), seed)?;
        self.count += 1;
        Ok(())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files with one of these endings below a directory, in order.
fn files(directory: &Path, endings: &[&str]) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, endings)?);
        } else if path.extension().is_some_and(|e| endings.iter().any(|&ending| e == ending)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A rule of a configuration of Process Monitor, with a column, a relation and a text.
fn rule(column: u32, relation: u32, action: u8, text: &str, number: u32) -> Vec<u8> {
    let text: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut out = [column.to_le_bytes(), relation.to_le_bytes()].concat();
    out.push(action);
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text);
    out.extend(number.to_le_bytes());
    out.extend([0; 4]);
    out
}

fn record(name: &str, value: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let value_at = 16 + name.len() as u32;
    let sizes = [value_at + value.len() as u32, 16, value_at, value.len() as u32];
    [sizes.map(u32::to_le_bytes).concat(), name, value.to_vec()].concat()
}

fn configuration(rules: &[Vec<u8>]) -> Vec<u8> {
    let list = [&[1][..], &(rules.len() as u32).to_le_bytes(), &rules.concat(), &[0; 3]].concat();
    [record("AdvancedMode", &[0; 4]), record("FilterRules", &list)].concat()
}

/// The expressions in the code blocks and the inline code of a page.
fn expressions(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in page.split("```").skip(1).step_by(2) {
        let block = block.split_once('\n').map_or("", |parts| parts.1);
        found.push(block.to_owned());
        found.extend(block.lines().map(str::to_owned));
    }
    found.extend(page.split('`').skip(1).step_by(2).map(str::to_owned));
    found.retain(|text| !text.trim().is_empty() && text.len() < 300);
    found
}

/// Comparisons of single columns, each with one value of every kind.
fn comparisons(page: &str) -> Vec<String> {
    let columns = page.split("## Columns").nth(1).unwrap_or_default();
    let columns = columns.split('`').skip(1).step_by(2).filter(|name| !name.contains(['.', ' ', '-']));
    let tails =
        ["= 1", "is not null", "between 1 and 0xFF", "in (1, 'a', SUCCESS)", "> 1ms", "not contains a"];
    columns.flat_map(|column| tails.map(|tail| format!("{column} {tail}"))).collect()
}

fn filters(corpus: &Path) -> Outcome<usize> {
    let mut seeds = Seeds::new(corpus, "filter")?;
    let page = fs::read_to_string(root().join("docs/filters.md"))?;
    for expression in expressions(&page).into_iter().chain(comparisons(&page)) {
        seeds.add(format!("e{expression}"))?;
    }
    // The filters of the knowledge files are realistic ones.
    for file in files(&root().join("analyzer/knowledge"), &["toml"])? {
        let text = fs::read_to_string(file)?;
        for line in text.lines() {
            let value = line.split_once("where = ").or(line.split_once("failure = ")).map(|parts| parts.1);
            let value = value.map(|value| value.trim().trim_matches(['\'', '"', '}', ' ']));
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                seeds.add(format!("e{value}"))?;
            }
        }
    }
    let columns = (40_052..40_090).chain([40_164, 40_178]);
    for (at, column) in columns.enumerate() {
        let relation = at as u32 % 8;
        let rules = [rule(column, relation, (at % 2) as u8, "4", 4), rule(40_056, 0, 1, "SUCCESS", 0)];
        seeds.add([b"p".to_vec(), configuration(&rules)].concat())?;
        seeds.add([b"p".to_vec(), configuration(&rules[..1])].concat())?;
    }
    Ok(seeds.count)
}

fn knowledge(corpus: &Path) -> Outcome<usize> {
    let mut seeds = Seeds::new(corpus, "knowledge")?;
    let folder = root().join("analyzer/knowledge");
    for file in files(&folder, &["toml", "tsv"])? {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(&folder)?.display().to_string().replace('\\', "/");
        if text.len() < 16 << 10 {
            seeds.add(format!("{name}\n{text}"))?;
        }
        // Tables are lists, so their first entries are a shorter table.
        for entries in [2, 4] {
            let end = text.match_indices("\n[[").nth(entries).map_or(text.len().min(600), |found| found.0);
            let end = text.floor_char_boundary(end);
            seeds.add(format!("{name}\n{}\n", &text[..end]))?;
        }
    }
    Ok(seeds.count)
}

/// Logs, and single events of logs.
fn logs(corpus: &Path) -> Outcome<[usize; 3]> {
    let mut walk = Seeds::new(corpus, "walk")?;
    let mut triage = Seeds::new(corpus, "triage")?;
    let mut bodies = Seeds::new(corpus, "event_body")?;
    let mut bytes = vec![minimal::log(true)?, minimal::log(false)?];
    for file in files(&root().join("samples/logs"), &["pml"])? {
        bytes.push(fs::read(file)?);
    }
    let mut kinds = BTreeSet::new();
    for bytes in &bytes {
        let log = Log::parse(bytes.as_slice())?;
        let view = log.view();
        for event in view.events(0..view.event_count()).flatten() {
            let operation = event.operation();
            let shape = (event.details().len().min(64) / 8, event.extra().is_some());
            let kind = (operation.class, operation.code, operation.sub, event.status(), shape);
            if event.details().len() < 1_000 && kinds.insert((view.is_64_bit(), kind)) {
                Body::seed(&event).map_or(Ok(()), |seed| bodies.add(seed))?;
            }
        }
        if bytes.len() < 8 << 10 {
            walk.add(bytes)?;
            triage.add(bytes)?;
            // A log that was cut short, and a log that was never closed.
            walk.add(&bytes[..bytes.len() * 3 / 4])?;
            let mut open = bytes.clone();
            open[0x248..0x250].fill(0);
            walk.add(open)?;
            continue;
        }
        // Ranges of events, and failed events.
        let step = view.event_count() / 8 + 1;
        for part in 0..8 {
            let stretch = |length| move |position: u32| position / step == part && position % step < length;
            let short = stretch(6);
            walk.add(small::log(view, 3, |event| short(event.position())))?;
            let long = stretch(60);
            triage.add(small::log(view, 0, |event| long(event.position())))?;
        }
        let mut seen = BTreeSet::new();
        triage.add(small::log(view, 0, |event| {
            event.status().is_error() && seen.insert((event.process_index(), event.status()))
        }))?;
    }
    Ok([walk.count, triage.count, bodies.count])
}

/// Raw boot logs: those that tests use, and each with a hole.
fn raw_boot_logs(corpus: &Path) -> Outcome<usize> {
    const LONGEST: usize = 16 << 10;
    let mut seeds = Seeds::new(corpus, "raw_boot")?;
    for file in files(&root().join("pml-parser/tests/data/pmb"), &["pmb"])? {
        let mut bytes = fs::read(file)?;
        bytes.truncate(LONGEST);
        seeds.add(&bytes)?;
        let middle = bytes.len() / 2;
        bytes[middle..][..64].fill(0);
        seeds.add(&bytes)?;
    }
    Ok(seeds.count)
}

/// Text logs: each file of the bundles that tests use, and each bundle as a whole; both are cut to what
/// inputs may be long. Event logs: one record.
fn text_logs(corpus: &Path) -> Outcome<[usize; 2]> {
    const LONGEST: usize = 16 << 10;
    let mut texts = Seeds::new(corpus, "text_log")?;
    for bundle in fs::read_dir(root().join("analyzer/tests/data/bundles"))? {
        let bundle = bundle?.path();
        // A page lies beside the bundles.
        if !bundle.is_dir() {
            continue;
        }
        let mut whole = Vec::new();
        for file in files(&bundle, &["log", "txt", "xml", "reg"])? {
            let bytes = fs::read(file)?;
            texts.add(&bytes[..bytes.len().min(LONGEST)])?;
            // The ends of logs say what failed.
            texts.add(&bytes[bytes.len().saturating_sub(4096)..])?;
            whole.extend(&bytes[..bytes.len().min(LONGEST / 4)]);
            whole.extend(b"\n=-=-=-=-=\n");
        }
        texts.add(&whole[..whole.len().min(LONGEST)])?;
    }
    let mut events = Seeds::new(corpus, "evtx")?;
    events.add(event_log::record())?;
    events.add([event_log::record(), event_log::record()].concat())?;
    Ok([texts.count, events.count])
}

/// Bundles: each folder of logs as members, in zip files inside each other too; names and contents that lead astray; a
/// boot log; and zip and 7z files as they are.
fn bundles(corpus: &Path) -> Outcome<usize> {
    const LONGEST: usize = 16 << 10;
    let mut seeds = Seeds::new(corpus, "bundle")?;
    let part = |name: &str, content: &[u8]| [name.as_bytes(), b"\n", content, b"\n=-=-= "].concat();
    for bundle in fs::read_dir(root().join("analyzer/tests/data/bundles"))? {
        let bundle = bundle?.path();
        if !bundle.is_dir() {
            continue;
        }
        let (mut members, mut nested) = (Vec::new(), part("outer.zip", b""));
        for file in files(&bundle, &["log", "txt", "xml", "reg"])? {
            let bytes = fs::read(&file)?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            members.extend(part(&format!("a/{name}"), &bytes[..bytes.len().min(LONGEST / 4)]));
            nested.extend(part(&format!("b\\{name}.zip"), b""));
            nested.extend(part(&name, &bytes[..bytes.len().min(1024)]));
        }
        seeds.add(&members[..members.len().min(LONGEST)])?;
        seeds.add(&nested[..nested.len().min(LONGEST)])?;
    }
    let line =
        b"2024-08-01 11:02:50, Info                  CBS    TI: --- Initializing Trusted Installer ---\r\n";
    for name in ["../../CBS.log", "/etc/CBS.log", "C:\\CBS.log", "CON", "a/./CBS.log", "\u{202e}gol.SBC", ""]
    {
        seeds.add([part(name, line), part(name, line), part("x.zip", b""), part(name, line)].concat())?;
    }
    let capture = minimal::log(true)?;
    seeds.add([part("Bootlog.pml", &capture), part("CBS.log", line)].concat())?;
    let whole = zip_file::of(&part("CBS.log", line));
    seeds.add(&whole)?;
    seeds.add(zip_file::stored(&[(b"inner.zip", whole.clone()), (b"again.zip", whole)]))?;
    for file in files(&root().join("cli/tests/data/7z"), &["7z"])? {
        let bytes = fs::read(&file)?;
        if bytes.len() <= LONGEST {
            seeds.add(bytes)?;
        }
    }
    Ok(seeds.count)
}

fn main() -> Outcome {
    let corpus = std::env::args_os().nth(1).ok_or("usage: seeds <corpus>")?;
    let corpus = Path::new(&corpus);
    let [walk, triage, event_body] = logs(corpus)?;
    let (filter, knowledge) = (filters(corpus)?, knowledge(corpus)?);
    let [text_log, evtx] = text_logs(corpus)?;
    let (raw_boot, bundle) = (raw_boot_logs(corpus)?, bundles(corpus)?);
    println!(
        "seeds: {bundle} bundle, {walk} walk, {raw_boot} raw_boot, {event_body} event_body, {triage} triage, {filter} filter, {knowledge} knowledge, {text_log} text_log, {evtx} evtx"
    );
    Ok(())
}
