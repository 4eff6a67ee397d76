//! Filters against plain closures over generated logs, and Process Monitor's filters: rules made
//! here, and four real ones against what Process Monitor exported through them.
#![forbid(unsafe_code)]

use libtest_mimic::{Arguments, Failed, Trial};
use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess};
use pml_parser::{
    Event, EventClass, Fidelity, FileTime, Filter, Log, LogSet, NtStatus, Number, Operation, ProcmonColumn,
    Resolution, TextOptions,
};
use pml_samples::boot::{Amount, Options};
use pml_samples::corpus;
use pml_samples::scenario::generate_in_memory;
use std::io::Cursor;
use std::process::ExitCode;

type Set = LogSet<Vec<u8>>;

/// Ids of the events that a filter selects.
fn selected(set: &Set, filter: &Filter) -> Vec<u64> {
    let mut matcher = filter.matcher(first(set));
    set.events().flatten().filter(|event| matcher.matches(event)).map(|event| event.id()).collect()
}

fn first(set: &Set) -> FileTime {
    set.time_span().map_or(FileTime(0), |span| span.0)
}

/// A capture in two parts.
fn generated() -> Set {
    let options = Options { amount: Amount::Events(6_000), parts: 2, ..Options::default() };
    let parts = generate_in_memory(&options).expect("a log");
    LogSet::new(parts.into_iter().map(|part| Log::parse(part).expect("readable")).collect())
}

fn lower(text: impl std::fmt::Display) -> String {
    text.to_string().to_lowercase()
}

fn path(event: &Event<'_>) -> String {
    let mut out = String::new();
    event.push_path(&TextOptions::default(), &mut out);
    lower(out)
}

fn detail(event: &Event<'_>) -> String {
    let mut out = String::new();
    event.push_detail(&TextOptions::default(), &mut out);
    lower(out)
}

fn process(event: &Event<'_>) -> String {
    event.process().map_or(String::new(), |process| lower(process.name()))
}

/// The frames of the call stack: paths of modules with offsets, or addresses.
fn frames(event: &Event<'_>) -> Vec<String> {
    let frame = |address: u64| match event.locate(address, Resolution::Corrected) {
        Some(location) => lower(format!("{} + {:#x}", location.module.path(), location.offset)),
        None => format!("{address:#x}"),
    };
    event.stack().addresses().map(frame).collect()
}

fn number(event: &Event<'_>, number: Number) -> Option<u64> {
    event.numbers().get(number)
}

