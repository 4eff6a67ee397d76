//! Each kind of damage, over whole logs.

use crate::logs::{
    HEADER, Layout, Places, Record, TABLES, forget_tables, generated, laid_out, pointer_at, records,
    records_end,
};
use crate::support::{
    assert_found, assert_same_processes, identity, offsets, recovered, recovery, sliced, sorted,
};
use libtest_mimic::Failed;
use pml_parser::{Error, ErrorKind, Event, EventClass, Log, LogSet};
use pml_samples::boot::Bits;
use std::ops::Range;

/// A sound log is read as it is, its events in its own order.
pub(crate) fn a_sound_log_opens_as_it_is(bytes: &[u8]) -> Result<(), Failed> {
    let log = recovered(bytes);
    let expected: Vec<usize> = records(bytes).iter().map(Record::start).collect();
    assert_eq!(offsets(log.view()), expected);
    let recovery = recovery(&log);
    assert!(recovery.cause.is_none() && recovery.lost_is_exact, "{recovery:?}");
    assert_eq!((recovery.doubtful, recovery.lost, recovery.lost_bytes), (0, 0, 0));
    let sound = Log::parse(bytes).unwrap();
    assert_eq!(log.view().damage(), sound.view().damage());
    if recovery.processes_rebuilt == 0 {
        assert_same_processes(log.view(), sound.view());
    }
    Ok(())
}

/// Cut anywhere, every event whose record is whole is there, and nothing else.
pub(crate) fn a_cut_log_keeps_every_whole_event(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let sound = Log::parse(bytes).unwrap();
    let mut places = Places(7);
    for _ in 0..50 {
        let at = HEADER + places.below(bytes.len() - HEADER);
        let log = recovered(&bytes[..at]);
        let expected: Vec<&Record> = records.iter().filter(|record| record.end() <= at).collect();
        assert_found(&log, expected.iter().copied(), &format!("cut at {at:#x}"));
        let recovery = recovery(&log);
        assert_eq!(recovery.doubtful, 0, "cut at {at:#x}: {recovery:?}");
        let lost = (records.len() - expected.len()) as u64;
        assert!(recovery.lost_is_exact && recovery.lost == lost, "{recovery:?}");
        let whole = (0..records.len()).filter(|&number| records[number].end() <= at);
        let mut whole: Vec<Event<'_>> = whole.map(|n| sound.view().event(n as u32).unwrap()).collect();
        let mut found: Vec<Event<'_>> =
            log.view().events(0..expected.len() as u32).map(Result::unwrap).collect();
        found.sort_by_key(Event::offset);
        whole.sort_by_key(Event::offset);
        for (a, b) in found.iter().zip(whole) {
            assert_eq!((a.details(), a.extra()), (b.details(), b.extra()));
        }
    }
    Ok(())
}

/// The header lacks offsets of tables, and the tables are there: they are found after the events.
pub(crate) fn missing_table_offsets_cost_nothing(bytes: &[u8]) -> Result<(), Failed> {
    let sound = Log::parse(bytes).unwrap();
    for gone in [&TABLES[..1], &TABLES[1..2], &TABLES[2..3], &TABLES[..]] {
        for fill in [0x00, 0xFF, 0x13] {
            let mut broken = bytes.to_vec();
            gone.iter().for_each(|&at| broken[at..at + 8].fill(fill));
            let log = recovered(&broken);
            assert_found(&log, &records(bytes), &format!("{gone:x?} filled with {fill:#x}"));
            let recovery = recovery(&log);
            assert_eq!((recovery.doubtful, recovery.lost), (0, 0), "{recovery:?}");
            assert!(recovery.cause.is_some());
            if recovery.processes_rebuilt == 0 {
                assert_same_processes(log.view(), sound.view());
            }
            assert_eq!(log.view().tables(), sound.view().tables());
        }
    }
    Ok(())
}

/// Offsets of tables that lead elsewhere, though what is there can be read.
pub(crate) fn wrong_table_offsets_cost_nothing(bytes: &[u8]) -> Result<(), Failed> {
    let sound = Log::parse(bytes).unwrap();
    for at in &TABLES[..4] {
        let mut broken = bytes.to_vec();
        let elsewhere = pointer_at(bytes, *at) as u64 + 7;
        broken[*at..at + 8].copy_from_slice(&elsewhere.to_le_bytes());
        let log = recovered(&broken);
        assert_found(&log, &records(bytes), &format!("{at:#x}"));
        assert!(!recovery(&log).is_whole(), "{at:#x}");
        assert_same_processes(log.view(), sound.view());
    }
    Ok(())
}

