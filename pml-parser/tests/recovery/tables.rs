//! Tables whose head is lost: their records are found from the end.

use crate::support::recovered;
use libtest_mimic::Failed;
use pml_parser::{Log, LogView};
use std::collections::{BTreeMap, HashMap};

/// Where the header has the offset of a table.
const PROCESSES: usize = 0x250;
const STRINGS: usize = 0x258;

fn u32_at(log: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(log[at..at + 4].try_into().unwrap())
}

fn place(log: &[u8], at: usize) -> usize {
    u64::from_le_bytes(log[at..at + 8].try_into().unwrap()) as usize
}

/// Texts of every process, by its index.
fn texts(log: LogView<'_>) -> BTreeMap<u32, [String; 3]> {
    log.processes()
        .map(|p| (p.index(), [p.name(), p.image_path(), p.command_line()].map(|text| text.to_string())))
        .collect()
}

/// A lost head of a table, and a wrong count, cost no name.
pub(crate) fn a_table_without_its_head_costs_no_name(whole: &[u8]) -> Result<(), Failed> {
    let sound = Log::parse(whole)?;
    let expect = texts(sound.view());
    let (processes, strings) = (place(whole, PROCESSES), place(whole, STRINGS));
    let process_head = 4 + 8 * u32_at(whole, processes) as usize;
    let string_head = 4 + 4 * u32_at(whole, strings) as usize;
    let heads = [(processes, process_head), (strings, string_head)];
    for (at, size) in heads {
        let mut broken = whole.to_vec();
        broken[at..at + size].fill(0);
        assert_eq!(texts(recovered(&broken).view()), expect, "zeros over {size} bytes at {at:#x}");
        for count in [0, 1, u32_at(whole, at) + 1, u32_at(whole, at) - 1, 1_000_000, u32::MAX] {
            let mut broken = whole.to_vec();
            broken[at..at + 4].copy_from_slice(&count.to_le_bytes());
            let log = recovered(&broken);
            assert_eq!(texts(log.view()), expect, "count {count} at {at:#x}");
            assert!(!log.view().damage().is_empty(), "count {count} at {at:#x} is silent");
        }
    }
    Ok(())
}

/// A file of data/minimal.
fn minimal(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/minimal/{name}.pml.zst", env!("CARGO_MANIFEST_DIR"));
    zstd::decode_all(std::fs::read(path).unwrap().as_slice()).unwrap()
}

/// Every event that lies outside the damage is kept, and its name if anything in the log still says it.
pub(crate) fn what_is_left_of_a_log_has_its_names() -> Result<(), Failed> {
    let sound = minimal("sound");
    let sound = Log::parse(sound.as_slice())?;
    let names: HashMap<u64, String> = sound
        .view()
        .events(0..2_000)
        .map(|event| event.map(|event| (event.time().0, event.process().unwrap().name().to_string())))
        .collect::<Result<_, _>>()?;
    // Events, and those of them with a name.
    for (name, expect) in [
        // The hole holds 34 of 41 process records.
        ("zeros_in_process_table", (2_000, 350)),
        // The hole holds the names of 17 of 41 processes.
        ("zeros_in_string_table", (2_000, 1_200)),
        ("zeros_in_events", (1_985, 1_985)),
        ("without_512_bytes", (1_998, 1_998)),
        ("without_4096_bytes", (1_984, 1_984)),
        ("without_65536_bytes", (1_769, 1_769)),
    ] {
        let bytes = minimal(name);
        let log = recovered(&bytes);
        let view = log.view();
        let mut found = (0, 0);
        for event in view.events(0..view.event_count()) {
            let event = event?;
            found.0 += 1;
            let text = event.process().map(|process| process.name().to_string()).unwrap_or_default();
            if !text.is_empty() {
                found.1 += 1;
                assert_eq!(Some(&text), names.get(&event.time().0), "{name}");
            }
        }
        assert_eq!(found, expect, "{name}");
    }
    Ok(())
}
