//! Maps of files that change while they are mapped. `src/open/map.rs`, where unsafe code is allowed, tests
//! signals about other addresses.
#![forbid(unsafe_code)]

use pml_parser::{LogSet, Map, NoProgress, OpenOptions, any_fault, map};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// Tests run one after the other, because `any_fault` is about all maps of the process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// At least the page size of every system, and a multiple of it.
const PAGE: usize = 64 << 10;

struct Fixture {
    _turn: MutexGuard<'static, ()>,
    folder: TempDir,
}

fn fixture() -> Fixture {
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    Fixture { _turn: turn, folder: tempfile::tempdir().unwrap() }
}

impl Fixture {
    /// A file of `pages` pages. Each byte of a page is the number of the page plus one.
    fn file(&self, name: &str, pages: usize) -> PathBuf {
        let path = self.folder.path().join(name);
        let bytes: Vec<u8> = (0..pages * PAGE).map(|at| (at / PAGE + 1) as u8).collect();
        fs::write(&path, bytes).unwrap();
        path
    }
}

#[cfg(target_os = "linux")]
fn cut(path: &PathBuf, pages: usize) {
    File::options().write(true).open(path).unwrap().set_len((pages * PAGE) as u64).unwrap();
}

/// The byte in the middle of each page.
#[cfg(unix)]
fn read(map: &Map) -> Vec<u8> {
    map.chunks(PAGE).map(|page| page[page.len() / 2]).collect()
}

#[test]
fn a_map_is_the_file() {
    let fixture = fixture();
    let path = fixture.file("whole", 3);
    let map = map(&path).unwrap();
    assert!(map[..] == fs::read(&path).unwrap() && map.as_ref().len() == 3 * PAGE);
    assert_eq!((map.fault(), any_fault()), (None, false));
    File::create(fixture.folder.path().join("empty")).unwrap();
    let empty = pml_parser::map(&fixture.folder.path().join("empty")).unwrap();
    assert!(empty.is_empty() && empty.fault().is_none());
    assert!(pml_parser::map(&fixture.folder.path().join("missing")).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn bytes_that_were_cut_off_read_as_zeros_and_are_reported() {
    let fixture = fixture();
    let path = fixture.file("cut", 8);
    let map = map(&path).unwrap();
    assert_eq!(map[6 * PAGE], 7);
    cut(&path, 3);
    assert_eq!((map.fault(), any_fault()), (None, false), "no missing page has been read yet");
    assert_eq!(map[5 * PAGE], 0);
    assert_eq!((map.fault(), any_fault()), (Some(5 * PAGE as u64), true));
    assert_eq!(read(&map), [1, 2, 3, 0, 0, 0, 0, 0]);
    let first = map.fault().unwrap();
    assert!((3 * PAGE as u64..4 * PAGE as u64).contains(&first), "the lowest missing page: {first:#x}");
    // A fault stays even if the file is restored, because zeros were read.
    fixture.file("cut", 8);
    assert_eq!(map[7 * PAGE + PAGE / 2], 0);
    assert!(map.fault().is_some());
}

#[cfg(target_os = "linux")]
#[test]
fn each_map_reports_only_its_own_faults_until_it_is_dropped() {
    let fixture = fixture();
    let paths: Vec<PathBuf> = (0..40).map(|number| fixture.file(&number.to_string(), 2)).collect();
    for _ in 0..3 {
        let maps: Vec<Map> = paths.iter().map(|path| map(path).unwrap()).collect();
        let clone = maps[7].clone();
        assert!(!any_fault(), "faults of dropped maps are forgotten");
        for (number, path) in paths.iter().enumerate().filter(|(number, _)| number % 7 == 0) {
            cut(path, 0);
            assert_eq!(read(&maps[number]), [0, 0]);
        }
        for (number, map) in maps.iter().enumerate() {
            assert_eq!(map.fault().is_some(), number % 7 == 0);
            assert!(number % 7 == 0 || read(map) == [1, 2]);
        }
        drop(maps);
        assert!(any_fault() && clone.fault().is_some(), "a clone is the same map");
        drop(clone);
        assert!(!any_fault());
        paths.iter().for_each(|path| drop(fixture.file(path.file_name().unwrap().to_str().unwrap(), 2)));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn many_threads_may_meet_a_fault_at_once() {
    let fixture = fixture();
    let path = fixture.file("threads", 16);
    for _ in 0..20 {
        fixture.file("threads", 16);
        let map = map(&path).unwrap();
        cut(&path, 1);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(read(&map)[1..], [0; 15]));
            }
            // Meanwhile, other maps are made and dropped.
            for _ in 0..50 {
                assert_eq!(pml_parser::map(&path).unwrap()[PAGE / 2], 1);
            }
        });
        assert!(map.fault().is_some_and(|offset| (PAGE as u64..2 * PAGE as u64).contains(&offset)));
    }
    assert!(!any_fault());
}

/// Windows refuses both.
#[cfg(unix)]
#[test]
fn a_file_that_is_deleted_or_replaced_stays_mapped() {
    let fixture = fixture();
    let path = fixture.file("gone", 4);
    let map = map(&path).unwrap();
    fs::rename(fixture.file("other", 1), &path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(read(&map), [1, 2, 3, 4]);
    assert_eq!((map.fault(), any_fault()), (None, false));
}

/// A log that is read into memory does not depend on its file any more, and no handler is asked for it.
#[test]
fn a_log_in_memory_is_not_touched_by_what_becomes_of_its_file() {
    let fixture = fixture();
    let sample =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../samples/logs/missing-payload/Bootlog.pml");
    let copy = fixture.folder.path().join("copy.pml");
    fs::copy(sample, &copy).unwrap();
    let options = OpenOptions { in_memory: true, ..OpenOptions::default() };
    let opened = LogSet::open_files(&[&copy], options, &NoProgress).unwrap();
    File::options().write(true).open(&copy).unwrap().set_len(4_096).unwrap();
    let readable = opened.set.events().filter(Result::is_ok).count();
    assert_eq!((readable, any_fault(), opened.check().is_ok()), (1_500, false, true));
}
