//! Reads and checks the knowledge files, one function for each. A function notes all mistakes of its file; it
//! returns `None` only where the file does not parse.

use super::actors::Actors;
use super::aliases::{Aliases, IdKind};
use super::codes::Codes;
use super::engine::{Engine, FactLimits};
use super::error::Inspection;
use super::model::{
    self, BootEntry, BuildsFile, ComputedFile, FactCondition, LabelsFile, LimitEntry, MarkersFile, PathsFile,
    PhaseEntry, RankingFile, Ref, RemedyEntry, RuleFile, Sequence,
};
use super::parsed::read as read_embedded;
use super::rules::{self, Rule};
use super::sources::{RuleSource, Sources, embedded};
use super::{After, Computed, ErrorPath, FOUND, Marker, Noise, PathClass, Signals, VolumeRole};
use pml_parser::{Filter, Operation};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use std::collections::BTreeSet;

/// Most markers there can be: one bit each.
const MOST_MARKERS: usize = 128;

pub(super) fn load_aliases(mut file: Inspection<'_>) -> Option<Aliases> {
    file.parse().map(Aliases::new)
}

pub(super) fn load_actors(mut file: Inspection<'_>) -> Option<Actors> {
    let parsed = file.parse()?;
    Some(Actors::new(parsed, &mut file))
}

pub(super) fn load_statuses(mut file: Inspection<'_>, codes: &mut Codes) {
    codes.read_statuses(&mut file);
}

pub(super) fn load_status_names(mut file: Inspection<'_>, codes: &mut Codes) {
    codes.read_status_names(&mut file);
}

pub(super) fn load_hresults(mut file: Inspection<'_>, codes: &mut Codes) {
    codes.read_hresults(&mut file);
}

pub(super) fn load_engine(mut file: Inspection<'_>, codes: &Codes) -> Option<Engine> {
    let parsed = file.parse()?;
    Some(Engine::new(parsed, codes, &mut file))
}

pub(super) fn load_computed(mut file: Inspection<'_>) -> Option<Computed> {
    let parsed: ComputedFile = file.parse()?;
    // What the engine computes does not depend on a knowledge directory.
    let engine = read_embedded(file.file, embedded(file.file)).ok()?;
    let limits = FactLimits::new(&parsed, &engine, &mut file);
    Some(Computed { entries: parsed.fact, limits })
}

pub(super) fn load_error_path(
    mut file: Inspection<'_>,
    names: &Names<'_>,
    actors: &Actors,
    markers: &[Marker],
) -> Option<ErrorPath> {
    let mut parsed: model::ErrorPathFile = file.parse()?;
    names.check_conditions(&mut parsed.when, &mut file);
    let facts = parsed.sign.iter().flat_map(|sign| &sign.facts).chain([&parsed.log]).chain(&parsed.until);
    facts.for_each(|fact| names.check_fact(fact, &mut file));
    Some(ErrorPath::new(parsed, actors, markers, &mut file))
}

pub(super) fn load_paths(
    mut file: Inspection<'_>,
    remedies: &[RemedyEntry],
) -> Option<(Vec<PathClass>, Vec<VolumeRole>)> {
    let parsed: PathsFile = file.parse()?;
    let mut classes = Vec::new();
    for entry in parsed.class {
        for remedy in &entry.remedies {
            if !remedies.iter().any(|known| &known.id == remedy.get_ref()) {
                file.push(remedy.span(), format!("no remedy {:?}", remedy.get_ref()));
            }
        }
        let filter = compile(&entry.filter, &mut file);
        let model::PathClassEntry { id, weight, needed, group, object, remedies, .. } = entry;
        let remedies = remedies.into_iter().map(Ref::into_inner).collect();
        classes.extend(filter.map(|filter| PathClass {
            id,
            weight,
            needed,
            group,
            object,
            remedies,
            filter,
        }));
    }
    let volumes = parsed.volume.into_iter().filter_map(|entry| {
        let filter = compile(&entry.filter, &mut file)?;
        Some(VolumeRole { id: entry.id, name: entry.name, filter })
    });
    Some((classes, volumes.collect()))
}

pub(super) fn load_markers(mut file: Inspection<'_>, actors: &Actors) -> Option<Vec<Marker>> {
    let parsed: MarkersFile = file.parse()?;
    let names: BTreeSet<&'static str> = Operation::names().collect();
    let mut markers: Vec<Marker> = Vec::new();
    for entry in parsed.marker {
        let id = entry.id.get_ref().clone();
        if markers.iter().any(|marker| marker.id == id) {
            file.push(entry.id.span(), format!("a second marker {id}"));
        }
        let mut operations = Vec::new();
        for operation in &entry.operations {
            match names.get(operation.get_ref().as_str()) {
                Some(&name) => operations.push(name),
                None => file.push(operation.span(), format!("no operation {:?}", operation.get_ref())),
            }
        }
        markers.push(Marker {
            id,
            actors: actors.set(&entry.actors, &mut file),
            operations,
            outcome: entry.result,
            filter: entry.filter.as_ref().and_then(|filter| compile(filter, &mut file)),
        });
    }
    if markers.len() > MOST_MARKERS {
        file.push(0..0, format!("more than {MOST_MARKERS} markers"));
        markers.truncate(MOST_MARKERS);
    }
    Some(markers)
}