/// Never closed and without tables: all events are found, and the processes that events describe.
pub(crate) fn a_log_without_tables_keeps_all_events(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let end = records_end(&records);
    let mut broken = bytes[..end].to_vec();
    forget_tables(&mut broken);
    let log = recovered(&broken);
    assert_found(&log, &records, "unclosed");
    let recovery = recovery(&log);
    assert_eq!(recovery.cause.unwrap().kind(), ErrorKind::NotClosed);
    assert_eq!((recovery.doubtful, recovery.lost, recovery.lost_is_exact), (0, 0, false));
    // Room after the events that was never filled is no loss; the last event may be cut, though.
    let mut roomy = broken.clone();
    roomy.resize(broken.len() + 100_000, 0);
    let roomy = recovered(&roomy);
    assert_found(&roomy, &records, "with room");
    assert_eq!((self::recovery(&roomy).doubtful, self::recovery(&roomy).lost), (1, 0));
    let sound = Log::parse(bytes).unwrap();
    let created: Vec<Event<'_>> = sound
        .view()
        .events(0..records.len() as u32)
        .map(Result::unwrap)
        .filter(|e| e.operation().class == EventClass::Process && e.operation().code < 2)
        .collect();
    for event in created {
        let index = u32::from_le_bytes(event.details()[..4].try_into().unwrap());
        let found = log.view().process(index).expect("it was created while the capture ran");
        let Some(truth) = sound.view().process(index) else { continue };
        let (mut found, mut truth) = (identity(found), identity(truth));
        // Version resources are in no event. An account has a name in the tables alone.
        truth[5].clear();
        if found[3] != truth[3] {
            assert!(found[3].starts_with("S-1-"), "{found:?} {truth:?}");
            truth[3].clone_from(&found[3]);
        }
        if found[4] != truth[4] {
            assert!(found[4].starts_with("S-1-16"), "{found:?} {truth:?}");
            truth[4].clone_from(&found[4]);
        }
        // Process Monitor may have looked at the process somewhat later or earlier than the event.
        let late = log
            .view()
            .process(index)
            .unwrap()
            .start()
            .0
            .abs_diff(sound.view().process(index).unwrap().start().0);
        if (1..10_000_000).contains(&late) {
            truth[6].clone_from(&found[6]);
        }
        // Events have blanks at the end of a command line.
        for texts in [&mut found, &mut truth] {
            texts[2] = texts[2].trim_end().to_owned();
        }
        assert_eq!(found, truth);
    }
    Ok(())
}

/// A stretch of records is overwritten: records outside are kept.
pub(crate) fn overwritten_sectors_cost_only_their_events(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let events_end = records_end(&records);
    let mut places = Places(11);
    for round in 0..24 {
        let size = [512, 4_096, 20_000][round % 3].min(events_end / 2);
        let from = HEADER + places.below(events_end - HEADER - size);
        let mut broken = bytes.to_vec();
        match round % 2 {
            0 => broken[from..from + size].fill(0),
            _ => broken[from..from + size].fill_with(|| places.below(256) as u8),
        }
        let gone = from..from + size;
        let untouched = records.iter().filter(|record| !record.touches(&gone)).map(Record::start);
        let expected = sorted(untouched.collect());
        // With its event offset array, and without.
        for has_array in [true, false] {
            if !has_array {
                broken[0x248..0x250].fill(0);
            }
            let log = recovered(&broken);
            let found = sorted(offsets(log.view()));
            let missing: Vec<_> = expected.iter().filter(|at| found.binary_search(at).is_err()).collect();
            assert!(missing.is_empty(), "round {round}, {from:#x}: missing {missing:x?}");
            // A record of which only the inside is gone is still one; nothing else is invented.
            for at in found {
                assert!(
                    expected.binary_search(&at).is_ok() || records.iter().any(|record| record.start() == at),
                    "round {round}: {at:#x} is no record"
                );
            }
            let recovery = recovery(&log);
            assert!(recovery.lost_is_exact);
            assert_eq!(recovery.kept + recovery.lost, records.len() as u64, "{recovery:?}");
        }
    }
    Ok(())
}

