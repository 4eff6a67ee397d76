//! Filters: after `p` a configuration of Process Monitor, after any other byte an expression.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pml_fuzz::{minimal, small};
use pml_parser::{Event, FileTime, Filter, Log, TextOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

type Logs = Vec<Log<Vec<u8>>>;

/// A few events of each kind.
static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let sample = include_bytes!("../../samples/logs/missing-payload/Bootlog.pml");
    let sample = Log::parse(sample.as_slice()).expect("the sample is whole");
    let mut seen = BTreeSet::new();
    let kinds = small::log(sample.view(), 2, |event| {
        let operation = event.operation();
        seen.insert((operation.class, operation.name(), event.status()))
    });
    let parse = |bytes| Log::parse(bytes).expect("it was just written");
    let minimal = [true, false].map(|bits| parse(minimal::log(bits).expect("memory does not fail")));
    std::iter::once(parse(kinds)).chain(minimal).collect()
});

fn events() -> impl Iterator<Item = Event<'static>> {
    LOGS.iter().flat_map(|log| log.view().events(0..log.view().event_count())).flatten()
}

fn first() -> FileTime {
    events().next().map_or(FileTime(0), |event| event.time())
}

fn path(event: &Event<'_>) -> String {
    let mut out = String::new();
    event.push_path(&TextOptions::default(), &mut out);
    out
}

/// The answers of a filter, after a check that its promises hold.
fn answers(filter: &Filter) -> Vec<bool> {
    let mut matcher = filter.matcher(first());
    let answers: Vec<bool> = events().map(|event| matcher.matches(&event)).collect();
    // The caches of a matcher do not change the answers, in any order of events.
    for (event, &answer) in events().zip(&answers).collect::<Vec<_>>().into_iter().rev() {
        assert_eq!(matcher.matches(&event), answer);
    }
    for (event, &answer) in events().zip(&answers).step_by(7) {
        assert_eq!(filter.matcher(first()).matches(&event), answer);
    }
    if let Some(endings) = filter.path_endings() {
        for (event, _) in events().zip(&answers).filter(|entry| *entry.1) {
            let path = path(&event).to_lowercase();
            assert!(endings.iter().any(|ending| path.ends_with(ending)), "{path} does not end as promised");
        }
    }
    if filter.is_of_path_alone() {
        let mut known = BTreeMap::new();
        for (event, &answer) in events().zip(&answers) {
            assert_eq!(*known.entry(path(&event)).or_insert(answer), answer);
        }
    }
    let twice = filter.clone().and(filter.clone());
    let mut twice = twice.matcher(first());
    assert!(events().zip(&answers).all(|(event, &answer)| twice.matches(&event) == answer));
    answers
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((kind, input)) = input.split_first() else { return Corpus::Reject };
    if *kind == b'p' {
        match Filter::from_pmc(input) {
            Ok(filter) => drop(answers(&filter)),
            Err(error) => assert!(error.offset <= input.len() && !error.to_string().is_empty()),
        }
        return Corpus::Keep;
    }
    let Ok(text) = std::str::from_utf8(input) else { return Corpus::Reject };
    match Filter::parse(text) {
        Ok(filter) => {
            let answers = answers(&filter);
            // The negated expression is an expression too, unless it then nests too deeply.
            if let Ok(opposite) = Filter::parse(&format!("not ({text}\n)")) {
                let mut opposite = opposite.matcher(first());
                assert!(events().zip(&answers).all(|(event, &answer)| opposite.matches(&event) != answer));
            }
        }
        Err(error) => {
            assert!(text.is_char_boundary(error.position), "{error:?}");
            assert!(!error.to_string().is_empty());
        }
    }
    Corpus::Keep
});
