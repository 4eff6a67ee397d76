//! Ways to read a log set with the least possible work: the limits of the machine.

use crate::encode::options;
use arrow::record_batch::RecordBatch;
use pml_parser::NoProgress;
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::export::batches::read_batches;
use pml_parser::parallel::in_order;
use pml_parser::{Event, EventRange, Log, LogSet, Map, ProcmonColumn, TextOptions};
use std::io;
use std::path::PathBuf;

/// What other readers give of an event.
const FIVE: [&str; 5] = ["process_name", "operation", "path", "result", "detail"];

/// A way to read a log set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All bytes of the files, in order, nothing decoded.
    Memory,
    /// The header of each event.
    Headers,
    /// The header of each event, and its path as text.
    Paths,
    /// Every byte of every event record, stacks and details.
    Records,
    /// Every column of the events table as Arrow record batches.
    Columns,
    /// The five columns that other readers give, as Arrow record batches.
    Five,
}

impl Way {
    /// All ways.
    pub const ALL: [Self; 6] =
        [Self::Memory, Self::Headers, Self::Paths, Self::Records, Self::Columns, Self::Five];

    /// The name of the way.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Headers => "headers",
            Self::Paths => "headers and paths",
            Self::Records => "every byte of events",
            Self::Columns => "every column to Arrow",
            Self::Five => "five columns to Arrow",
        }
    }
}

/// Maps logs as the parts of a set.
///
/// # Errors
/// When a file cannot be mapped or is no log.
pub fn open(paths: &[PathBuf]) -> io::Result<LogSet<Map>> {
    let mut logs = Vec::new();
    for path in paths {
        logs.push(Log::parse(pml_parser::map(path)?).map_err(io::Error::other)?);
    }
    Ok(LogSet::new(logs))
}

/// Maps a log, opens it, and reads its first event with process, operation, path and result, as an
/// interactive reader would; gives the bytes of these texts.
///
/// # Errors
/// When the file cannot be mapped or is no log.
pub fn first_event(path: &PathBuf) -> io::Result<u64> {
    let set = open(std::slice::from_ref(path))?;
    let mut text = String::new();
    if let Some(event) = set.events().flatten().next() {
        for cell in
            [ProcmonColumn::ProcessName, ProcmonColumn::Operation, ProcmonColumn::Path, ProcmonColumn::Result]
        {
            event.push_cell(cell, event.time(), &TextOptions::default(), &mut text);
        }
    }
    Ok(text.len() as u64)
}

/// Sums bytes as words, four at a time; the compiler makes one load of them.
fn sum(bytes: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let mut sums = [0u64; 4];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        for (sum, bytes) in sums.iter_mut().zip(block.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(word(bytes));
        }
    }
    let rest = rest.as_chunks::<8>().0.iter().map(word);
    sums.into_iter().chain(rest).fold(0, u64::wrapping_add)
}

/// Reads a set in one way on `threads` threads. Gives a checksum, which forces the compiler to keep the reads.
pub fn run<B: AsRef<[u8]> + Sync>(set: &LogSet<B>, way: Way, threads: usize) -> u64 {
    let mut total = 0u64;
    let mut add = |part: u64| {
        total = total.wrapping_add(part);
        Ok::<_, ()>(())
    };
    const PIECE: usize = 32 << 20;
    let done = if matches!(way, Way::Columns | Way::Five) {
        let mut options = options(threads).export;
        if way == Way::Five {
            options.columns = EventColumnSet::named(FIVE).expect("columns of the events table");
        }
        let mut take = |batch: RecordBatch| {
            let bytes: usize = batch.columns().iter().map(|column| column.len() + column.null_count()).sum();
            _ = add(bytes as u64);
            Ok(())
        };
        read_batches(set, &options, &NoProgress, &mut take).map(|_| ()).map_err(|_| ())
    } else if way == Way::Memory {
        let files: Vec<&[u8]> = set.parts().map(|log| log.bytes()).collect();
        let pieces = files.into_iter().flat_map(|file| file.chunks(PIECE));
        in_order(threads, pieces, |piece| Ok(sum(piece)), &mut add)
    } else {
        in_order(threads, set.ranges(65_536, 64 << 20), |range| Ok(read(set, &range, way)), &mut add)
    };
    done.map(|()| total).unwrap_or(0)
}

fn read<B: AsRef<[u8]>>(set: &LogSet<B>, range: &EventRange, way: Way) -> u64 {
    let (options, mut text) = (TextOptions::default(), String::new());
    let header = |event: &Event<'_>| {
        let operation = event.operation();
        event.time().0
            ^ u64::from(event.status().0)
            ^ u64::from(event.process_index())
            ^ u64::from(operation.code) << 8
    };
    if way == Way::Records {
        // The processor prefetches records that are read one after the other, so the code does not.
        let Some(log) = set.part(range.part()) else { return 0 };
        let events = range.events().filter_map(|position| log.event(position).ok());
        return events
            .fold(0u64, |total, event| total.wrapping_add(header(&event)).wrapping_add(sum(event.raw())));
    }
    set.events_in(range).flatten().fold(0u64, |total, event| {
        let mut path = 0;
        if way == Way::Paths {
            text.clear();
            event.push_path(&options, &mut text);
            path = text.len() as u64 + u64::from(text.as_bytes().last().copied().unwrap_or(0));
        }
        total.wrapping_add(header(&event)).wrapping_add(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_reads_the_same_on_any_number_of_threads() {
        let set = crate::boot_log(2_000);
        let sums: Vec<u64> = Way::ALL.into_iter().map(|way| run(&set, way, 1)).collect();
        for (way, sum) in Way::ALL.into_iter().zip(&sums) {
            assert!(*sum != 0 && run(&set, way, 3) == *sum, "{}", way.name());
        }
        assert!(sums.windows(2).all(|pair| pair[0] != pair[1]), "each reads something else");
    }

    #[test]
    fn the_first_event_has_texts() {
        let log = crate::boot_log(10).part(0).unwrap().bytes().to_vec();
        let path = std::env::temp_dir().join(format!("pml-benches-{}.pml", std::process::id()));
        std::fs::write(&path, log).unwrap();
        let first = first_event(&path);
        std::fs::remove_file(&path).unwrap();
        assert!(first.unwrap() > 10);
    }
}
