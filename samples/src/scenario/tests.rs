//! samples/README.md lists every word that scenario files and verdict files know, and no other.

use super::compile;
use super::expect::{Expectation, Finding};
use super::model::{Access, Action, Base, Document, Phase, RoleChange, Run, Step};
use super::names::{Names, TEXTS};
use super::operations::OPERATIONS;
use crate::boot::paths::Paths;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

const README: &str = include_str!("../../README.md");

/// The text from a line of the page on that begins like this, to the next heading.
fn section(begin: &str) -> &'static str {
    let at = README
        .find(&format!("\n{begin}"))
        .unwrap_or_else(|| panic!("samples/README.md has no line {begin:?}"));
    let rest = &README[at + 1 + begin.len()..];
    &rest[..rest.find("\n#").unwrap_or(rest.len())]
}

/// The words in the first cells of the rows of a section.
fn rows(heading: &str) -> BTreeSet<String> {
    let rows = section(heading).lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.filter(|line| line.starts_with("| `"));
    rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned).collect()
}

/// The words that a type takes: values of an enum, or keys of a table. Its error for an unknown one lists them.
fn words<T: DeserializeOwned>(text: &str) -> BTreeSet<String> {
    let error = toml::from_str::<T>(text).err().map(|error| error.message().to_owned()).unwrap_or_default();
    let (_, list) = error.split_once("expected ").unwrap_or_else(|| panic!("no list in {error:?}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[derive(Debug, Deserialize)]
struct Value<T> {
    value: T,
}

/// The values of an enum.
fn values<T: DeserializeOwned>() -> BTreeSet<String> {
    words::<Value<T>>("value = 'no such word'")
}

/// The keys of a table.
fn keys<T: DeserializeOwned>() -> BTreeSet<String> {
    words::<T>("no-such-key = 1")
}

#[test]
fn the_page_lists_every_value() {
    assert_eq!(rows("### Phases"), values::<Phase>(), "the phases of samples/README.md");
    assert_eq!(rows("### Access"), values::<Access>(), "the values of access in samples/README.md");
    assert_eq!(rows("### Runs"), values::<Run>(), "the runs of samples/README.md");
    assert_eq!(rows("### Bases"), values::<Base>(), "the bases of samples/README.md");
    let operations: BTreeSet<String> = OPERATIONS.iter().map(|entry| entry.0.name().to_owned()).collect();
    let listed = section("### Operations").split('`').skip(1).step_by(2).map(str::to_owned);
    assert_eq!(listed.collect::<BTreeSet<_>>(), operations, "the operations of samples/README.md");
}

#[test]
fn the_page_lists_every_key() {
    assert_eq!(rows("### Keys of an action"), keys::<Action>(), "the keys of actions in samples/README.md");
    assert_eq!(rows("### Keys of a step"), keys::<Step>(), "the keys of steps in samples/README.md");
    let verdict: BTreeSet<String> = keys::<Expectation>()
        .into_iter()
        .chain(keys::<Finding>().into_iter().map(|key| format!("finding.{key}")))
        .collect();
    assert_eq!(rows("### Verdicts"), verdict, "the keys of verdicts in samples/README.md");
    for key in ["boot", "rollback"] {
        let row =
            section("### Verdicts").lines().find(|line| line.starts_with(&format!("| `{key}`"))).unwrap();
        let values = if key == "boot" { values::<super::Boot>() } else { values::<super::Rollback>() };
        assert!(values.iter().all(|value| row.contains(&format!("`{value}`"))), "{row}: {values:?}");
    }
    // Every key of a scenario and of a change is somewhere on the page.
    for key in keys::<Document>().into_iter().chain(keys::<RoleChange>()) {
        let word = |end: &str| README.contains(&format!("{key}{end}"));
        assert!(
            word(" =") || word("`") || word("]") || word(".\"") || word(","),
            "samples/README.md has no {key}"
        );
    }
}

#[test]
fn the_page_gives_the_span_of_each_phase() {
    for name in values::<Phase>() {
        let phase = toml::from_str::<Value<Phase>>(&format!("value = '{name}'")).unwrap().value;
        let (from, to) = phase.span();
        let row = format!("| `{name}` | {from} to {to} |");
        assert!(section("### Phases").contains(&row), "samples/README.md has no row {row}");
    }
}

#[test]
fn the_page_lists_every_name_in_braces() {
    let document = "id = 'S'\ntitle = 't'\nbase = 'rollback'\n";
    let machine = compile::machine(&toml::from_str(document).unwrap(), None);
    let paths = Paths::new(true, 0, &machine);
    let none = BTreeMap::new();
    let names = Names { paths: &paths, own: Vec::new(), spell: &none };
    let listed = rows("### Names in braces");
    for (name, text) in TEXTS {
        let row = format!("| `{{{name}}}` | `{text}` |");
        assert!(section("### Names in braces").contains(&row), "samples/README.md has no row {row}");
    }
    for name in &listed {
        let name = name.replace("NAME", "media-core");
        assert!(names.expand(&name).is_ok_and(|text| text != name), "{name} of samples/README.md is no name");
    }
    // The other names are branches of `look_up`.
    let branches =
        include_str!("names.rs").lines().filter(|line| line.contains("\" => ") && !line.contains("//"));
    for branch in branches.filter_map(|line| line.split('"').nth(1)) {
        let is_listed =
            listed.contains(&format!("{{{branch}}}")) || listed.contains(&format!("{{{branch}:NAME}}"));
        assert!(is_listed, "samples/README.md does not list the name {branch}");
    }
}
