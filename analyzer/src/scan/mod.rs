//! The one pass over the events: what is noticed range by range, and how the ranges are put
//! together again.
//!
//! Ranges are looked at in parallel and merged in order, so that "later" means the same however
//! many threads there are. What is kept grows with distinct failures and components, never with
//! events; beyond fixed numbers it is counted and no more.

mod kept;
mod plan;

pub(crate) use kept::{Activity, Group, GroupKey, Link, OperationKey, PackageState, SeenComponent};

use crate::canonical::{PathKey, component_folder, key, name_key, tail};
use crate::component::identity;
use crate::facts::Seen;
use crate::knowledge::{ActorId, Knowledge};
use crate::processes::{ProcessId, Processes};
use crate::triage::TriageError;
use hashbrown::HashMap;
use kept::{HARD_RIGHTS, Span, Success, SuccessKey};
use plan::{CODES, Plan, slot};
use pml_parser::parallel::in_order;
use pml_parser::{
    Budget, Damage, Event, EventClass, EventId, EventRange, FileTime, Limits, LogSet, Matcher, Number,
    Operation, WinStr,
};

/// What a scan may be watched and stopped by.
pub trait Watch: Sync {
    /// Events and bytes of the capture up to which the scan has come.
    fn advance(&self, events: u64, bytes: u64);
    /// Whether to stop.
    fn is_cancelled(&self) -> bool;
}

/// What a range, or the whole capture, was seen to hold.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub events: u64,
    /// By marker.
    pub markers: Vec<Seen>,
    pub groups: Vec<Group>,
    /// Failures that were not kept as groups for want of room.
    pub groups_left_out: u64,
    by_key: HashMap<GroupKey, u32>,
    by_success: HashMap<SuccessKey, Vec<u32>>,
    successes: HashMap<SuccessKey, Success>,
    /// By key of the folder.
    pub components: HashMap<u64, SeenComponent>,
    pub links: Vec<Link>,
    /// By actor.
    pub activity: Vec<Activity>,
    /// By process: exit status and event.
    pub exits: HashMap<ProcessId, (u32, EventId)>,
    /// By key of the registry value that holds it: the state of a package.
    pub packages: HashMap<PathKey, PackageState>,
    pub damage: Damage,
}

/// Most groups, components and links that are kept.
const MOST_GROUPS: usize = 200_000;
const MOST_COMPONENTS: usize = 200_000;
const MOST_LINKS: usize = 500_000;
const MOST_PACKAGES: usize = 100_000;

/// The marker whose events tell the states of packages.
const PACKAGE_STATE: &str = "package-state";

/// Events and bytes of records that are looked at together.
const RANGE_EVENTS: u32 = 32_768;
const RANGE_BYTES: u64 = 64 << 20;

/// Markers that were asked about a path, and those of them that fit it.
#[derive(Clone, Copy, Default)]
struct Known {
    asked: u128,
    fits: u128,
}

/// Looks at one range.
struct Collector<'a, 'e> {
    plan: &'a Plan<'a>,
    /// Answers of markers that depend on the path alone.
    of_path: HashMap<WinStr<'e>, Known>,
    matchers: Vec<Option<Matcher<'a>>>,
    servicing_keys: Option<Matcher<'a>>,
    scan: Scan,
    /// The process of the event before, and what it is.
    process: (u32, ProcessId, ActorId),
}

impl<'a, 'e> Collector<'a, 'e> {
    fn new(plan: &'a Plan<'a>) -> Self {
        let markers = &plan.knowledge.markers;
        let matcher = |filter: &'a pml_parser::Filter| filter.matcher(plan.first);
        let scan = Scan {
            markers: vec![Seen::default(); markers.len()],
            activity: vec![Activity::default(); 64],
            ..Scan::default()
        };
        let class = plan.servicing_keys.and_then(|at| plan.knowledge.paths.get(at));
        Self {
            plan,
            matchers: markers.iter().map(|marker| marker.filter.as_ref().map(matcher)).collect(),
            of_path: HashMap::new(),
            servicing_keys: class.map(|class| matcher(&class.filter)),
            scan,
            process: (u32::MAX, crate::processes::NOBODY, plan.knowledge.actors.other()),
        }
    }

