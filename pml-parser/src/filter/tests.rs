//! Texts that are no expressions, and what their errors say.

use super::{Filter, FilterError};
use crate::filter::parser::MAX_DEPTH;
use proptest::prelude::*;

fn error(text: &str) -> FilterError {
    Filter::parse(text).map(|_| panic!("{text} is an expression")).unwrap_err()
}

#[test]
fn errors_point_at_the_place_and_say_what_to_write() {
    let shown = |text: &str| error(text).to_string();
    assert_eq!(
        shown("pid = 4 and proces_name = TiWorker.exe"),
        "there is no column `proces_name`\n\
         \x20 pid = 4 and proces_name = TiWorker.exe\n\
         \x20             ^\n\
         did you mean `process_name`?"
    );
    assert_eq!(
        shown("path contians WinSxS"),
        "there is no operator `contians`\n  path contians WinSxS\n       ^\ndid you mean `contains`?"
    );
    assert_eq!(
        shown("result = NAME NOT FOUND"),
        "no event has the result `NAME`\n\
         \x20 result = NAME NOT FOUND\n\
         \x20          ^\n\
         a text with blanks needs quotes: 'NAME NOT FOUND'"
    );
    assert_eq!(
        shown("path = 'C:\\"),
        "this quote is never closed\n\
         \x20 path = 'C:\\\n\
         \x20        ^\n\
         a quote inside a text is doubled: 'it''s'"
    );
}

#[test]
fn places_and_messages() {
    // (expression, position, part of the message, part of the hint)
    #[rustfmt::skip]
    let cases = [
        ("", 0, "empty", "for example"),
        ("   ", 0, "empty", "for example"),
        ("pid", 3, "operator is missing", "starts_with"),
        ("pid =", 5, "takes a number", ""),
        ("operation = CreateFiel", 12, "no event has", "'CreateFile'"),
        ("operation in (CreateFile, RegOpen)", 26, "no event has", "contains 'RegOpen'"),
        ("class != File System", 9, "no event has", "quotes: 'File System'"),
        ("category = Reed", 11, "no event has", "'Read'"),
        ("status = 'ACCESS DENID'", 9, "no event has", "'ACCESS DENIED'"),
        ("pid = 4 and", 11, "column is missing", ""),
        ("pid = 4 and and pid = 5", 12, "column is missing", ""),
        ("pid = 4 pid = 5", 8, "`and`, `or` or the end", "quotes"),
        ("pid = 4 amd tid = 5", 8, "`and`, `or` or the end", "`and`"),
        ("pid = 4 && tid = 5", 8, "`and`, `or` or the end", "`and`"),
        ("pid = 4 || tid = 5", 8, "`and`, `or` or the end", "`or`"),
        ("!pid = 4", 0, "`!` means nothing", "`not`"),
        ("(pid = 4", 0, "never closed", ""),
        ("pid = 4)", 7, "never opened", ""),
        ("pid in 4", 7, "list in parentheses", "pid in (A, B)"),
        ("pid in ()", 8, "value is missing", ""),
        ("pid in (4", 7, "never closed", ""),
        ("pid in (4 5)", 10, "comma", "quotes"),
        ("pid in (4,)", 10, "value is missing", ""),
        ("pid in (4, x)", 11, "not `x`", ""),
        ("pid between 4", 13, "upper bound", "between A and B"),
        ("pid between 5 and 4", 12, "above", "between 4 and 5"),
        ("path between a and b", 13, "`path` is a text", ""),
        ("path < a", 5, "neither less nor greater", "contains"),
        ("pid contains 4", 4, "no text", "number"),
        ("pid = four", 6, "takes a number", ""),
        ("pid = 1.5", 6, "takes a number", ""),
        ("pid = null and tid = null", 15, "`tid` is never missing", ""),
        ("path is not null", 0, "`path` is never missing", "''"),
        ("path contains null", 14, "null is no value", "path is null"),
        ("path = and", 7, "value is missing", "'and'"),
        ("duration > 12", 11, "length of time", "`12s`"),
        ("time > 12", 7, "takes a time", "`12s`"),
        ("time > 2024-11-14T00:22:01+01:00", 7, "takes a time", "UTC"),
        ("result > SUCCESS", 9, "takes a number", ""),
        ("path matches '('", 13, "regular expression: unclosed group", "contains"),
        ("path matches 'a{1000}{1000}{1000}'", 13, "regular expression", ""),
        ("path like WinSxS", 5, "no operator `like`", "`contains`"),
        ("path begins_with C", 5, "no operator", "`starts_with`"),
        ("path excludes C", 5, "no operator", "`not contains`"),
        ("path foo C", 5, "no operator `foo`", "path = VALUE"),
        ("user = x", 0, "no column `user`", "`user_name`"),
        ("stack_id = 1", 0, "no column", "converted"),
        ("banana = 1", 0, "no column", "docs/filters.md"),
    ];
    for (text, position, message, hint) in cases {
        let error = error(text);
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{text}: {error}");
        assert_eq!(error.expression, text);
    }
}