pub(super) fn load_phases(mut file: Inspection<'_>, names: &Names<'_>) -> Option<Vec<PhaseEntry>> {
    let mut parsed: model::PhasesFile = file.parse()?;
    for phase in &mut parsed.phase {
        names.aliases.resolve(IdKind::Phase, &mut phase.id, &mut file);
        if let Some(within) = &mut phase.within {
            names.aliases.resolve(IdKind::Phase, within, &mut file);
        }
    }
    let ids: BTreeSet<&str> = parsed.phase.iter().map(|phase| phase.id.get_ref().as_str()).collect();
    for phase in &parsed.phase {
        let used = [&phase.start, &phase.otherwise, &phase.end, &phase.before];
        used.into_iter().flatten().for_each(|fact| names.check_fact(fact, &mut file));
        if let Some(within) = phase.within.as_ref().filter(|within| !ids.contains(within.get_ref().as_str()))
        {
            file.push(within.span(), format!("no phase {:?}", within.get_ref()));
        }
    }
    Some(parsed.phase)
}

pub(super) fn load_signals(mut file: Inspection<'_>, names: &Names<'_>) -> Option<Signals> {
    let mut parsed: model::SignalsFile = file.parse()?;
    for signal in &mut parsed.signal {
        names.aliases.resolve(IdKind::Signal, &mut signal.id, &mut file);
        names.check_conditions(&mut signal.when, &mut file);
    }
    Some(Signals { limits: parsed.classes, entries: parsed.signal })
}

pub(super) fn load_boots(mut file: Inspection<'_>, names: &Names<'_>) -> Option<Vec<BootEntry>> {
    let mut parsed: model::BootsFile = file.parse()?;
    for boot in &mut parsed.boot {
        names.check_conditions(&mut boot.when, &mut file);
    }
    Some(parsed.boot)
}

pub(super) fn load_noise(mut file: Inspection<'_>, codes: &Codes) -> Option<Vec<Noise>> {
    let parsed: model::NoiseFile = file.parse()?;
    let entry = |entry: model::NoiseEntry| {
        entry.kinds.iter().for_each(|kind| codes.check_kind(kind, &mut file));
        Noise {
            id: entry.id,
            kinds: entry.kinds.into_iter().map(Ref::into_inner).collect(),
            gravity_at_most: entry.gravity_at_most,
            later: entry.later,
            raised: entry.raised,
            filter: entry.filter.as_ref().and_then(|filter| compile(filter, &mut file)),
            text: entry.text,
        }
    };
    Some(parsed.noise.into_iter().map(entry).collect())
}

/// The points of a failure, and those for what follows it.
pub(super) fn load_ranking(mut file: Inspection<'_>, actors: &Actors) -> Option<(RankingFile, Vec<After>)> {
    let parsed: RankingFile = file.parse()?;
    let entry = |entry: &model::AfterEntry| {
        let model::AfterEntry { filter, within, same, .. } = entry.clone();
        let sequence = Sequence { filter: Some(filter), actors: Vec::new(), within, same, events: None };
        let sequence = rules::CompiledSequence::new(&sequence, actors, &mut file);
        After { id: entry.id.clone(), points: entry.points, sequence, text: entry.text.clone() }
    };
    let after = parsed.after.iter().map(entry).collect();
    Some((parsed, after))
}

pub(super) fn load_builds(mut file: Inspection<'_>) -> Option<BuildsFile> {
    file.parse()
}

pub(super) fn load_remedies(mut file: Inspection<'_>, codes: &Codes) -> Option<Vec<RemedyEntry>> {
    let parsed: model::RemediesFile = file.parse()?;
    for remedy in &parsed.remedy {
        remedy.kinds.iter().for_each(|kind| codes.check_kind(kind, &mut file));
        for name in remedy.commands.iter().chain(&remedy.offline).flat_map(|command| placeholders(command)) {
            if !COMMAND_PLACEHOLDERS.contains(&name) {
                let at = file.text.find(&format!("{{{name}}}")).unwrap_or_default();
                file.push(
                    at..at,
                    format!(
                        "a command of {} has {{{name}}}; it may have {{path}}, {{target}}, {{key}}, {{folder}}, {{link}}, {{component}} and {{drive}}",
                        remedy.id
                    ),
                );
            }
        }
    }
    Some(parsed.remedy)
}

/// Names in braces that commands of remedies may have; the report fills them in.
const COMMAND_PLACEHOLDERS: [&str; 7] = ["path", "target", "key", "folder", "link", "component", "drive"];

/// Names in braces: words of small letters. A class identifier or a script block is none.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

/// What a log cannot show, and what else to collect.
pub(super) fn load_limits(
    mut file: Inspection<'_>,
    names: &Names<'_>,
) -> Option<(Vec<LimitEntry>, Vec<LimitEntry>)> {
    let mut parsed: model::LimitsFile = file.parse()?;
    for entry in parsed.limit.iter_mut().chain(&mut parsed.next) {
        names.check_conditions(&mut entry.when, &mut file);
    }
    Some((parsed.limit, parsed.next))
}