    fn push(&mut self, event: &Event<'e>) {
        let plan = self.plan;
        if self.process.0 != event.process_index() {
            let process = plan.processes.of(event);
            self.process = (event.process_index(), process, plan.processes.actor(process));
        }
        let (_, process, actor) = self.process;
        let operation = event.operation();
        let status = event.status();
        let is_error = status.is_error();
        let slot = slot(operation);
        let markers = slot.and_then(|slot| plan.of_operation.get(slot)).copied().unwrap_or(0)
            & plan.of_actor.get(usize::from(actor)).copied().unwrap_or(0)
            & plan.of_outcome[usize::from(is_error)];
        if markers != 0 {
            let path = event.path();
            let markers = markers & plan.of_tail[tail(path)];
            if markers != 0 {
                self.mark(event, operation, path, markers);
            }
        }
        if operation.class == EventClass::Process && operation.name() == "Process Exit" {
            let exit = event.numbers().get(Number::ExitStatus).unwrap_or(0) as u32;
            if process != crate::processes::NOBODY {
                self.scan.exits.insert(process, (exit, event.id()));
            }
        }
        let own = (plan.servicing | plan.helpers) >> actor & 1 == 1;
        if own {
            if let Some(activity) = self.scan.activity.get_mut(usize::from(actor)) {
                activity.push(event.id(), event.time());
            }
            let tracked = slot.and_then(|slot| plan.tracked.get(slot)).copied().unwrap_or(false);
            if is_error {
                self.fail(event, operation, process, actor, tracked);
            } else if tracked {
                self.succeed(event, operation);
            }
        } else if is_error && plan.engine.grave.binary_search(&status.0).is_ok() {
            self.fail(event, operation, process, actor, false);
        }
    }

    fn mark(&mut self, event: &Event<'e>, operation: Operation, path: WinStr<'e>, mut markers: u128) {
        let name = operation.name();
        let cached = markers & self.plan.of_path_alone;
        if cached != 0 {
            let known = self.of_path.entry(path).or_default();
            // What is known not to fit is left out.
            markers &= !(known.asked & !known.fits);
        }
        while markers != 0 {
            let at = markers.trailing_zeros() as usize;
            let bit = 1u128 << at;
            markers &= !bit;
            let Some(marker) = self.plan.knowledge.markers.get(at) else { continue };
            if !marker.operations.contains(&name) {
                continue;
            }
            let fits = match self.matchers.get_mut(at).and_then(Option::as_mut) {
                Some(matcher) => matcher.matches(event),
                None => true,
            };
            if cached & bit != 0 {
                let known = self.of_path.entry(path).or_default();
                known.asked |= bit;
                known.fits |= if fits { bit } else { 0 };
            }
            if !fits {
                continue;
            }
            if let Some(seen) = self.scan.markers.get_mut(at) {
                seen.push(event.id());
            }
            if marker.id == PACKAGE_STATE
                && let Some(value) = event.numbers().get(Number::RegistryNumber)
            {
                let new = PackageState { highest: value, set: None, lowered: None };
                let state = self.scan.packages.entry(key(path)).or_insert(new);
                state.push(value, name == "RegSetValue", event.id());
            }
        }
    }

    fn fail(
        &mut self,
        event: &Event<'_>,
        operation: Operation,
        process: ProcessId,
        actor: ActorId,
        tracked: bool,
    ) {
        let status = event.status();
        // What is always harmless, and probes of the registry, are counted together.
        let harmless = self.plan.harmless.binary_search(&status.0).is_ok();
        let probe = operation.class == EventClass::Registry
            && self.plan.engine.probes.contains(&status.0)
            && !self.servicing_keys.as_mut().is_some_and(|keys| keys.matches(event));
        let (path, target) = if harmless || probe {
            (PathKey::NONE, PathKey::NONE)
        } else {
            (key(event.path()), event.target_path().map_or(PathKey::NONE, key))
        };
        let is_open = operation.name() == "CreateFile";
        let access = if is_open && self.plan.engine.locks.binary_search(&status.0).is_ok() {
            rights(event)
        } else {
            0
        };
        let key = GroupKey { process, operation: OperationKey::of(operation), path, target, status };
        self.scan.add(Group {
            key,
            actor,
            count: 1,
            first: event.id(),
            last: event.id(),
            longest: event.duration().unwrap_or_default(),
            access,
            tracked,
            later: None,
        });
    }

    fn succeed(&mut self, event: &Event<'_>, operation: Operation) {
        let name = operation.name();
        let path = event.path();
        let path_key = key(path);
        let moves = name.starts_with("SetRename") || name.starts_with("SetLink");
        let target =
            if moves || operation.class == EventClass::Registry { event.target_path() } else { None };
        let target_key = target.map_or(PathKey::NONE, key);
        let is_open = name == "CreateFile";
        let access = if is_open { rights(event) } else { 0 };
        let scan = &mut self.scan;
        let mut note = |key: SuccessKey, access: u32| {
            let success = scan.successes.entry(key).or_default();
            Span::push(&mut success.all, event.id());
            if access & HARD_RIGHTS != 0 {
                Span::push(&mut success.hard, event.id());
                success.access |= access;
            }
        };
        note((OperationKey::of(operation), path_key, target_key), access);
        if moves && let Some(open) = open_key() {
            // What was moved to a place can be opened there.
            note((open, target_key, PathKey::NONE), u32::MAX);
        }
        if operation.class != EventClass::FileSystem {
            return;
        }
        let Some(folder) = component_folder(path) else { return };
        let folder_key = name_key(folder);
        if !scan.components.contains_key(&folder_key)
            && let Some((name, version)) = identity(&folder.to_str())
        {
            let identity = name_key(WinStr::Latin1(name.as_bytes()));
            scan.components.insert(folder_key, SeenComponent { identity, version, event: event.id() });
        }
        if moves && scan.components.contains_key(&folder_key) {
            scan.links.push(Link { event: event.id(), place: target_key, folder: folder_key });
        }
    }
}

