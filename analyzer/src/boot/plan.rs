//! The input of the pass: what every range needs to know, made once from the knowledge: which markers an event may
//! satisfy, and which processes and statuses count.

use super::group::OperationKey;
use super::processes::Processes;
use crate::canonical::{TAILS, tail_of_text};
use crate::knowledge::{ActorSet, Engine, Knowledge, Marker, Outcome};
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
    pub(super) system: ActorSet,
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

/// Every operation that the tables have room for, each once.
fn all_operations() -> impl Iterator<Item = Operation> {
    let codes =
        EventClass::NAMED.into_iter().flat_map(|class| (0..CODES as u16).map(move |code| (class, code)));
    codes.flat_map(|(class, code)| {
        let all = (0..=u8::MAX).map(move |sub| (sub, Operation::of(class, code, sub)));
        // Most operations have no subs.
        all.take_while(|(sub, operation)| operation.sub == *sub).map(|(_, operation)| operation)
    })
}

/// What knowledge says of a name: it names operations as Process Monitor does, and several may have one name.
struct Named<'a> {
    name: &'a str,
    markers: u128,
    is_tracked: bool,
}

impl<'a> Named<'a> {
    fn new(operation: Operation, knowledge: &Knowledge) -> Self {
        let name = operation.name();
        let has = |marker: &Marker| marker.operations.contains(&name);
        let markers = knowledge.markers.iter().enumerate().filter(|(_, marker)| has(marker));
        let markers = markers.fold(0, |mask, (bit, _)| mask | 1 << bit);
        Self { name, markers, is_tracked: knowledge.engine.is_tracked(operation) }
    }
}

impl<'a> Plan<'a> {
    pub(super) fn new(knowledge: &'a Knowledge, processes: &'a Processes, first: FileTime) -> Self {
        let mut of_operation = vec![0u128; CLASSES * CODES];
        let mut operations = vec![Vec::new(); knowledge.markers.len()];
        let mut tracked = vec![false; CLASSES * CODES];
        let mut named: Option<(EventClass, Named<'_>)> = None;
        for operation in all_operations() {
            let Some(slot) = slot(operation) else { continue };
            // Subs without a name of their own follow one another.
            let known = match named.take() {
                Some(last) if last.0 == operation.class && last.1.name == operation.name() => last,
                _ => (operation.class, Named::new(operation, knowledge)),
            };
            let (_, Named { markers, is_tracked, .. }) = named.insert(known);
            let mut rest = *markers;
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                operations[bit].push(OperationKey::of(operation));
                rest &= rest - 1;
            }
            of_operation[slot] |= *markers;
            tracked[slot] |= *is_tracked;
        }
        operations.iter_mut().for_each(|keys: &mut Vec<OperationKey>| keys.sort_unstable());
        let mask = |holds: &dyn Fn(&Marker) -> bool| {
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
        let tails = |marker: &Marker| -> Option<Vec<usize>> {
            marker.filter.as_ref()?.path_endings()?.into_iter().map(tail_of_text).collect()
        };
        let mut of_tail = vec![mask(&|marker| tails(marker).is_none()); TAILS];
        for (bit, marker) in knowledge.markers.iter().enumerate() {
            tails(marker).into_iter().flatten().for_each(|tail| of_tail[tail] |= 1 << bit);
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
            system: knowledge.actors.group("system"),
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