pub(super) fn load_labels(mut file: Inspection<'_>) -> Option<LabelsFile> {
    let parsed: LabelsFile = file.parse()?;
    if file.is_embedded {
        return Some(parsed);
    }
    // A template fails where it names a label that is missing.
    let known: LabelsFile = read_embedded(file.file, embedded(file.file)).ok()?;
    for name in known.templates.keys().filter(|name| !parsed.templates.contains_key(*name)) {
        file.push(0..0, format!("the label {name:?} is missing in [templates]"));
    }
    Some(parsed)
}

/// A rule file that parses.
pub(super) struct ParsedRule<'a> {
    source: RuleSource<'a>,
    file: RuleFile,
}

/// All rule files, those of a knowledge directory in the places of those that they replace.
pub(super) fn load_rule_files<'a>(sources: &mut Sources<'a>, aliases: &Aliases) -> Vec<ParsedRule<'a>> {
    let mut rules: Vec<ParsedRule<'a>> = Vec::new();
    for source in sources.rules() {
        let mut inspection = sources.rule(source);
        let Some(mut file) = inspection.parse::<RuleFile>() else { continue };
        aliases.resolve(IdKind::Rule, &mut file.id, &mut inspection);
        let id = file.id.get_ref();
        match rules.iter_mut().find(|other| other.file.id.get_ref() == id) {
            Some(other) if source.may_replace && !other.source.may_replace => {
                *other = ParsedRule { source, file };
            }
            Some(other) => {
                let reason = format!("a second rule {id}; the first is {}", other.source.name);
                inspection.push(file.id.span(), reason);
            }
            None => rules.push(ParsedRule { source, file }),
        }
    }
    rules
}

/// The ids of rule files.
pub(super) fn ids(rules: &[ParsedRule<'_>]) -> BTreeSet<String> {
    rules.iter().map(|rule| rule.file.id.get_ref().clone()).collect()
}

/// All rules in order, and the ids of those that did not come with the program.
pub(super) fn load_rules(
    sources: &mut Sources<'_>,
    parsed: Vec<ParsedRule<'_>>,
    known: &rules::Known<'_>,
) -> (Vec<Rule>, Vec<String>) {
    let own = parsed.iter().filter(|rule| rule.source.is_own);
    let own = own.map(|rule| rule.file.id.get_ref().clone()).collect();
    let mut rules = Vec::new();
    for ParsedRule { source, file } in parsed {
        rules.extend(Rule::new(file, known, &mut sources.rule(source)));
    }
    (rules, own)
}

/// Names that conditions may use.
pub(super) struct Names<'a> {
    pub(super) aliases: &'a Aliases,
    /// Markers and computed facts.
    pub(super) facts: BTreeSet<&'a str>,
    pub(super) rules: &'a BTreeSet<String>,
}

/// What facts begin with that say which boot was captured, and how sure the rollback is.
const BOOT: &str = "boot:";
const ROLLBACK: &str = "rollback:";
/// The classes of a rollback, as facts name them.
const CLASSES: [&str; 4] = ["confirmed", "probable", "possible", "none"];

impl Names<'_> {
    /// Notes a fact that nothing can make true.
    pub(super) fn check_fact(&self, fact: &Ref, inspection: &mut Inspection<'_>) {
        let name = fact.get_ref().as_str();
        let (what, is_known) = if let Some(rule) = name.strip_prefix(FOUND) {
            ("rule", self.rules.contains(rule))
        } else if let Some(class) = name.strip_prefix(ROLLBACK) {
            ("class of a rollback", CLASSES.contains(&class))
        } else if let Some(boot) = name.strip_prefix(BOOT) {
            let boot: StrDeserializer<'_, Error> = boot.into_deserializer();
            ("kind of boot", model::Boot::deserialize(boot).is_ok())
        } else {
            ("marker or fact", self.facts.contains(name))
        };
        if !is_known {
            inspection.push(fact.span(), format!("no {what} {name:?}"));
        }
    }

    /// Replaces old ids of conditions, and notes facts that nothing can make true.
    pub(super) fn check_conditions(&self, conditions: &mut [FactCondition], inspection: &mut Inspection<'_>) {
        for condition in conditions {
            self.aliases.resolve_condition(condition, inspection);
            let used = [&condition.all, &condition.any, &condition.none];
            used.into_iter().flatten().for_each(|fact| self.check_fact(fact, inspection));
        }
    }
}

/// Parses a filter. A mistake is noted.
pub(super) fn compile(text: &Ref, inspection: &mut Inspection<'_>) -> Option<Filter> {
    // Tests compile the expressions of the files that come with the program.
    let parse = if inspection.is_embedded { Filter::parse_trusted } else { Filter::parse };
    match parse(text.get_ref()) {
        Ok(filter) => Some(filter),
        Err(error) => {
            inspection.push(text.span(), error.to_string());
            None
        }
    }
}