/// Opening a file.
fn open_key() -> Option<OperationKey> {
    static OPEN: std::sync::OnceLock<Option<OperationKey>> = std::sync::OnceLock::new();
    *OPEN.get_or_init(|| {
        let operation = |code| Operation { class: EventClass::FileSystem, code, sub: 0 };
        (0..CODES as u16)
            .map(operation)
            .find(|operation| operation.name() == "CreateFile")
            .map(OperationKey::of)
    })
}

fn rights(event: &Event<'_>) -> u32 {
    event.numbers().get(Number::DesiredAccess).unwrap_or(0) as u32
}

impl Scan {
    /// Adds a group, of the same range or a later one.
    fn add(&mut self, group: Group) {
        if let Some(&at) = self.by_key.get(&group.key) {
            if let Some(known) = self.groups.get_mut(at as usize) {
                known.count += group.count;
                known.last = group.last;
                known.longest = known.longest.max(group.longest);
                known.access = group.access;
                known.later = group.later;
            }
            return;
        }
        if self.groups.len() >= MOST_GROUPS {
            self.groups_left_out += group.count;
            return;
        }
        let at = self.groups.len() as u32;
        self.by_key.insert(group.key, at);
        if group.tracked && group.key.path != PathKey::NONE {
            let key = (group.key.operation, group.key.path, group.key.target);
            self.by_success.entry(key).or_default().push(at);
        }
        self.groups.push(group);
    }

    /// Adds what a later range was seen to hold.
    fn merge(&mut self, later: Self, plan: &Plan<'_>) {
        self.events += later.events;
        for (seen, more) in self.markers.iter_mut().zip(later.markers) {
            seen.merge(more);
        }
        for (activity, more) in self.activity.iter_mut().zip(later.activity) {
            activity.merge(more);
        }
        for group in later.groups {
            self.add(group);
        }
        self.groups_left_out += later.groups_left_out;
        // After the failures of the range: a success counts where it came behind the last of them.
        for (key, success) in later.successes {
            let Some(groups) = self.by_success.get(&key) else { continue };
            for &at in groups {
                let Some(group) = self.groups.get_mut(at as usize) else { continue };
                let is_lock = plan.engine.locks.binary_search(&group.key.status.0).is_ok();
                let wanted = group.access & HARD_RIGHTS;
                // For a lock, a look at the attributes is not what failed before.
                let span = match is_lock && wanted != 0 {
                    true => success.hard.filter(|_| success.access & wanted == wanted),
                    false => success.all,
                };
                group.later = group.later.or(span.and_then(|span| span.behind(group.last)));
            }
        }
        for (key, component) in later.components {
            if self.components.len() < MOST_COMPONENTS {
                self.components.entry(key).or_insert(component);
            }
        }
        let room = MOST_LINKS.saturating_sub(self.links.len());
        self.links.extend(later.links.into_iter().take(room));
        self.exits.extend(later.exits);
        for (key, state) in later.packages {
            if let Some(known) = self.packages.get_mut(&key) {
                known.merge(state);
            } else if self.packages.len() < MOST_PACKAGES {
                self.packages.insert(key, state);
            }
        }
        self.damage.merge(&later.damage);
    }
}

/// Scans a capture.
pub(crate) fn scan<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    knowledge: &Knowledge,
    processes: &Processes,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Scan, TriageError> {
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let plan = Plan::new(knowledge, processes, first);
    let budget = Budget::new(set, Limits::default());
    let look = |range: EventRange| {
        let mut collector = Collector::new(&plan);
        let (mut end, mut meter) = (0, budget.meter());
        for (position, event) in range.events().zip(set.events_in(&range)) {
            if position.is_multiple_of(1_024) && watch.is_cancelled() {
                return Err(TriageError::Stopped);
            }
            match event {
                Ok(event) => {
                    meter.event(&event).map_err(TriageError::TooMuchWork)?;
                    end = event.offset();
                    collector.push(&event);
                }
                Err(error) => collector.scan.damage.push(error),
            }
        }
        meter.finish().map_err(TriageError::TooMuchWork)?;
        collector.scan.events = range.events().len() as u64;
        let before: u64 = set.parts().take(usize::from(range.part())).map(|log| log.size()).sum();
        Ok((collector.scan, before + end))
    };
    let mut whole = Collector::new(&plan).scan;
    let outcome = in_order(threads, set.ranges(RANGE_EVENTS, RANGE_BYTES), look, |(range, bytes)| {
        whole.merge(range, &plan);
        watch.advance(whole.events, bytes);
        Ok(())
    });
    outcome.map(|()| whole)
}
