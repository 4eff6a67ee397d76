//! What is known of servicing, as data: read, checked, and made ready for use.
//!
//! Everything the analysis judges by stands in files (`analyzer/knowledge`) that come with the
//! program and can be replaced: actors, markers, phases, signals, kinds of boots, noise, ranking,
//! rules, remedies, texts.

mod actors;
mod codes;
mod embedded;
mod error;
mod model;
mod rules;

pub use actors::Actors;
pub use error::KnowledgeError;
pub use model::{Boot, Risk, RuleKind, RuleStatus};
pub use rules::{Rule, RuleSummary};

pub(crate) use actors::{ActorId, ActorSet};
pub(crate) use codes::{Codes, StatusEntry};
pub(crate) use model::{
    ClassLimits, FactCondition, LimitEntry, Outcome, PhaseEntry, Property, RankingFile, RemedyEntry, Same,
    SignalEntry,
};
pub(crate) use rules::{CompiledEvidence, CompiledSequence};

use crate::facts::COMPUTED;
use crate::language::Text;
use error::Inspection;
use model::{BootEntry, BuildsFile, LabelsFile, MarkersFile, PathsFile, Ref, RuleFile, Sequence};
use pml_parser::{Filter, Operation};
use std::collections::BTreeSet;

/// Something worth noticing, ready to be looked for.
#[derive(Clone, Debug)]
pub(crate) struct Marker {
    pub id: String,
    pub actors: ActorSet,
    pub operations: Vec<&'static str>,
    pub outcome: Outcome,
    pub filter: Option<Filter>,
}

/// A kind of path.
#[derive(Clone, Debug)]
pub(crate) struct PathClass {
    pub id: String,
    pub weight: f64,
    /// Whether an update cannot do without what lies there.
    pub needed: bool,
    pub filter: Filter,
}

/// A kind of harmless failure.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    pub id: String,
    pub kinds: Vec<String>,
    pub gravity_at_most: Option<u8>,
    pub later: bool,
    pub filter: Option<Filter>,
    pub text: Text,
}

/// Points for what follows a failure.
#[derive(Clone, Debug)]
pub(crate) struct After {
    pub id: String,
    pub points: f64,
    pub sequence: CompiledSequence,
    pub text: Text,
}

/// All that is known.
#[derive(Clone, Debug)]
pub struct Knowledge {
    pub(crate) actors: Actors,
    pub(crate) codes: Codes,
    pub(crate) paths: Vec<PathClass>,
    pub(crate) markers: Vec<Marker>,
    pub(crate) phases: Vec<PhaseEntry>,
    pub(crate) limits: ClassLimits,
    pub(crate) signals: Vec<SignalEntry>,
    pub(crate) boots: Vec<BootEntry>,
    pub(crate) noise: Vec<Noise>,
    pub(crate) ranking: RankingFile,
    pub(crate) after: Vec<After>,
    pub(crate) builds: BuildsFile,
    pub(crate) remedies: Vec<RemedyEntry>,
    pub(crate) cannot_show: Vec<LimitEntry>,
    pub(crate) collect_next: Vec<LimitEntry>,
    pub(crate) labels: LabelsFile,
    pub(crate) rules: Vec<Rule>,
    /// Ids of the rules that did not come with the program.
    pub(crate) own_rules: Vec<String>,
}

/// Most markers there can be: one bit each.
const MOST_MARKERS: usize = 128;

impl Knowledge {
    /// The knowledge that comes with the program.
    ///
    /// # Errors
    /// Never, unless the program was built from files with mistakes, which its tests rule out.
    pub fn embedded() -> Result<Self, Vec<KnowledgeError>> {
        Self::with(&[])
    }

    /// The same, with files of one's own, as names relative to a knowledge directory and texts. A
    /// table replaces the one of its name; a rule (`rules/….toml`) replaces the one with its id, or
    /// is added.
    ///
    /// # Errors
    /// All mistakes that were found, each with its file and line.
    pub fn with(own: &[(String, String)]) -> Result<Self, Vec<KnowledgeError>> {
        let mut errors = Vec::new();
        let knowledge = Self::read(own, &mut errors);
        match knowledge {
            Some(knowledge) if errors.is_empty() => Ok(knowledge),
            _ => Err(errors),
        }
    }

