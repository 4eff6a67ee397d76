//! The input of the pass: what every range needs to know, made once from the knowledge: which markers an event may
//! satisfy, and which processes and statuses count.

use super::group::OperationKey;
use super::processes::Processes;
use crate::canonical::{TAILS, tail_of_text};
use crate::knowledge::{ActorSet, Engine, Knowledge, Outcome};
use pml_parser::{EventClass, FileTime, Operation};

/// What every range needs to know.
pub(super) struct Plan<'a> {
    pub(super) knowledge: &'a Knowledge,
    pub(super) processes: &'a Processes,
    pub(super) first: FileTime,
    /// Markers by class and code, by actor, and by outcome.
    pub(super) of_operation: Vec<u128>,
    /// The operations of each marker, ascending.
    operations: Vec<Vec<OperationKey>>,
    pub(super) of_actor: Vec<u128>,
    pub(super) of_outcome: [u128; 2],
    /// Markers that a path with this tail may satisfy.
    pub(super) of_tail: Vec<u128>,
    /// Markers whose filters depend on nothing but the path.
    pub(super) of_path_alone: u128,
    /// Whether successes of an operation are worth remembering, by class and code.
    pub(super) tracked: Vec<bool>,
    pub(super) servicing: ActorSet,
    pub(super) helpers: ActorSet,
    pub(super) engine: &'a Engine,
    pub(super) harmless: Vec<u32>,
    pub(super) warnings: Vec<u32>,
    pub(super) servicing_keys: Option<usize>,
}

/// Codes of a class that tables have room for.
pub(super) const CODES: usize = 64;
const CLASSES: usize = 6;

pub(super) fn slot(operation: Operation) -> Option<usize> {
    let (class, code) = (operation.class.code() as usize, usize::from(operation.code));
    (class < CLASSES && code < CODES).then_some(class * CODES + code)
}

/// Every operation that the tables have room for, each once: knowledge names operations as Process Monitor does,
/// and several may have one name.
fn all_operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for class in EventClass::NAMED {
        for code in 0..CODES as u16 {
            all.extend((0..=u8::MAX).map(|sub| Operation::of(class, code, sub)));
        }
    }
    all.dedup();
    all
}

impl<'a> Plan<'a> {
    pub(super) fn new(knowledge: &'a Knowledge, processes: &'a Processes, first: FileTime) -> Self {
        let mut of_operation = vec![0u128; CLASSES * CODES];
        let mut operations = vec![Vec::new(); knowledge.markers.len()];
        let mut tracked = vec![false; CLASSES * CODES];
        for operation in all_operations() {
            let Some(slot) = slot(operation) else { continue };
            let name = operation.name();
            for (bit, marker) in knowledge.markers.iter().enumerate() {
                if marker.operations.contains(&name) {
                    of_operation[slot] |= 1 << bit;
                    operations[bit].push(OperationKey::of(operation));
                }
            }
            tracked[slot] |= knowledge.engine.is_tracked(operation);
        }
        operations.iter_mut().for_each(|keys: &mut Vec<OperationKey>| keys.sort_unstable());
        let mask = |holds: &dyn Fn(&crate::knowledge::Marker) -> bool| {
            knowledge
                .markers
                .iter()
                .enumerate()
                .filter(|(_, m)| holds(m))
                .fold(0u128, |mask, (bit, _)| mask | 1 << bit)
        };
        let of_actor = (0..64).map(|actor| mask(&|marker| marker.actors >> actor & 1 == 1)).collect();
        let of_outcome = [
            mask(&|marker| marker.outcome != Outcome::Error),
            mask(&|marker| marker.outcome != Outcome::Success),
        ];
        let mut of_tail = vec![0u128; TAILS];
        for (bit, marker) in knowledge.markers.iter().enumerate() {
            let endings = marker.filter.as_ref().and_then(|filter| filter.path_endings());
            let tails: Option<Vec<usize>> =
                endings.and_then(|all| all.into_iter().map(tail_of_text).collect());
            match tails {
                Some(tails) => tails.into_iter().for_each(|tail| of_tail[tail] |= 1 << bit),
                None => of_tail.iter_mut().for_each(|mask| *mask |= 1 << bit),
            }
        }
        let of_path_alone =
            mask(&|marker| marker.filter.as_ref().is_some_and(|filter| filter.is_of_path_alone()));
        Self {
            of_tail,
            of_path_alone,
            knowledge,
            processes,
            first,
            of_operation,
            operations,
            of_actor,
            of_outcome,
            tracked,
            servicing: knowledge.actors.group("servicing"),
            helpers: knowledge.actors.group("helpers"),
            engine: &knowledge.engine,
            harmless: knowledge.codes.harmless(),
            warnings: knowledge.codes.warnings(),
            servicing_keys: knowledge.paths.iter().position(|class| class.id == "servicing-key"),
        }
    }
    /// Whether a marker is about an operation.
    pub(super) fn has_operation(&self, marker: usize, operation: OperationKey) -> bool {
        self.operations.get(marker).is_some_and(|keys| keys.binary_search(&operation).is_ok())
    }
}