/// What an expression means, said in Rust; the second argument is the time of the first event.
type Meaning = fn(&Event<'_>, FileTime) -> bool;

/// Expressions and what they mean. Each selects some events and not all.
static MEANINGS: &[(&str, Meaning)] = &[
    ("process_name = TIWORKER.exe", |e, _| process(e) == "tiworker.exe"),
    ("process_name != 'tiworker.exe'", |e, _| process(e) != "tiworker.exe"),
    ("process_name is not tiworker.exe and path contains winsxs", |e, _| {
        process(e) != "tiworker.exe" && path(e).contains("winsxs")
    }),
    ("process_name = TiWorker.exe and result = error", |e, _| {
        process(e) == "tiworker.exe" && e.status().is_error()
    }),
    ("result = error or process_name = TiWorker.exe and path contains winsxs", |e, _| {
        e.status().is_error() || process(e) == "tiworker.exe" && path(e).contains("winsxs")
    }),
    ("(result = error or process_name = TiWorker.exe) and path contains winsxs", |e, _| {
        (e.status().is_error() || process(e) == "tiworker.exe") && path(e).contains("winsxs")
    }),
    ("not result = error and category = ''", |e, _| !e.status().is_error() && e.category().name().is_empty()),
    ("not (result = error and path contains system32) and not category = Read", |e, _| {
        !(e.status().is_error() && path(e).contains("system32")) && e.category().name() != "Read"
    }),
    ("result = 'name not found'", |e, _| e.status() == NtStatus(0xC000_0034)),
    ("result = 0xC0000034", |e, _| e.status() == NtStatus(0xC000_0034)),
    ("status = 3221225524", |e, _| e.status() == NtStatus(0xC000_0034)),
    ("status >= 0xC0000000", |e, _| e.status().0 >= 0xC000_0000),
    ("status != error", |e, _| !e.status().is_error()),
    ("result contains 'NOT F'", |e, _| lower(e.status()).contains("not f")),
    ("result in (SUCCESS, 0xC0000034, 'no more files')", |e, _| {
        matches!(e.status(), NtStatus(0 | 0xC000_0034 | 0x8000_0006))
    }),
    ("result not in (success, error)", |e, _| e.status().0 != 0 && !e.status().is_error()),
    ("operation = RegOpenKey", |e, _| e.operation() == Operation::REG_OPEN_KEY),
    ("operation in (CreateFile, closefile)", |e, _| {
        [Operation::CREATE_FILE, Operation::CLOSE_FILE].contains(&e.operation())
    }),
    ("operation not starts_with reg and class = 'file system'", |e, _| {
        !e.operation().name().starts_with("Reg") && e.class() == EventClass::FileSystem
    }),
    ("operation matches '^(Query|Set)'", |e, _| {
        ["Query", "Set"].iter().any(|start| e.operation().name().starts_with(start))
    }),
    ("class = registry", |e, _| e.class() == EventClass::Registry),
    ("category in ('read metadata', write)", |e, _| {
        ["Read Metadata", "Write"].contains(&e.category().name())
    }),
    (r"path starts_with C:\Windows\", |e, _| path(e).starts_with(r"c:\windows\")),
    (r#"path ends_with ".DLL" or path ends_with '.exe'"#, |e, _| {
        path(e).ends_with(".dll") || path(e).ends_with(".exe")
    }),
    (r"path matches '\\winsxs\\[^\\]+\\'", |e, _| {
        path(e).split_once(r"\winsxs\").is_some_and(|(_, rest)| rest.find('\\').is_some_and(|at| at > 0))
    }),
    ("path = ''", |e, _| path(e).is_empty()),
    ("detail contains 'desired access: generic'", |e, _| detail(e).contains("desired access: generic")),
    ("detail contains 'length: ' and operation = ReadFile or detail = ''", |e, _| {
        detail(e).contains("length: ") && e.operation() == Operation::READ_FILE || detail(e).is_empty()
    }),
    ("time < 2s", |e, first| e.time().0 - first.0 < 20_000_000),
    ("time between 500ms and 1m", |e, first| (5_000_000..=600_000_000).contains(&(e.time().0 - first.0))),
    ("duration > 100us", |e, _| e.duration().is_some_and(|d| d.0 > 1_000)),
    ("not duration > 100us", |e, _| e.duration().is_none_or(|d| d.0 <= 1_000)),
    ("duration_ns <= 20000 and duration >= 0.00001s", |e, _| {
        e.duration().is_some_and(|d| (100..=200).contains(&d.0))
    }),
    ("event_id >= 0x100 and event_id < 300", |e, _| (256..300).contains(&e.id())),
    ("part = 1", |e, _| e.log().part() == 1),
    ("sequence between 10 and 20", |e, _| (10..=20).contains(&e.sequence())),
    ("pid = 4", |e, _| e.process().is_some_and(|p| p.pid() == 4)),
    ("parent_pid in (4, 0)", |e, _| e.process().is_some_and(|p| matches!(p.parent_pid(), 0 | 4))),
    ("not session > 0 and tid < 400", |e, _| e.process().is_none_or(|p| p.session() <= 0) && e.tid() < 400),
    ("tid < 400 and user_name contains 'SYSTEM' and integrity = system", |e, _| {
        e.tid() < 400
            && e.process()
                .is_some_and(|p| lower(p.user()).contains("system") && lower(p.integrity()) == "system")
    }),
    (r"image_path starts_with C:\Windows and command_line contains svchost", |e, _| {
        e.process().is_some_and(|p| {
            lower(p.image_path()).starts_with(r"c:\windows") && lower(p.command_line()).contains("svchost")
        })
    }),
    ("company contains microsoft and description matches 'mod.*inst'", |e, _| {
        e.process().is_some_and(|p| {
            let description = lower(p.description());
            let after = description.split_once("mod").map(|(_, rest)| rest.contains("inst"));
            lower(p.company()).contains("microsoft") && after == Some(true)
        })
    }),
    ("desired_access = null", |e, _| number(e, Number::DesiredAccess).is_none()),
    ("desired_access != null", |e, _| number(e, Number::DesiredAccess).is_some()),
    ("target_path is not null", |e, _| e.target_path().is_some()),
    ("target_path contains a", |e, _| e.target_path().is_some_and(|t| lower(t).contains('a'))),
    ("not target_path contains a", |e, _| !e.target_path().is_some_and(|t| lower(t).contains('a'))),
    ("target_path not contains zzz", |e, _| e.target_path().is_some()),
    ("disposition = 1", |e, _| number(e, Number::Disposition) == Some(1)),
    ("disposition != 1", |e, _| number(e, Number::Disposition).is_some_and(|n| n != 1)),
    ("disposition not in (1, 2)", |e, _| number(e, Number::Disposition).is_some_and(|n| n > 2 || n == 0)),
    ("not disposition in (1, 2)", |e, _| !matches!(number(e, Number::Disposition), Some(1 | 2))),
    ("byte_offset >= 0 and length between 1 and 0x1000", |e, _| {
        number(e, Number::ByteOffset).is_some_and(|n| n as i64 >= 0)
            && number(e, Number::Length).is_some_and(|n| (1..=4096).contains(&n))
    }),
    ("stack contains wdfilter.sys", |e, _| frames(e).iter().any(|frame| frame.contains("wdfilter.sys"))),
    ("stack contains 'WDFILTER.SYS + 0x'", |e, _| {
        frames(e).iter().any(|frame| frame.contains("wdfilter.sys + 0x"))
    }),
    ("stack not contains ntfs.sys", |e, _| {
        !frames(e).is_empty() && frames(e).iter().all(|frame| !frame.contains("ntfs.sys"))
    }),
    ("not stack contains ntfs.sys", |e, _| frames(e).iter().all(|frame| !frame.contains("ntfs.sys"))),
    (r"stack matches '\\drivers\\wdfilter.*\n.*ntoskrnl'", |e, _| {
        let frames = frames(e);
        let at = frames.iter().position(|frame| frame.contains(r"\drivers\wdfilter"));
        at.is_some_and(|at| frames.get(at + 1).is_some_and(|frame| frame.contains("ntoskrnl")))
            || frames
                .windows(2)
                .any(|pair| pair[0].contains(r"\drivers\wdfilter") && pair[1].contains("ntoskrnl"))
    }),
    ("stack contains wdfilter.sys and process_name = TiWorker.exe", |e, _| {
        frames(e).iter().any(|frame| frame.contains("wdfilter.sys")) && process(e) == "tiworker.exe"
    }),
    ("registry_data is not null and registry_type = 1", |e, _| {
        e.push_registry_data(&mut String::new()) && number(e, Number::RegistryType) == Some(1)
    }),
];

/// A filter selects what a closure does, whatever the order of the events.
fn means(text: &str, meaning: Meaning) -> Result<(), Failed> {
    let set = generated();
    let filter = Filter::parse(text)?;
    let first = first(&set);
    let wanted: Vec<u64> =
        set.events().flatten().filter(|event| meaning(event, first)).map(|event| event.id()).collect();
    if wanted.is_empty() || wanted.len() as u64 == set.event_count() {
        return Err(format!("{} of {} events: nothing is tested", wanted.len(), set.event_count()).into());
    }
    assert_eq!(selected(&set, &filter), wanted);
    // Back and forth through both parts: what is remembered of one part must not answer for the other.
    let mut matcher = filter.matcher(first);
    let half = set.event_count() / 2;
    for id in 0..half {
        for id in [id, set.event_count() - 1 - id] {
            let event = set.event(id)?;
            assert_eq!(matcher.matches(&event), wanted.binary_search(&id).is_ok(), "event {id}");
        }
    }
    Ok(())
}

/// Absolute times, and filters joined by `and`.
fn times_and_joins() -> Result<(), Failed> {
    let set = generated();
    let time = set.event(100)?.time();
    let at = Filter::parse(&format!("time = {time}"))?;
    assert!(selected(&set, &at).contains(&100));
    let since = Filter::parse(&format!("time >= '{time}'"))?;
    let before = Filter::parse(&format!("time < {time} or pid = 0xFFFFFFFF"))?;
    let count = selected(&set, &since).len() + selected(&set, &before).len();
    assert_eq!(count as u64, set.event_count());
    assert!(selected(&set, &since.clone().and(before)).is_empty());
    let errors = Filter::parse("result = error")?;
    let by_name = Filter::parse("process_name = TiWorker.exe")?;
    let joined = since.and(by_name).and(errors);
    let whole = format!("time >= {time} and result = error and process_name = TiWorker.exe");
    assert_eq!(selected(&set, &joined), selected(&set, &Filter::parse(&whole)?));
    assert!(!selected(&set, &joined).is_empty());
    Ok(())
}

/// Stacks with frames in no module, without frames, and with paths so long that the text of a stack has an end.
fn stacks_of_any_kind() -> Result<(), Failed> {
    let long = format!(r"C:\{}\long.dll", "x".repeat(30_000));
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("STACKS"))?;
    let module = |base, path| NewModule {
        load_time: FileTime(132_999_999_000_000_000),
        base,
        size: 0x1000,
        path,
        ..NewModule::default()
    };
    let modules = vec![module(0x10_0000, r"C:\Windows\System32\ntdll.dll"), module(0x20_0000, long.as_str())];
    log.add_process(&NewProcess { index: 1, pid: 8, name: "a.exe", modules, ..NewProcess::default() });
    let deep: Vec<u64> = (0..200).map(|frame| 0x20_0000 + frame).chain([0x10_0010]).collect();
    for stack in [&[][..], &[0x10_0ABC, 0xDEAD_0000], &[0xDEAD_0000], &deep] {
        let time = FileTime(133_000_000_000_000_000);
        log.add_event(&NewEvent { process_index: 1, time, stack, ..NewEvent::default() })?;
    }
    let set = LogSet::new(vec![Log::parse(log.finish()?.into_inner())?]);
    for (expression, expected) in [
        ("stack contains ntdll", &[1][..]),
        (r"stack contains 'System32\ntdll.dll + 0xabc'", &[1]),
        ("stack contains 0xdead0000", &[1, 2]),
        ("stack contains 0xDEAD", &[1, 2]),
        ("stack contains long.dll", &[3]),
        ("stack is null", &[0]),
        ("stack is not null", &[1, 2, 3]),
        ("stack starts_with 0xdead", &[2]),
        ("stack not contains ntdll", &[2, 3]),
        ("not stack contains ntdll", &[0, 2, 3]),
    ] {
        assert_eq!(selected(&set, &Filter::parse(expression)?), expected, "{expression}");
    }
    let error = Filter::parse("stack = ntdll.dll").unwrap_err().to_string();
    assert!(
        error.contains("a stack is several lines") && error.contains("stack contains 'ntdll.dll'"),
        "{error}"
    );
    Ok(())
}

/// Filters that are made without a text.
fn made_filters() -> Result<(), Failed> {
    let set = generated();
    let last = set.event_count() - 1;
    // In any order, overlapping, touching, empty, and beyond the end.
    #[expect(clippy::reversed_empty_ranges, reason = "an empty range selects nothing")]
    let ranges = [300..=400, 7..=7, 10..=20, 15..=30, 31..=35, 90..=80, last..=u64::MAX];
    let expression = format!(
        "event_id = 7 or event_id between 10 and 35 or event_id between 300 and 400 or event_id = {last}"
    );
    let ids = Filter::event_ids(ranges.clone());
    assert_eq!(selected(&set, &ids), selected(&set, &Filter::parse(&expression)?));
    assert!(selected(&set, &Filter::event_ids([])).is_empty());
    let operations = Filter::operations([Operation::PROCESS_START, Operation::CREATE_FILE]);
    let expression = "operation in ('Process Start', CreateFile)";
    assert!(!selected(&set, &operations).is_empty());
    assert_eq!(selected(&set, &operations), selected(&set, &Filter::parse(expression)?));
    let either = selected(&set, &ids.clone().or(operations.clone()));
    let both = selected(&set, &ids.clone().and(operations.clone()));
    let count = selected(&set, &ids).len() + selected(&set, &operations).len();
    assert!(!both.is_empty() && either.is_sorted());
    assert_eq!(either.len() + both.len(), count);
    let slots = Filter::parse("path contains a")?.or(ids).or(Filter::parse("process_name = TiWorker.exe")?);
    let expression = "path contains a or process_name = TiWorker.exe";
    let expected = Filter::event_ids(ranges).or(Filter::parse(expression)?);
    assert_eq!(selected(&set, &slots), selected(&set, &expected));
    Ok(())
}

/// A rule as a configuration holds it.
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
    [record("AdvancedMode", &[0; 4]), record("FilterRules", &list), record("HighlightRules", b"?")].concat()
}