/// Pieces of the event offset array are overwritten: all events are found without it.
pub(crate) fn a_damaged_offset_array_costs_no_event(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let at = pointer_at(bytes, TABLES[0]);
    let size = records.len() * 5;
    let mut places = Places(13);
    for round in 0..12 {
        let gone = [5, 512, size / 3, size][round % 4].min(size);
        let from = at + places.below(size - gone + 1);
        let mut broken = bytes.to_vec();
        match round % 2 {
            0 => broken[from..from + gone].fill(0),
            _ => broken[from..from + gone].fill_with(|| places.below(256) as u8),
        }
        let log = recovered(&broken);
        assert_found(&log, &records, &format!("round {round}: {gone} bytes at {from:#x}"));
        assert_eq!(recovery(&log).lost, 0);
    }
    Ok(())
}

/// A page of the event offset array is replaced by another of its pages: no event comes twice.
pub(crate) fn a_shuffled_offset_array_repeats_no_event(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let (at, size) = (pointer_at(bytes, TABLES[0]), records.len() * 5);
    let page = (size / 4).min(4_096);
    for (to, from) in [(at, at + size - page), (at + page, at + 2 * page), (at + 2 * page, at), (at, at + 5)]
    {
        let mut broken = bytes.to_vec();
        broken.copy_within(from..from + page, to);
        assert_found(&recovered(&broken), &records, &format!("{to:#x} is {from:#x}"));
    }
    // An array in another order is as good as any.
    let mut reversed = bytes.to_vec();
    for (entry, record) in records.iter().rev().enumerate() {
        reversed[at + 5 * entry..at + 5 * entry + 4].copy_from_slice(&(record.start() as u32).to_le_bytes());
    }
    let expected: Vec<usize> = records.iter().rev().map(Record::start).collect();
    assert_eq!(offsets(recovered(&reversed).view()), expected);
    Ok(())
}

/// The header is gone but for its length.
pub(crate) fn a_missing_header_costs_no_event(bytes: &[u8]) -> Result<(), Failed> {
    let mut broken = bytes.to_vec();
    broken[..HEADER].fill(0);
    let log = recovered(&broken);
    assert_found(&log, &records(bytes), "without a header");
    let sound = Log::parse(bytes).unwrap();
    assert_eq!(log.view().is_64_bit(), sound.view().is_64_bit());
    assert_eq!(log.view().highest_user_address(), sound.view().highest_user_address());
    if recovery(&log).processes_rebuilt == 0 {
        assert_same_processes(log.view(), sound.view());
    }
    Ok(())
}

/// The first pages are gone, the header with them.
pub(crate) fn a_missing_beginning_costs_only_its_events(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    for size in [1_000, 4_096, 65_536] {
        let mut broken = bytes.to_vec();
        broken[..size].fill(0);
        let left = records.iter().filter(|record| record.start() >= size);
        assert_found(&recovered(&broken), left, &format!("without {size} bytes"));
    }
    Ok(())
}

/// Bytes were inserted: what lies after them has moved, and no process is taken for another.
pub(crate) fn inserted_bytes_cost_one_event(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let sound = Log::parse(bytes).unwrap();
    let at = records[records.len() / 2].start() + 7;
    let is_torn = |record: &&Record| record.start() <= at && at < record.end();
    for inserted in 1..=4 {
        let mut broken = bytes.to_vec();
        broken.splice(at..at, vec![b'\r'; inserted]);
        let log = recovered(&broken);
        let moved = |record: &Record| record.start() + if record.start() > at { inserted } else { 0 };
        let expected: Vec<usize> = records.iter().filter(|record| !is_torn(record)).map(moved).collect();
        let found = sorted(offsets(log.view()));
        assert!(expected.iter().all(|start| found.binary_search(start).is_ok()), "{inserted}");
        for process in log.view().processes() {
            let truth = sound.view().process(process.index()).expect("no process is invented");
            assert_eq!(process.pid(), truth.pid(), "{inserted}: {:?}", recovery(&log));
        }
    }
    Ok(())
}

/// Pages of zeros among the events are no events.
pub(crate) fn zeros_are_no_events(bytes: &[u8]) -> Result<(), Failed> {
    let end = records_end(&records(bytes));
    for has_array in [true, false] {
        let mut broken = bytes.to_vec();
        let mut places = Places(17);
        for _ in 0..10 {
            let at = (HEADER + places.below(end - HEADER)) & !511;
            broken[at.max(HEADER)..(at + 512).min(end)].fill(0);
        }
        if !has_array {
            broken[0x248..0x250].fill(0);
        }
        let log = recovered(&broken);
        let times = log.view().events(0..log.view().event_count()).map(|event| event.unwrap().time());
        assert_eq!(times.filter(|time| time.0 == 0).count(), 0);
    }
    Ok(())
}