#[test]
fn nesting_has_a_limit_and_length_has_none() {
    let nested = |depth| format!("{}pid = 4{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(error(&nested(MAX_DEPTH + 1)).position, MAX_DEPTH);
    assert!(Filter::parse(&format!("{}pid = 4", "not ".repeat(MAX_DEPTH))).is_ok());
    assert!(error(&"not ".repeat(1_000_000)).message.contains("deeper"));
    assert!(error(&"(not ".repeat(1_000_000)).message.contains("deeper"));
    assert!(Filter::parse(&["pid = 4"; 100_000].join(" or ")).is_ok());
    assert!(Filter::parse(&["(pid = 4)"; 10_000].join(" and not ")).is_ok());
}

#[test]
fn filters_can_be_shared_and_joined_without_growing_deep() {
    fn is_shared<T: Send + Sync + Clone + std::fmt::Debug>() {}
    is_shared::<Filter>();
    let one = Filter::parse("pid = 4 or path contains x").unwrap();
    let many = (0..1_000).fold(one.clone(), |sum, _| sum.and(Filter::parse("tid = 1").unwrap()));
    assert_eq!(many.slots, 1_002);
}

/// docs/filters.md shows no expression that is wrong.
#[test]
fn the_expressions_of_the_page_are_right() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/filters.md")).unwrap();
    let blocks: Vec<_> = page.split("```").skip(1).step_by(2).collect();
    assert!(blocks.len() > 4);
    for block in blocks {
        // An indented line belongs to the line before.
        let text = block.strip_prefix("text\n").unwrap().replace("\n  ", " ");
        for line in text.lines() {
            let _ = Filter::parse(line).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

proptest! {
    #[test]
    fn nothing_makes_the_parser_panic(text in ".{0,60}") {
        let _ = Filter::parse(&text).map_err(|error| error.to_string());
    }

    #[test]
    fn nor_do_its_own_words(words in prop::collection::vec(prop::sample::select(vec![
        "pid", "path", "time", "result", "duration", "target_path", "and", "or", "not", "is", "null", "in",
        "between", "contains", "matches", "(", ")", ",", "=", "!=", "<", "'a b'", "\"", "'", "0x10", "-1", "1.5s",
        "2024-11-14T00:22:01.5Z", "error", "é", "[", "\n", "\t",
    ]), 0..14)) {
        let text = words.join(" ");
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(text.is_char_boundary(error.position), "{}", error);
            prop_assert!(error.to_string().contains('^'));
        }
    }

    #[test]
    fn configurations_never_make_it_panic(mut bytes: Vec<u8>, place: usize, value: u8) {
        let _ = Filter::from_pmc(&bytes);
        bytes.splice(0..0, [0x40, 0, 0, 0, 0x10, 0, 0, 0, 0x28, 0, 0, 0, 0x18, 0, 0, 0]);
        let _ = Filter::from_pmc(&bytes);
        let mut real = include_bytes!("../../tests/data/filters/servicing.pmc").to_vec();
        let place = place % real.len();
        real[place] = value;
        let _ = Filter::from_pmc(&real).map_err(|error| error.to_string());
        let _ = Filter::from_pmc(&real[..place]);
    }
}

#[test]
fn what_a_filter_wants_of_paths() {
    let endings = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        filter.path_endings().map(|mut all| {
            all.sort_unstable();
            all.join(" ")
        })
    };
    assert_eq!(endings(r"path ends_with \A.XML and length > 0").as_deref(), Some(r"\a.xml"));
    assert_eq!(endings("path ends_with a or path = b or path in (c, d)").as_deref(), Some("a b c d"));
    assert_eq!(endings("(path ends_with a or path ends_with b) and path ends_with c").as_deref(), Some("c"));
    for other in [
        "path ends_with a or pid = 4",
        "not path ends_with a",
        "path != a",
        "path contains a",
        "target_path ends_with a",
    ] {
        assert_eq!(endings(other), None, "{other}");
    }
    let alone = |text: &str| Filter::parse(text).unwrap().is_of_path_alone();
    assert!(alone("path contains a or not path ends_with b") && alone("path matches 'x'"));
    assert!(!alone("path contains a and pid = 4") && !alone("target_path contains a"));
}

/// The list of rules of a real configuration.
fn real_rules() -> &'static [u8] {
    let file = include_bytes!("../../tests/data/filters/servicing.pmc");
    let name: Vec<u8> = "FilterRules\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = file.windows(name.len()).position(|bytes| bytes == name).unwrap();
    let size = u32::from_le_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    &file[at + name.len()..at + name.len() + size]
}

#[test]
fn saved_filters_are_lists_of_rules() {
    let rules = real_rules();
    let of_configuration =
        format!("{:?}", Filter::from_pmc(include_bytes!("../../tests/data/filters/servicing.pmc")).unwrap());
    let name: Vec<u8> = "Servicing\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let named = [&(name.len() as u32).to_le_bytes(), &*name, rules].concat();
    for saved in [rules.to_vec(), named, [rules, &[0; 7]].concat()] {
        assert_eq!(format!("{:?}", Filter::from_pmc(&saved).unwrap()), of_configuration);
    }
    for bad in [&rules[..rules.len() / 2], b"", b"<filter/>", &[rules, rules].concat()] {
        assert!(Filter::from_pmc(bad).is_err());
    }
}