    /// The table of actors alone, as it comes with the program.
    ///
    /// # Errors
    /// As [`Knowledge::embedded`].
    pub fn embedded_actors() -> Result<Actors, Vec<KnowledgeError>> {
        let mut errors = Vec::new();
        let files = Files { own: &[] };
        let actors = files.table("actors.toml", &mut errors, |inspection| {
            inspection.parse().map(|file| Actors::new(file, inspection))
        });
        match actors {
            Some(actors) if errors.is_empty() => Ok(actors),
            _ => Err(errors),
        }
    }

    fn read(own: &[(String, String)], errors: &mut Vec<KnowledgeError>) -> Option<Self> {
        let files = Files { own };
        files.refuse_unknown(errors);
        let actors = files.table("actors.toml", errors, |inspection| {
            inspection.parse().map(|file| Actors::new(file, inspection))
        })?;
        let mut codes = Codes::default();
        files.table("ntstatus.tsv", errors, |inspection| {
            codes.read_statuses(inspection);
            Some(())
        });
        files.table("hresults.tsv", errors, |inspection| {
            codes.read_hresults(inspection);
            Some(())
        });
        let paths = files.table("paths.toml", errors, |inspection| {
            let file: PathsFile = inspection.parse()?;
            let class = |entry: model::PathClassEntry| {
                let filter = compile(&entry.filter, inspection)?;
                Some(PathClass { id: entry.id, weight: entry.weight, needed: entry.needed, filter })
            };
            Some(file.class.into_iter().filter_map(class).collect::<Vec<_>>())
        })?;
        let markers = files.table("markers.toml", errors, |inspection| {
            let file: MarkersFile = inspection.parse()?;
            Some(markers(file, &actors, inspection))
        })?;
        let facts: BTreeSet<&str> = markers
            .iter()
            .map(|marker| marker.id.as_str())
            .chain(COMPUTED.iter().map(|fact| fact.0))
            .collect();
        let phases = files.table("phases.toml", errors, |inspection| {
            let file: model::PhasesFile = inspection.parse()?;
            let ids: BTreeSet<String> = file.phase.iter().map(|phase| phase.id.clone()).collect();
            for phase in &file.phase {
                let used = [&phase.start, &phase.otherwise, &phase.end, &phase.before];
                used.into_iter().flatten().for_each(|fact| check_fact(fact, &facts, inspection));
                if let Some(within) = phase.within.as_ref().filter(|within| !ids.contains(within.get_ref())) {
                    inspection.push(within.span(), format!("no phase {:?}", within.get_ref()));
                }
            }
            Some(file.phase)
        })?;
        let (limits, signals) = files.table("signals.toml", errors, |inspection| {
            let file: model::SignalsFile = inspection.parse()?;
            for condition in file.signal.iter().flat_map(|signal| &signal.when) {
                check_condition(condition, &facts, inspection);
            }
            Some((file.classes, file.signal))
        })?;
        let boots = files.table("boots.toml", errors, |inspection| {
            let file: model::BootsFile = inspection.parse()?;
            for condition in file.boot.iter().flat_map(|boot| &boot.when) {
                check_condition(condition, &facts, inspection);
            }
            Some(file.boot)
        })?;
        let noise = files.table("noise.toml", errors, |inspection| {
            let file: model::NoiseFile = inspection.parse()?;
            let entry = |entry: model::NoiseEntry| Noise {
                id: entry.id,
                kinds: entry.kinds,
                gravity_at_most: entry.gravity_at_most,
                later: entry.later,
                filter: entry.filter.as_ref().and_then(|filter| compile(filter, inspection)),
                text: entry.text,
            };
            Some(file.noise.into_iter().map(entry).collect::<Vec<_>>())
        })?;
        let (ranking, after) = files.table("ranking.toml", errors, |inspection| {
            let file: RankingFile = inspection.parse()?;
            let entry = |entry: &model::AfterEntry| {
                let model::AfterEntry { filter, within, same, .. } = entry.clone();
                let sequence =
                    Sequence { filter: Some(filter), actors: Vec::new(), within, same, events: None };
                let sequence = CompiledSequence::new(&sequence, &actors, inspection);
                After { id: entry.id.clone(), points: entry.points, sequence, text: entry.text.clone() }
            };
            let after = file.after.iter().map(entry).collect::<Vec<_>>();
            Some((file, after))
        })?;
        let builds = files.table("builds.toml", errors, |inspection| inspection.parse())?;
        let remedies = files.table("remedies.toml", errors, |inspection| {
            inspection.parse().map(|file: model::RemediesFile| file.remedy)
        })?;
        let (cannot_show, collect_next) = files.table("limits.toml", errors, |inspection| {
            let file: model::LimitsFile = inspection.parse()?;
            for condition in file.limit.iter().chain(&file.next).flat_map(|limit| &limit.when) {
                check_condition(condition, &facts, inspection);
            }
            Some((file.limit, file.next))
        })?;
        let labels = files.table("labels.toml", errors, |inspection| inspection.parse())?;
        let known = rules::Known {
            actors: &actors,
            codes: &codes,
            facts: &facts,
            phases: &phases,
            paths: &paths,
            remedies: &remedies,
            markers: &markers,
        };
        let (rules, own_rules) = files.rules(&known, errors);
        Some(Self {
            actors,
            codes,
            paths,
            markers,
            phases,
            limits,
            signals,
            boots,
            noise,
            ranking,
            after,
            builds,
            remedies,
            cannot_show,
            collect_next,
            labels,
            rules,
            own_rules,
        })
    }