/// Rules and the expression that selects the same.
fn rules_and_expressions() -> Result<(), Failed> {
    let set = generated();
    let cases = [
        (vec![], "event_id >= 0"),
        (vec![rule(40053, 0, 1, "tiworker.EXE", 0)], "process_name = TiWorker.exe"),
        (vec![rule(40053, 0, 0, "TiWorker.exe", 0)], "process_name != TiWorker.exe"),
        (
            vec![
                rule(40055, 4, 1, "Reg", 0),
                rule(40056, 1, 1, "SUCCESS", 0),
                rule(40055, 0, 1, "CreateFile", 0),
                rule(40071, 7, 0, "windows", 0),
                rule(40071, 5, 0, ".dll", 0),
            ],
            "(operation starts_with Reg or operation = CreateFile) and result != SUCCESS \
             and not path not contains windows and not path ends_with .dll",
        ),
        (vec![rule(40054, 3, 1, "1000", 1000), rule(40072, 2, 1, "2000", 2000)], "pid > 1000 and tid < 2000"),
        (vec![rule(40077, 3, 1, "0.0001", 1000)], "duration > 100us"),
        (vec![rule(40087, 2, 1, "5", 5), rule(40069, 2, 1, "1", 1)], "parent_pid < 5 and session < 1"),
        (vec![rule(40088, 2, 1, "64-bit", 64)], "pid = 0x7FFFFFFF"),
        (vec![rule(40086, 0, 1, "Write", 0)], "category = Write"),
    ];
    for (rules, expression) in cases {
        let theirs = selected(&set, &Filter::from_pmc(&configuration(&rules))?);
        assert_eq!(theirs, selected(&set, &Filter::parse(expression)?), "{expression}");
    }
    Ok(())
}

