//! Actors: what each process of a log is in servicing.

use super::error::Inspection;
use super::model::{ActorEntry, ActorsFile, Ref};
use pml_parser::{LogView, Process};

/// A set of actors, one bit each.
pub(crate) type ActorSet = u64;

/// Position of an actor in the table; the last one is "other".
pub(crate) type ActorId = u8;

/// The table of actors.
#[derive(Clone, Debug, Default)]
pub struct Actors {
    entries: Vec<ActorEntry>,
    groups: Vec<(String, ActorSet)>,
    children_of: Vec<ActorSet>,
}

/// What a process without an entry is called.
const OTHER: &str = "other";
/// The most actors that fit a set.
const MOST: usize = 60;

impl Actors {
    pub(super) fn new(file: ActorsFile, inspection: &mut Inspection<'_>) -> Self {
        let mut actors = Self { entries: file.actor, ..Self::default() };
        if actors.entries.len() > MOST {
            inspection.push(0..0, format!("more than {MOST} actors"));
            actors.entries.truncate(MOST);
        }
        for (name, members) in &file.groups {
            let set = actors.set(members, inspection);
            actors.groups.push((name.clone(), set));
        }
        let entries = actors.entries.clone();
        actors.children_of =
            entries
                .iter()
                .map(|entry| {
                    if entry.children_of.is_empty() { 0 } else { actors.set(&entry.children_of, inspection) }
                })
                .collect();
        actors
    }

    /// The actor that a process is by its own name or id.
    fn by_itself(&self, process: Process<'_>) -> Option<ActorId> {
        let name = process.name();
        let fits = |entry: &ActorEntry| {
            entry.pid == Some(process.pid())
                || entry.programs.iter().any(|program| name.eq_ignore_ascii_case(program))
        };
        self.entries.iter().position(fits).map(|at| at as ActorId)
    }

    /// The actor that a process is.
    pub(crate) fn of(&self, log: LogView<'_>, process: Process<'_>) -> ActorId {
        let own = self.by_itself(process);
        let is_host = |at: ActorId| self.entries.get(usize::from(at)).is_some_and(|entry| entry.unless_child);
        if let Some(own) = own.filter(|&own| !is_host(own)) {
            return own;
        }
        let parent = log.process(process.parent_index()).and_then(|parent| self.by_itself(parent));
        let child = parent.and_then(|parent| self.children_of.iter().position(|set| set >> parent & 1 == 1));
        child.map(|at| at as ActorId).or(own).unwrap_or(self.other())
    }

    /// The actor of processes without an entry.
    pub(crate) fn other(&self) -> ActorId {
        self.entries.len() as ActorId
    }

    /// The id of an actor.
    pub(crate) fn name(&self, actor: ActorId) -> &str {
        self.entries.get(usize::from(actor)).map_or(OTHER, |entry| entry.id.as_str())
    }

    /// Whether a process belongs to the servicing stack.
    pub fn is_servicing(&self, log: LogView<'_>, process: Process<'_>) -> bool {
        (self.group("servicing") | self.group("helpers")) >> self.of(log, process) & 1 == 1
    }

    /// The members of a group, or the one actor of that name.
    pub(crate) fn group(&self, name: &str) -> ActorSet {
        self.find(name).unwrap_or(0)
    }

    fn find(&self, name: &str) -> Option<ActorSet> {
        if name == OTHER {
            return Some(1 << self.other());
        }
        let single = self.entries.iter().position(|entry| entry.id == name).map(|at| 1 << at);
        single.or_else(|| self.groups.iter().find(|group| group.0 == name).map(|group| group.1))
    }

    /// The actors that have these names, or belong to these groups; without a name, all actors.
    pub(crate) fn set(&self, names: &[Ref], inspection: &mut Inspection<'_>) -> ActorSet {
        if names.is_empty() {
            return ActorSet::MAX;
        }
        names.iter().fold(0, |set, name| match self.find(name.get_ref()) {
            Some(members) => set | members,
            None => {
                inspection.push(name.span(), format!("no actor {:?}", name.get_ref()));
                set
            }
        })
    }
}
