//! What is known of servicing, as data: read, checked, and made ready for use.
//!
//! Everything the analysis judges by is in files (`analyzer/knowledge`) that come with the program and can be
//! replaced: actors, markers, computed facts, phases, signals, kinds of boots, noise, ranking, rules, remedies,
//! texts, and the lists and numbers of the engine.

mod actors;
mod aliases;
mod codes;
mod embedded;
mod encode;
mod engine;
mod error;
mod error_path;
mod load;
mod model;
mod parsed;
mod rules;
mod sources;

pub use actors::Actors;
pub use aliases::OldId;
pub use error::KnowledgeError;
pub use model::{Boot, Risk, RuleKind, RuleStatus};
pub use rules::{Rule, RuleSummary};

pub(crate) use actors::{ActorId, ActorSet};
pub(crate) use codes::{Codes, StatusEntry};
pub(crate) use engine::{Engine, FactLimits};
pub(crate) use error_path::{ErrorPath, Sign};
pub(crate) use model::{
    ClassLimits, FactCondition, LabelsFile, LimitEntry, MailTexts, Outcome, PhaseEntry, Property, Raised,
    RankingFile, RemedyEntry, ReportTexts, Same, SignalEntry,
};
pub(crate) use parsed::read as read_embedded;
pub(crate) use rules::{Compiled, CompiledEvidence, CompiledSequence};

use crate::language::Text;
use aliases::{Aliases, IdKind};
use load::Names;
use model::{BootEntry, BuildsFile, ComputedEntry};
use pml_parser::Filter;
use sources::Sources;

/// What a fact begins with that says that a rule found something; the rule's id follows.
const FOUND: &str = "found:";

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
    pub group: Option<String>,
    /// What such an object is called, and what it belongs to.
    pub object: Option<Text>,
    /// Ids of the remedies for such an object.
    pub remedies: Vec<String>,
    pub filter: Filter,
}

/// What a volume is for.
#[derive(Clone, Debug)]
pub(crate) struct VolumeRole {
    pub id: String,
    pub name: Text,
    pub filter: Filter,
}

impl PathClass {
    /// Whether it has this id, or belongs to this group.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.id == name || self.group.as_deref() == Some(name)
    }
}

/// A kind of harmless failure.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    pub id: String,
    pub kinds: Vec<String>,
    pub gravity_at_most: Option<u8>,
    pub later: bool,
    /// What has to follow for it to mean something after all.
    pub raised: Raised,
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

/// The facts that the engine computes.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    entries: Vec<ComputedEntry>,
    pub limits: FactLimits,
}

/// What speaks for a rollback and against it.
#[derive(Clone, Debug)]
struct Signals {
    limits: ClassLimits,
    entries: Vec<SignalEntry>,
}

/// All that is known.
#[derive(Clone, Debug)]
pub struct Knowledge {
    pub(crate) actors: Actors,
    pub(crate) codes: Codes,
    pub(crate) engine: Engine,
    pub(crate) error_path: ErrorPath,
    pub(crate) computed: Computed,
    pub(crate) paths: Vec<PathClass>,
    /// What volumes are for, by what is on them: the first entry of which something is seen counts.
    pub(crate) volumes: Vec<VolumeRole>,
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
    aliases: Aliases,
    old_ids: Vec<OldId>,
}

impl Knowledge {
    /// The knowledge that comes with the program.
    ///
    /// # Errors
    /// Never, unless the program was built from files with mistakes, which its tests rule out.
    pub fn embedded() -> Result<Self, Vec<KnowledgeError>> {
        Self::with(&[])
    }

    /// The knowledge that comes with the program, with the files of a knowledge directory: names relative to
    /// it, and texts. A table replaces the one of its name; a rule (`rules/….toml`) replaces the one with its
    /// id, or is added.
    ///
    /// # Errors
    /// All mistakes that were found, each with its file and line.
    pub fn with(own: &[(String, String)]) -> Result<Self, Vec<KnowledgeError>> {
        let mut sources = Sources::new(own);
        let knowledge = Self::load(&mut sources);
        match knowledge {
            Some(knowledge) if sources.errors.is_empty() => {
                Ok(Self { old_ids: sources.old_ids, ..knowledge })
            }
            _ => Err(sources.errors),
        }
    }