/// Rules without an equivalent, and files that are no configurations: the error names them.
fn refused_rules() -> Result<(), Failed> {
    let shown = |bytes: &[u8]| Filter::from_pmc(bytes).map(|_| ()).unwrap_err().to_string();
    let good = rule(40053, 0, 1, "a.exe", 0);
    let second = |bad| shown(&configuration(&[good.clone(), bad]));
    let message = second(rule(40178, 0, 1, "1:00", 0));
    assert_eq!(
        message,
        "rule 2 (\"Process Start\" is \"1:00\"): this column has no equivalent (at byte 124)"
    );
    assert!(
        second(rule(40999, 0, 1, "x", 0)).starts_with("rule 2 (\"column 40999\" is \"x\"): this column is")
    );
    assert!(second(rule(40054, 8, 1, "x", 0)).contains("\"PID\" relation 8 \"x\""));
    assert!(second(rule(40054, 0, 2, "x", 0)).contains("rule 2 (\"PID\" is \"x\"): it neither"));
    assert!(second(rule(40071, 3, 1, "x", 0)).contains("\"Path\" more than \"x\"): there is no number"));
    assert!(second(rule(40052, 2, 0, "x", 0)).contains("\"Date & Time\" less than"));
    let mut unknown = good.clone();
    *unknown.last_mut().expect("bytes") = 1;
    assert!(second(unknown).contains("last field"));
    let mut whole = configuration(std::slice::from_ref(&good));
    assert!(shown(&whole[..whole.len() - 1]).contains("cut off"));
    assert!(shown(&[]).contains("no filter rules"));
    assert!(shown(b"something else, no configuration").contains("neither a configuration"));
    whole.extend(record("FilterRules", &[1, 0, 0, 0, 0]));
    assert!(shown(&whole).contains("second list"));
    assert!(
        shown(&record("FilterRules", &[1, 255, 255, 255, 255])).contains("rule 1 of 4294967295 is cut off")
    );
    assert!(shown(&record("FilterRules", &[2, 0, 0, 0, 0])).contains("unknown kind"));
    assert!(shown(&record("FilterRules", &[1, 0, 0, 0, 0, 7])).contains("follows the last rule"));
    Ok(())
}

