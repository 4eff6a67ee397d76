//! Compares the cells of single events with those of Process Monitor 3.93 (64-bit) and 3.70 (32-bit).
//! `data/vectors.jsonl.zst` has one event per line.
#![forbid(unsafe_code)]

use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess};
use pml_parser::{EventClass, Fidelity, FileTime, Log, NtStatus, ProcmonColumn, TextOptions};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;

struct Vector {
    line: usize,
    is_64_bit: bool,
    class: u16,
    operation: u16,
    tid: u32,
    status: u32,
    details: Vec<u8>,
    extra: Option<Vec<u8>>,
    expect: BTreeMap<String, String>,
    tag: String,
}

fn vectors() -> Vec<Vector> {
    let packed = include_bytes!("data/vectors.jsonl.zst");
    let text = String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap();
    let hex = |v: &Value| {
        let digits = v.as_str()?;
        Some(
            (0..digits.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
                .collect(),
        )
    };
    text.lines()
        .enumerate()
        .map(|(line, text)| {
            let v: Value = serde_json::from_str(text).unwrap();
            Vector {
                line: line + 1,
                is_64_bit: v["is64"].as_bool().unwrap(),
                class: v["class"].as_u64().unwrap() as u16,
                operation: v["op"].as_u64().unwrap() as u16,
                tid: v["tid"].as_u64().unwrap_or(0) as u32,
                status: v["result"].as_u64().unwrap() as u32,
                details: hex(&v["details_hex"]).unwrap(),
                extra: hex(&v["extra_hex"]),
                expect: serde_json::from_value(v["expect"].clone()).unwrap(),
                tag: v["tag"].to_string(),
            }
        })
        .collect()
}

/// A log with this event of process 1000, `t.exe`.
fn log(vector: &Vector, details: &[u8], extra: Option<&[u8]>) -> Log<Vec<u8>> {
    let machine = Machine { is_64_bit: vector.is_64_bit, ..Machine::windows_10("VECTORS") };
    let mut writer = LogWriter::new(Cursor::new(Vec::new()), &machine).unwrap();
    writer.add_process(&NewProcess { index: 1, pid: 1000, name: "t.exe", ..NewProcess::default() });
    writer
        .add_event(&NewEvent {
            process_index: 1,
            tid: vector.tid,
            class: EventClass::from_code(vector.class),
            operation: vector.operation,
            time: FileTime(133_485_408_450_000_000),
            status: NtStatus(vector.status),
            details,
            extra,
            ..NewEvent::default()
        })
        .unwrap();
    Log::parse(writer.finish().unwrap().into_inner()).unwrap()
}

/// The cells of the event as the CSV export shows them, by title.
fn cells(log: &Log<Vec<u8>>, fidelity: Fidelity) -> BTreeMap<String, String> {
    let options = TextOptions { fidelity, ..TextOptions::default() };
    let event = log.view().event(0).unwrap();
    ProcmonColumn::all()
        .map(|cell| {
            let mut text = String::new();
            event.push_cell(cell, event.time(), &options, &mut text);
            (cell.title().to_owned(), text.replace('\n', ";"))
        })
        .collect()
}

#[test]
fn every_vector_renders_as_process_monitor_printed_it() {
    let mut differences = Vec::new();
    let vectors = vectors();
    assert_eq!(vectors.len(), 4_124);
    for vector in vectors {
        let log = log(&vector, &vector.details, vector.extra.as_deref());
        let ours = cells(&log, Fidelity::Procmon);
        {
            for (name, theirs) in &vector.expect {
                if ours.get(name) != Some(theirs) {
                    differences.push(format!(
                        "line {} {} class {} op {} {name}:\n  ours    {:?}\n  procmon {theirs:?}",
                        vector.line,
                        vector.tag,
                        vector.class,
                        vector.operation,
                        ours.get(name)
                    ));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} cells differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn details_cut_at_every_length_never_panic() {
    for vector in vectors() {
        for fidelity in [Fidelity::Procmon, Fidelity::Corrected] {
            for cut in 0..vector.details.len() {
                cells(&log(&vector, &vector.details[..cut], vector.extra.as_deref()), fidelity);
            }
            for cut in 0..vector.extra.as_ref().map_or(0, Vec::len) {
                let extra = vector.extra.as_deref().map(|extra| &extra[..cut]);
                cells(&log(&vector, &vector.details, extra), fidelity);
            }
        }
    }
}