    /// The table of actors alone, as it comes with the program.
    ///
    /// # Errors
    /// As [`Knowledge::embedded`].
    pub fn embedded_actors() -> Result<Actors, Vec<KnowledgeError>> {
        let mut sources = Sources::new(&[]);
        let actors = load::load_actors(sources.table("actors.toml"));
        match actors {
            Some(actors) if sources.errors.is_empty() => Ok(actors),
            _ => Err(sources.errors),
        }
    }

    /// Loads all files, each after those to which it refers.
    fn load(sources: &mut Sources<'_>) -> Option<Self> {
        let mut codes = Codes::default();
        load::load_statuses(sources.table("ntstatus.tsv"), &mut codes);
        load::load_status_names(sources.table("ntstatus-names.tsv"), &mut codes);
        load::load_hresults(sources.table("hresults.tsv"), &mut codes);
        let aliases = load::load_aliases(sources.table("aliases.toml"))?;
        let actors = load::load_actors(sources.table("actors.toml"))?;
        let engine = load::load_engine(sources.table("engine.toml"), &codes)?;
        let computed = load::load_computed(sources.table("computed.toml"))?;
        let markers = load::load_markers(sources.table("markers.toml"), &actors)?;
        let rule_files = load::load_rule_files(sources, &aliases);
        let rule_ids = load::ids(&rule_files);
        let markers_and_computed = markers.iter().map(|marker| marker.id.as_str());
        let facts =
            markers_and_computed.chain(computed.entries.iter().map(|fact| fact.id.get_ref().as_str()));
        let names = Names { aliases: &aliases, facts: facts.collect(), rules: &rule_ids };
        let error_path = load::load_error_path(sources.table("error-path.toml"), &names, &actors, &markers)?;
        let phases = load::load_phases(sources.table("phases.toml"), &names)?;
        let signals = load::load_signals(sources.table("signals.toml"), &names)?;
        let boots = load::load_boots(sources.table("boots.toml"), &names)?;
        let noise = load::load_noise(sources.table("noise.toml"), &codes)?;
        let (ranking, after) = load::load_ranking(sources.table("ranking.toml"), &actors)?;
        let builds = load::load_builds(sources.table("builds.toml"))?;
        let (cannot_show, collect_next) = load::load_limits(sources.table("limits.toml"), &names)?;
        let labels = load::load_labels(sources.table("labels.toml"))?;
        let remedies = load::load_remedies(sources.table("remedies.toml"), &codes)?;
        let (paths, volumes) = load::load_paths(sources.table("paths.toml"), &remedies)?;
        let known = rules::Known {
            actors: &actors,
            codes: &codes,
            names: &names,
            phases: &phases,
            paths: &paths,
            remedies: &remedies,
            markers: &markers,
        };
        let (rules, own_rules) = load::load_rules(sources, rule_files, &known);
        Some(Self {
            actors,
            codes,
            engine,
            error_path,
            computed,
            paths,
            volumes,
            markers,
            phases,
            limits: signals.limits,
            signals: signals.entries,
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
            aliases,
            old_ids: Vec::new(),
        })
    }

    /// The rules, in the order in which they are tried.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rule with an id, whatever the case of its letters. An old id finds the rule that has it no longer.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        let id = self.aliases.new_id(IdKind::Rule, id).unwrap_or(id);
        self.rules.iter().find(|rule| rule.id.eq_ignore_ascii_case(id))
    }

    /// Ids of the rules that did not come with the program, or differ from those that did.
    pub fn own_rules(&self) -> &[String] {
        &self.own_rules
    }

    /// Old ids in the files of a knowledge directory.
    pub fn old_ids(&self) -> &[OldId] {
        &self.old_ids
    }

    /// The version of the program that no longer accepts old ids.
    pub fn old_ids_dropped_in(&self) -> &str {
        self.aliases.dropped_in()
    }

    /// Markers and computed facts that rules may name, with what the computed ones mean.
    pub fn facts(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        let markers = self.markers.iter().map(|marker| (marker.id.as_str(), None));
        let computed = &self.computed.entries;
        markers.chain(computed.iter().map(|fact| (fact.id.get_ref().as_str(), Some(fact.text()))))
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