/// What Process Monitor exports of these events, with all columns.
fn csv(set: &Set, ids: &[u64]) -> Result<String, Failed> {
    let options = TextOptions { fidelity: Fidelity::Procmon, ..TextOptions::default() };
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let titles: Vec<_> = ProcmonColumn::all().map(|cell| quoted(cell.title())).collect();
    let mut out = format!("\u{feff}{}\r\n", titles.join(","));
    for &id in ids {
        let event = set.event(id)?;
        let cells = ProcmonColumn::all().map(|cell| {
            let mut text = String::new();
            event.push_cell(cell, first(set), &options, &mut text);
            quoted(&text)
        });
        out += &cells.collect::<Vec<_>>().join(",");
        out += "\r\n";
    }
    Ok(out)
}

/// A filter of Process Monitor selects the rows that it exported.
fn selects_their_rows(name: &str) -> Result<(), Failed> {
    let folder = format!("{}/tests/data/filters", env!("CARGO_MANIFEST_DIR"));
    let filter = Filter::from_pmc(&std::fs::read(format!("{folder}/{name}.pmc"))?)?;
    let set = LogSet::new(vec![Log::parse(corpus::read("LogFileUTC64Filesystem.pml")?)?]);
    let theirs = String::from_utf8(corpus::read(&format!("filters/{name}.csv"))?)?;
    let ours = csv(&set, &selected(&set, &filter))?;
    if ours == theirs {
        return Ok(());
    }
    let (our_rows, their_rows) = (ours.lines().count(), theirs.lines().count());
    let differing = ours.lines().zip(theirs.lines()).find(|(a, b)| a != b);
    Err(format!("{our_rows} rows, Process Monitor {their_rows}; first difference {differing:#?}").into())
}

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = MEANINGS
        .iter()
        .map(|&(text, meaning)| Trial::test(format!("selects {text}"), move || means(text, meaning)))
        .collect();
    trials.push(Trial::test("times and joins", times_and_joins));
    trials.push(Trial::test("stacks of any kind", stacks_of_any_kind));
    trials.push(Trial::test("event ids, operations, either filter", made_filters));
    trials.push(Trial::test("rules and expressions", rules_and_expressions));
    trials.push(Trial::test("refused rules", refused_rules));
    let missing = corpus::directory().is_none();
    if missing {
        eprintln!("no corpus found (set {}): exports through filters are ignored", corpus::VARIABLE);
    }
    for name in ["default", "excludes", "numbers", "servicing"] {
        let trial = Trial::test(format!("{name}.pmc"), move || selects_their_rows(name));
        trials.push(trial.with_ignored_flag(missing));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