/// A recovered log can be saved as a log that opens, with the same events.
pub(crate) fn a_recovered_log_can_be_saved(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let half = records[records.len() / 2].start() + 20;
    let mut broken = bytes[..half].to_vec();
    broken[0] = b'X';
    let set = LogSet::new(vec![recovered(&broken)]);
    let log = sliced(&set)?;
    // Of some logs no event describes a process: events without processes are all that is left.
    let errors = log.view().damage().first.iter().map(|error| error.kind());
    let (errors, has_processes) = (errors.collect::<Vec<_>>(), log.view().process_count() > 0);
    assert_eq!(errors, if has_processes { vec![] } else { vec![ErrorKind::Empty] });
    assert_eq!(u64::from(log.view().event_count()), set.event_count());
    for (a, b) in set.events().zip(log.view().events(0..log.view().event_count())) {
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!((a.time(), a.details(), a.extra()), (b.time(), b.details(), b.extra()));
        assert_eq!(a.process().map(identity), b.process().map(identity));
    }
    Ok(())
}

/// A log as genuine Process Monitor makes it of a raw boot log: whole, and without its tables.
pub(crate) fn a_converted_log_loses_no_event(bytes: &[u8]) -> Result<(), Failed> {
    let records = records(bytes);
    let expected: Vec<usize> = records.iter().map(Record::start).collect();
    let log = recovered(bytes);
    assert_eq!(offsets(log.view()), expected);
    assert!(recovery(&log).cause.is_none() && recovery(&log).lost == 0, "{:?}", recovery(&log));
    let mut broken = bytes[..records_end(&records)].to_vec();
    forget_tables(&mut broken);
    let log = recovered(&broken);
    assert_found(&log, &records, "without tables");
    // One log has an extra blob of more than 64 KiB, with 65,536 bytes fewer in its size.
    let recovery = recovery(&log);
    assert_eq!(recovery.lost_bytes, recovery.lost * 65_536, "{recovery:?}");
    Ok(())
}

/// The extra blobs of events that are lost lie among the others, and are no lost events themselves.
pub(crate) fn extra_blobs_of_lost_events_are_not_counted_as_events() -> Result<(), Failed> {
    let mut bytes = laid_out(generated(5_000, Bits::B64)?, Layout::Direct);
    let records = records(&bytes);
    let is_displaced =
        |record: &&Record| record.extra.as_ref().is_some_and(|extra| extra.start > record.body.end + 1_000);
    let lost: Vec<Range<usize>> = records
        .chunks(50)
        .filter_map(|some| Some(some.iter().take(25).find(is_displaced)?.body.clone()))
        .collect();
    assert!(lost.len() > 50);
    for body in &lost {
        bytes[body.clone()].fill(0xEE);
    }
    let mut broken = bytes[..records_end(&records)].to_vec();
    forget_tables(&mut broken);
    let log = recovered(&broken);
    let kept = records.iter().filter(|record| !lost.contains(&record.body));
    assert_found(&log, kept, "without some records");
    let recovery = recovery(&log);
    assert!((1..=lost.len() as u64).contains(&recovery.lost) && !recovery.lost_is_exact, "{recovery:?}");
    Ok(())
}

/// An extra offset that leads into another record belongs to a doubtful event.
pub(crate) fn wrong_extra_offsets_are_doubtful() -> Result<(), Failed> {
    let mut bytes = generated(1_000, Bits::B64)?;
    let records = records(&bytes);
    let wrong = records.iter().position(|record| record.extra.is_none()).unwrap();
    let next = &records[wrong + 1];
    let offset = (next.start() + 20 - records[wrong].start()) as u32;
    let at = records[wrong].start() + 0x30;
    bytes[at..at + 4].copy_from_slice(&offset.to_le_bytes());
    for has_array in [true, false] {
        if !has_array {
            bytes[TABLES[0]..TABLES[0] + 8].fill(0);
        }
        let log = recovered(&bytes);
        assert_found(&log, &records, "wrong extra offset");
        assert_eq!((recovery(&log).doubtful, recovery(&log).lost), (1, 0), "{:?}", recovery(&log));
        let damage = log.view().damage().first.clone();
        let is_it = |error: &Error| {
            error.kind() == ErrorKind::Doubtful && error.offset() == records[wrong].start() as u64
        };
        assert!(damage.iter().any(is_it), "{damage:?}");
    }
    Ok(())
}
