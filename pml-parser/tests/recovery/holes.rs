//! Holes: sectors that were lost, and came back as zeros, ones, random bytes or the bytes of another file.

use crate::logs::{HEADER, Places, TABLES, generated, pointer_at, records, records_end};
use crate::support::recovered;
use libtest_mimic::Failed;
use pml_parser::{Event, Log, LogView, Process};
use pml_samples::boot::Bits;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// What takes the place of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fill {
    Zeros,
    Ones,
    Random,
    /// Bytes of another log.
    Other,
}

/// Sizes of holes: a sector, a page, what some disks lose at once.
const SIZES: [usize; 3] = [512, 4_096, 65_536];

/// The environment variable that says how many holes of each size are punched among the events, and prints
/// what came of all holes.
const MANY: &str = "PML_HOLES";

/// The log with a hole.
fn holed(whole: &[u8], hole: Range<usize>, fill: Fill, other: &[u8], places: &mut Places) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    match fill {
        Fill::Zeros => bytes[hole].fill(0),
        Fill::Ones => bytes[hole].fill(0xFF),
        Fill::Random => bytes[hole].iter_mut().for_each(|byte| *byte = places.below(256) as u8),
        Fill::Other => {
            let from = places.below(other.len() - hole.len());
            bytes[hole.clone()].copy_from_slice(&other[from..from + hole.len()]);
        }
    }
    bytes
}

/// A number for everything that the log says of a process.
fn process_digest(process: Process<'_>) -> u64 {
    let mut digest = DefaultHasher::new();
    let texts = [
        process.name(),
        process.image_path(),
        process.command_line(),
        process.user(),
        process.integrity(),
        process.company(),
        process.version(),
        process.description(),
    ];
    (process.pid(), process.parent_pid(), process.start().0, texts.map(|text| text.to_string()))
        .hash(&mut digest);
    for module in process.modules() {
        (module.base, module.size, module.load_time.0, module.path().to_string()).hash(&mut digest);
    }
    digest.finish()
}

/// A number for everything that the log says of an event, but for what only its own details say.
fn event_digest(event: &Event<'_>, processes: &BTreeMap<u32, u64>) -> u64 {
    let mut digest = DefaultHasher::new();
    let process = processes.get(&event.process_index());
    let ends = (event.details().len(), event.extra().map(<[u8]>::len), event.stack().addresses().count());
    (
        event.time().0,
        event.class().code(),
        event.operation().code,
        event.status().0,
        event.tid(),
        process,
        ends,
    )
        .hash(&mut digest);
    digest.finish()
}

/// What a log says: its events, its processes, its names of hosts and ports.
struct Said {
    /// By the offset of the event.
    events: BTreeMap<u64, u64>,
    processes: BTreeMap<u32, u64>,
    names: Vec<String>,
    damage: u64,
}

fn said(log: LogView<'_>) -> Said {
    let processes: BTreeMap<u32, u64> =
        log.processes().map(|process| (process.index(), process_digest(process))).collect();
    let hosts = log.hosts().map(|(_, name)| name.to_string());
    let names = hosts.chain(log.ports().map(|(_, name)| name.to_string())).collect();
    let (mut events, mut damage) = (BTreeMap::new(), log.damage().count);
    for event in log.events(0..log.event_count()) {
        match event {
            Ok(event) => {
                events.insert(event.offset(), event_digest(&event, &processes));
            }
            Err(_) => damage += 1,
        }
    }
    Said { events, processes, names, damage }
}

/// Holes that begin with a table, end with it, lie in it, and lie among the events, on boundaries of sectors.
fn holes(whole: &[u8], size: usize, places: &mut Places) -> Vec<(&'static str, Range<usize>)> {
    let mut starts = TABLES.map(|at| pointer_at(whole, at)).to_vec();
    starts.push(whole.len());
    let names = ["array", "processes", "strings", "icons", "hosts"];
    let mut out = Vec::new();
    for (name, table) in names.into_iter().zip(starts.windows(2)) {
        let (from, to) = (table[0], table[1]);
        let inside = from + places.below(to - from + 1);
        out.extend([from, inside, to.saturating_sub(size)].map(|at| (name, at..at + size)));
        let sector = from / 512 * 512;
        out.push((name, sector..sector + size));
    }
    let among_events = std::env::var(MANY).ok().and_then(|number| number.parse().ok()).unwrap_or(3);
    for _ in 0..among_events {
        let at = HEADER + places.below(starts[0] - HEADER);
        out.push(("events", at / 512 * 512..at / 512 * 512 + size));
    }
    out.into_iter()
        .map(|(name, hole)| (name, hole.start.max(HEADER)..hole.end.min(whole.len())))
        .filter(|(_, hole)| hole.len() > size / 2)
        .collect()
}

/// Whether the hole lies among the events and leaves class and time of all events intact: it is inside stacks,
/// details or extra blobs, and nothing shows that.
fn spares_headers(records: &[crate::logs::Record], hole: &Range<usize>) -> bool {
    hole.end <= records_end(records)
        && !records
            .iter()
            .any(|record| hole.start < record.body.start + 0x24 && record.body.start + 0x08 < hole.end)
}

/// Whatever a hole takes from what a log says, the log says that it is damaged; and recovery never keeps less
/// than reading the log as it is.
pub(crate) fn no_hole_is_silent(whole: &[u8]) -> Result<(), Failed> {
    let log = Log::parse(whole)?;
    let sound = said(log.view());
    assert_eq!(sound.damage, 0);
    let other = generated(3_000, Bits::B64)?;
    let records = records(whole);
    let mut places = Places(7);
    let mut failed = Vec::new();
    let mut tally: BTreeMap<(&str, usize, Fill), [usize; 4]> = BTreeMap::new();
    for size in SIZES {
        for (place, hole) in holes(whole, size, &mut places) {
            for fill in [Fill::Zeros, Fill::Ones, Fill::Random, Fill::Other] {
                let bytes = holed(whole, hole.clone(), fill, &other, &mut places);
                if bytes == whole || spares_headers(&records, &hole) {
                    continue;
                }
                let counts = tally.entry((place, size, fill)).or_default();
                counts[0] += 1;
                let is_silent = |log: LogView<'_>| {
                    let said = said(log);
                    let differs = said.events != sound.events
                        || said.processes != sound.processes
                        || said.names != sound.names;
                    let kept = |events: &BTreeMap<u64, u64>| {
                        events.iter().filter(|(at, digest)| sound.events.get(at) == Some(digest)).count()
                    };
                    (differs && said.damage == 0, kept(&said.events))
                };
                let plain = Log::parse(bytes.as_slice()).ok().map(|log| is_silent(log.view()));
                let (silent, kept) = is_silent(recovered(&bytes).view());
                counts[1] += usize::from(plain.is_some_and(|plain| plain.0));
                counts[2] += usize::from(silent);
                counts[3] += usize::from(plain.is_some_and(|plain| plain.1 > kept));
                if counts[1..].iter().any(|count| *count > 0) {
                    failed.push(format!("{place} {hole:x?} {fill:?}: {counts:?}"));
                }
            }
        }
    }
    if std::env::var_os(MANY).is_some() {
        println!("place, size, fill: holes, silent, silent when recovered, worse when recovered\n{tally:#?}");
    }
    assert!(failed.is_empty(), "holes, silent, silent when recovered, worse when recovered: {failed:#?}");
    Ok(())
}