    /// The rules, in the order in which they are tried.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Ids of the rules that did not come with the program.
    pub fn own_rules(&self) -> &[String] {
        &self.own_rules
    }

    pub(crate) fn remedy(&self, id: &str) -> Option<&RemedyEntry> {
        self.remedies.iter().find(|remedy| remedy.id == id)
    }

    /// What builds of this number are sold as.
    pub(crate) fn product(&self, build: u32) -> Option<&str> {
        self.builds.product.iter().find(|product| product.builds.contains(&build)).map(|p| p.name.as_str())
    }

    /// The update that brought a revision.
    pub(crate) fn update(&self, build: u32, revision: u32) -> Option<&str> {
        let known = |update: &&model::UpdateEntry| update.build == build && update.revision == revision;
        self.builds.update.iter().find(known).map(|update| update.kb.as_str())
    }
}

/// Embedded files, and those of one's own that replace them.
struct Files<'a> {
    own: &'a [(String, String)],
}

impl<'a> Files<'a> {
    fn table<T>(
        &self,
        name: &str,
        errors: &mut Vec<KnowledgeError>,
        read: impl FnOnce(&mut Inspection<'_>) -> Option<T>,
    ) -> Option<T> {
        let own = self.own.iter().find(|file| file.0 == name).map(|file| file.1.as_str());
        let embedded = || embedded::TABLES.iter().find(|file| file.0 == name).map(|file| file.1);
        let text = own.or_else(embedded).unwrap_or_default();
        read(&mut Inspection { file: name, text, errors })
    }

    /// Files that would have no effect are a slip of the pen too.
    fn refuse_unknown(&self, errors: &mut Vec<KnowledgeError>) {
        for (name, text) in self.own {
            let is_table = embedded::TABLES.iter().any(|table| table.0 == name);
            if !is_table && !is_rule(name) {
                let known: Vec<&str> = embedded::TABLES.iter().map(|table| table.0).collect();
                let reason = format!("no such file; there are rules/*.toml and {}", known.join(", "));
                Inspection { file: name, text, errors }.push(0..0, reason);
            }
        }
    }

    /// All rules in order, those of one's own in the places of those they replace, and the ids of
    /// the former.
    fn rules(&self, known: &rules::Known<'_>, errors: &mut Vec<KnowledgeError>) -> (Vec<Rule>, Vec<String>) {
        let mut read: Vec<(&str, &str, RuleFile)> = Vec::new();
        let mut own_rules: Vec<String> = Vec::new();
        let own = self.own.iter().map(|(name, text)| (name.as_str(), text.as_str(), true));
        let all = embedded::RULES.iter().map(|&(name, text)| (name, text, false)).chain(own);
        for (name, text, is_own) in all.filter(|file| is_rule(file.0)) {
            let mut inspection = Inspection { file: name, text, errors };
            let Some(rule) = inspection.parse::<RuleFile>() else { continue };
            let id = rule.id.get_ref();
            if is_own && own_rules.contains(id) {
                inspection.push(rule.id.span(), format!("a second rule {id}"));
            }
            if is_own {
                own_rules.push(id.clone());
            }
            match read.iter_mut().find(|other| other.2.id.get_ref() == id) {
                Some(place) => *place = (name, text, rule),
                None => read.push((name, text, rule)),
            }
        }
        let ids: BTreeSet<String> = read.iter().map(|file| file.2.id.get_ref().clone()).collect();
        let rules = read
            .into_iter()
            .filter_map(|(name, text, rule)| {
                Rule::new(rule, known, &ids, &mut Inspection { file: name, text, errors })
            })
            .collect();
        (rules, own_rules)
    }
}

fn is_rule(name: &str) -> bool {
    name.starts_with("rules/") && name.ends_with(".toml")
}

fn markers(file: MarkersFile, actors: &Actors, inspection: &mut Inspection<'_>) -> Vec<Marker> {
    let names: BTreeSet<&'static str> = Operation::names().collect();
    let mut markers: Vec<Marker> = Vec::new();
    for entry in file.marker {
        let id = entry.id.get_ref().clone();
        if markers.iter().any(|marker| marker.id == id) {
            inspection.push(entry.id.span(), format!("a second marker {id}"));
        }
        let mut operations = Vec::new();
        for operation in &entry.operations {
            match names.get(operation.get_ref().as_str()) {
                Some(&name) => operations.push(name),
                None => inspection.push(operation.span(), format!("no operation {:?}", operation.get_ref())),
            }
        }
        markers.push(Marker {
            id,
            actors: actors.set(&entry.actors, inspection),
            operations,
            outcome: entry.result,
            filter: entry.filter.as_ref().and_then(|filter| compile(filter, inspection)),
        });
    }
    if markers.len() > MOST_MARKERS {
        inspection.push(0..0, format!("more than {MOST_MARKERS} markers"));
        markers.truncate(MOST_MARKERS);
    }
    markers
}

/// Parses a filter; a mistake is noted.
fn compile(text: &Ref, inspection: &mut Inspection<'_>) -> Option<Filter> {
    match Filter::parse(text.get_ref()) {
        Ok(filter) => Some(filter),
        Err(error) => {
            inspection.push(text.span(), error.to_string());
            None
        }
    }
}

/// What facts begin with that say how something turned out.
const OUTCOMES: [&str; 3] = ["boot:", "rollback:", "found:"];

fn check_fact(fact: &Ref, known: &BTreeSet<&str>, inspection: &mut Inspection<'_>) {
    let is_outcome = OUTCOMES.iter().any(|outcome| fact.get_ref().starts_with(outcome));
    if !is_outcome && !known.contains(fact.get_ref().as_str()) {
        inspection.push(fact.span(), format!("no marker or fact {:?}", fact.get_ref()));
    }
}

fn check_condition(condition: &FactCondition, known: &BTreeSet<&str>, inspection: &mut Inspection<'_>) {
    let used = [&condition.all, &condition.any, &condition.none];
    used.into_iter().flatten().for_each(|fact| check_fact(fact, known, inspection));
}
