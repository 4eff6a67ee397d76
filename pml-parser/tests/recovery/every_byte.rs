//! Small logs, broken at every byte and in every field.

use crate::logs::{HEADER, Layout, Record, generated, laid_out, records};
use crate::support::{assert_found, offsets, recovered, recovery, sorted};
use libtest_mimic::Failed;
use pml_parser::Log;
use pml_samples::boot::Bits;
use pml_samples::minimal;

/// One record after the other gets an absurd size, class, time or extra offset.
pub(crate) fn an_absurd_field_costs_one_event() -> Result<(), Failed> {
    let saved = generated(300, Bits::B64)?;
    for layout in [Layout::Saved, Layout::Direct, Layout::DirectLate] {
        absurd_fields_of(&laid_out(saved.clone(), layout), layout);
    }
    Ok(())
}

fn absurd_fields_of(bytes: &[u8], layout: Layout) {
    let records = records(bytes);
    let fields =
        [(0x08, 2), (0x0A, 2), (0x14, 8), (0x1C, 8), (0x28, 2), (0x2C, 4), (0x30, 4), (0x00, 4), (0x24, 4)];
    for has_array in [true, false] {
        for (number, record) in records.iter().enumerate().skip(1) {
            for (at, size) in fields {
                for fill in [0xFF, 0x7F] {
                    let mut broken = bytes.to_vec();
                    broken[record.start() + at..record.start() + at + size].fill(fill);
                    if !has_array {
                        broken[0x248..0x250].fill(0);
                    }
                    let log = recovered(&broken);
                    let is_other = |&at: &usize| at != record.start();
                    let others = sorted(records.iter().map(Record::start).filter(is_other).collect());
                    let kept: Vec<usize> = sorted(offsets(log.view())).into_iter().filter(is_other).collect();
                    let context = format!("{layout:?} {has_array} event {number}, field {at:#x} {fill:#x}");
                    assert!(kept == others, "{context}: {:?}", recovery(&log));
                }
            }
        }
    }
}

/// A small log of each bitness, in each layout.
fn small_logs() -> Result<Vec<Vec<u8>>, Failed> {
    let mut logs = Vec::new();
    for is_64_bit in [true, false] {
        for layout in [Layout::Saved, Layout::Direct, Layout::DirectLate] {
            logs.push(laid_out(minimal::log(is_64_bit)?, layout));
        }
    }
    Ok(logs)
}

/// A small log, cut at every byte.
pub(crate) fn a_log_can_be_cut_at_every_byte() -> Result<(), Failed> {
    for whole in small_logs()? {
        let records = records(&whole);
        for at in HEADER..whole.len() {
            let log = recovered(&whole[..at]);
            let expected = records.iter().filter(|record| record.end() <= at);
            assert_found(&log, expected, &format!("cut at {at:#x}"));
            assert_eq!(recovery(&log).doubtful, 0, "cut at {at:#x}");
        }
        for at in 0..HEADER {
            assert!(Log::recover(&whole[..at]).is_err());
        }
    }
    Ok(())
}

/// Every byte of header and tables changed: all events are found. Every byte of the events: all others are.
pub(crate) fn a_changed_byte_costs_at_most_its_event() -> Result<(), Failed> {
    for whole in small_logs()? {
        let records = records(&whole);
        let starts: Vec<usize> = records.iter().map(Record::start).collect();
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut broken = whole.clone();
                broken[at] ^= change;
                let context = format!("{change:#x} at {at:#x}");
                let log = recovered(&broken);
                let found = sorted(offsets(log.view()));
                match records.iter().position(|record| record.contains(at)) {
                    None => assert_eq!(found, sorted(starts.clone()), "{context}"),
                    Some(hit) => {
                        let others = |all: &[usize]| -> Vec<usize> {
                            all.iter().copied().filter(|&start| start != starts[hit]).collect()
                        };
                        assert_eq!(
                            others(&found),
                            sorted(others(&starts)),
                            "{context}: {:?}",
                            recovery(&log)
                        );
                    }
                }
            }
        }
    }
    Ok(())
}
