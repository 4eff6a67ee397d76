//! Signs that a failure was taken seriously, checked and made ready: `error-path.toml`.

use super::Marker;
use super::actors::{ActorSet, Actors};
use super::engine::length_of_time;
use super::error::Inspection;
use super::load::compile;
use super::model::{ErrorPathFile, FactCondition, Ref};
use crate::language::Text;
use pml_parser::Filter;

/// `error-path.toml`, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct ErrorPath {
    /// Captures in which it is looked for.
    pub when: Vec<FactCondition>,
    /// Position of the marker of writes to logs.
    pub log: Option<usize>,
    /// From this number of writes on a run is a burst.
    pub burst_writes: u32,
    /// The longest pause within a run, in 100 ns.
    pub burst_gap: u64,
    /// Who does work for the servicing stack.
    pub asked: ActorSet,
    /// Facts after which failures are the rollback's own work.
    pub until: Vec<String>,
    /// Operations that succeed, and whose answer is no.
    pub refused: Vec<Filter>,
    pub signs: Vec<Sign>,
}

/// What follows a failure that is taken seriously.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub id: String,
    /// Facts whose events are the sign.
    pub facts: Vec<String>,
    /// Whether several writes to a log at once are the sign.
    pub burst: bool,
    /// Whether a write to a log is the sign.
    pub single: bool,
    /// How long before it the failure may lie, in 100 ns.
    pub within: u64,
    /// How many other operations of the thread may lie between.
    pub steps: usize,
    /// How long before it a failure of a process that was asked may lie, in 100 ns; 0 is never.
    pub asked_within: u64,
    pub points: f64,
    /// Whether the sign is that nothing nearer to its facts stands out.
    pub nearest: bool,
    /// How far before its facts failures are compared with each other, in 100 ns.
    pub compared: u64,
    /// Failures of one kind within this time are one, in 100 ns.
    pub together: u64,
    /// Nothing is nearer to the facts than this, in 100 ns.
    pub at_least: u64,
    /// How much nearness weighs among failures that are as rare.
    pub nearness: f64,
    /// How many failures of the same kind chance may put between such a failure and the facts, at most.
    pub by_chance: f64,
    /// Whether it overrides the table of noise.
    pub decides: bool,
    /// Whether it is more than lines in a log.
    pub strong: bool,
    pub text: Text,
}

impl ErrorPath {
    pub(super) fn new(
        file: ErrorPathFile,
        actors: &Actors,
        markers: &[Marker],
        inspection: &mut Inspection<'_>,
    ) -> Self {
        let mut signs = Vec::new();
        for entry in file.sign {
            signs.push(Sign {
                id: entry.id,
                facts: entry.facts.into_iter().map(Ref::into_inner).collect(),
                burst: entry.burst,
                single: entry.single,
                within: length_of_time(&entry.within, inspection),
                steps: entry.steps,
                asked_within: entry.asked_within.map_or(0, |time| length_of_time(&time, inspection)),
                nearest: entry.nearest,
                compared: entry.compared.map_or(0, |time| length_of_time(&time, inspection)),
                together: entry.together.map_or(0, |time| length_of_time(&time, inspection)),
                at_least: entry.at_least.map_or(1, |time| length_of_time(&time, inspection)).max(1),
                nearness: entry.nearness,
                by_chance: entry.by_chance,
                points: entry.points,
                decides: entry.decides,
                strong: entry.strong,
                text: entry.text,
            });
        }
        Self {
            when: file.when,
            log: markers.iter().position(|marker| &marker.id == file.log.get_ref()),
            burst_writes: file.burst_writes,
            burst_gap: length_of_time(&file.burst_gap, inspection),
            asked: actors.set(&file.asked, inspection),
            until: file.until.into_iter().map(Ref::into_inner).collect(),
            refused: file.refused.iter().filter_map(|filter| compile(filter, inspection)).collect(),
            signs,
        }
    }
}
