//! The one pass over the events: what is noticed range by range, and how the ranges are put
//! together again.
//!
//! Ranges are looked at in parallel and merged in order, so that "later" means the same however
//! many threads there are. What is kept grows with distinct failures and components, never with
//! events; beyond fixed numbers it is counted and no more.

use crate::canonical::{PathKey, TAILS, component_folder, key, name_key, tail, tail_of_text};
use crate::component::identity;
use crate::facts::Seen;
use crate::knowledge::{ActorId, ActorSet, Knowledge, Outcome};
use crate::processes::{ProcessId, Processes};
use hashbrown::HashMap;
use pml_parser::parallel::in_order;
use pml_parser::{
    Damage, Event, EventClass, EventId, EventRange, FileTime, LogSet, Matcher, NtStatus, Number, Operation,
    Ticks, WinStr,
};

/// What a scan may be watched and stopped by.
pub trait Watch: Sync {
    /// Events and bytes of the capture up to which the scan has come.
    fn advance(&self, events: u64, bytes: u64);
    /// Whether to stop.
    fn is_cancelled(&self) -> bool;
}

/// An operation as a number: class, code and sub-operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OperationKey(pub u32);

impl OperationKey {
    pub(crate) fn of(operation: Operation) -> Self {
        Self(
            u32::from(operation.class.code()) << 24
                | u32::from(operation.code) << 8
                | u32::from(operation.sub),
        )
    }

    /// Whether it sets a value, or moves or links a file: what a rollback does as well, to the same
    /// places.
    pub(crate) fn changes_a_place(self) -> bool {
        let [class, _, _, sub] = self.0.to_be_bytes();
        let code = (self.0 >> 8) as u16;
        let operation = Operation { class: EventClass::from_code(class.into()), code, sub };
        let name = operation.name();
        ["RegSet", "SetRename", "SetLink"].iter().any(|start| name.starts_with(start))
    }
}

/// What a failure is grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey {
    pub process: ProcessId,
    pub operation: OperationKey,
    pub path: PathKey,
    pub target: PathKey,
    pub status: NtStatus,
}

/// The same failure, once or many times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub key: GroupKey,
    pub actor: ActorId,
    pub count: u64,
    pub first: EventId,
    pub last: EventId,
    pub longest: Ticks,
    /// Rights that the last attempt asked for.
    access: u32,
    /// Whether later successes were looked for.
    pub tracked: bool,
    /// A success that came after the last failure: the first one, or one soon after it.
    pub later: Option<EventId>,
}

impl Group {
    /// The same group with another success that came later.
    pub(crate) fn with_later(mut self, later: Option<EventId>) -> Self {
        self.later = later;
        self
    }
}

/// What a success is known by: failures are grouped more finely.
type SuccessKey = (OperationKey, PathKey, PathKey);

/// The first and the last of some events.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: EventId,
    last: EventId,
}

impl Span {
    fn push(span: &mut Option<Self>, event: EventId) {
        match span {
            Some(span) => span.last = event,
            None => *span = Some(Self { first: event, last: event }),
        }
    }

    /// One of them behind an event, the first if possible.
    fn behind(self, event: EventId) -> Option<EventId> {
        [self.first, self.last].into_iter().find(|&own| own > event)
    }
}

/// Successes of an operation on a path, within a range.
#[derive(Clone, Copy, Debug, Default)]
struct Success {
    all: Option<Span>,
    /// Those that asked for rights which others can stand in the way of.
    hard: Option<Span>,
    /// The rights that these asked for.
    access: u32,
}

/// A file that was linked or moved out of the component store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub event: EventId,
    pub place: PathKey,
    /// Key of the component's folder.
    pub folder: u64,
}

/// A component that was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenComponent {
    /// What it shares with its other versions.
    pub identity: u64,
    pub version: u128,
    pub event: EventId,
}

/// The state of a package through a capture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackageState {
    /// The highest value that was read or set.
    pub highest: u64,
    /// The last value that was set, and the event.
    pub set: Option<(u64, EventId)>,
    /// The event that set it lower than it was.
    pub lowered: Option<EventId>,
}

impl PackageState {
    /// Notes a value; `is_set` where it was set, not read.
    fn push(&mut self, value: u64, is_set: bool, event: EventId) {
        if is_set {
            let is_lower = value < self.highest;
            self.lowered = if is_lower { self.lowered.or(Some(event)) } else { None };
            self.set = Some((value, event));
        }
        self.highest = self.highest.max(value);
    }

    /// Adds what came later.
    fn merge(&mut self, later: Self) {
        if let Some((value, event)) = later.set {
            self.push(value, true, event);
            self.lowered = later.lowered.or(self.lowered);
        }
        self.highest = self.highest.max(later.highest);
    }
}

/// Two events with nothing of the same actor between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pause {
    pub ticks: u64,
    pub before: EventId,
    pub after: EventId,
}

/// When an actor did something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Activity {
    pub events: u64,
    pub first: Option<(EventId, FileTime)>,
    pub last: Option<(EventId, FileTime)>,
    pub longest_pause: Pause,
}

impl Activity {
    fn push(&mut self, event: EventId, time: FileTime) {
        self.pause(event, time);
        self.events += 1;
        self.first = self.first.or(Some((event, time)));
        self.last = Some((event, time));
    }

    fn pause(&mut self, event: EventId, time: FileTime) {
        if let Some((before, last)) = self.last {
            let ticks = time.0.saturating_sub(last.0);
            if ticks > self.longest_pause.ticks {
                self.longest_pause = Pause { ticks, before, after: event };
            }
        }
    }

    fn merge(&mut self, later: Self) {
        if let Some((event, time)) = later.first {
            self.pause(event, time);
            self.first = self.first.or(later.first);
            self.last = later.last;
        }
        if later.longest_pause.ticks > self.longest_pause.ticks {
            self.longest_pause = later.longest_pause;
        }
        self.events += later.events;
    }
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

/// Rights that decide whether a file could be opened: data, execution, deletion, ownership.
const HARD_RIGHTS: u32 = 0x0000_0001 | 0x2 | 0x4 | 0x20 | 0x1_0000 | 0x4_0000 | 0x8_0000;

/// Kinds of status for which any process is listened to, and those for which the rights that were
/// asked for decide whether a later success is one.
const GRAVE_KINDS: [&str; 6] =
    ["disk", "ntfs", "full", "transaction-manager", "transaction-log", "write-protected"];
const LOCK_KINDS: [&str; 1] = ["lock"];

/// What every range needs to know.
struct Plan<'a> {
    knowledge: &'a Knowledge,
    processes: &'a Processes,
    first: FileTime,
    /// Markers by class and code, by actor, and by outcome.
    of_operation: Vec<u128>,
    of_actor: Vec<u128>,
    of_outcome: [u128; 2],
    /// Markers that a path with this tail may satisfy.
    of_tail: Vec<u128>,
    /// Markers whose filters depend on nothing but the path.
    of_path_alone: u128,
    /// Whether successes of an operation are worth remembering, by class and code.
    tracked: Vec<bool>,
    servicing: ActorSet,
    helpers: ActorSet,
    grave: Vec<u32>,
    locks: Vec<u32>,
    harmless: Vec<u32>,
    servicing_keys: Option<usize>,
}

/// Codes of a class that tables have room for.
const CODES: usize = 64;
const CLASSES: usize = 6;

fn slot(operation: Operation) -> Option<usize> {
    let (class, code) = (operation.class.code() as usize, usize::from(operation.code));
    (class < CLASSES && code < CODES).then_some(class * CODES + code)
}

/// Operations that fail or succeed for good: what only looks, or cleans up, is not among them.
fn is_tracked(operation: Operation) -> bool {
    match operation.class {
        EventClass::Registry => matches!(
            operation.name(),
            "RegOpenKey"
                | "RegCreateKey"
                | "RegSetValue"
                | "RegSetInfoKey"
                | "RegSetKeySecurity"
                | "RegLoadKey"
                | "RegDeleteKey"
                | "RegDeleteValue"
        ),
        EventClass::FileSystem => {
            !matches!(operation.name(), "CloseFile" | "IRP_MJ_CLOSE")
                && !operation.name().starts_with("Query")
        }
        _ => false,
    }
}

impl<'a> Plan<'a> {
    fn new(knowledge: &'a Knowledge, processes: &'a Processes, first: FileTime) -> Self {
        let mut of_operation = vec![0u128; CLASSES * CODES];
        let mut tracked = vec![false; CLASSES * CODES];
        let classes = [
            EventClass::Process,
            EventClass::Registry,
            EventClass::FileSystem,
            EventClass::Profiling,
            EventClass::Network,
        ];
        for class in classes {
            for code in 0..CODES as u16 {
                for sub in 0..=u8::MAX {
                    let operation = Operation { class, code, sub };
                    let Some(slot) = slot(operation) else { continue };
                    let name = operation.name();
                    for (bit, marker) in knowledge.markers.iter().enumerate() {
                        if marker.operations.contains(&name)
                            && let Some(mask) = of_operation.get_mut(slot)
                        {
                            *mask |= 1 << bit;
                        }
                    }
                    if let Some(place) = tracked.get_mut(slot) {
                        *place |= is_tracked(operation);
                    }
                }
            }
        }
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
        let codes = &knowledge.codes;
        Self {
            of_tail,
            of_path_alone,
            knowledge,
            processes,
            first,
            of_operation,
            of_actor,
            of_outcome,
            tracked,
            servicing: knowledge.actors.group("servicing"),
            helpers: knowledge.actors.group("helpers"),
            grave: codes.of_kinds(&GRAVE_KINDS),
            locks: codes.of_kinds(&LOCK_KINDS),
            harmless: codes.harmless(),
            servicing_keys: knowledge.paths.iter().position(|class| class.id == "servicing-key"),
        }
    }
}

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
        } else if is_error && plan.grave.binary_search(&status.0).is_ok() {
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
            && matches!(status.0, 0xC000_0034 | 0xC000_003A)
            && !self.servicing_keys.as_mut().is_some_and(|keys| keys.matches(event));
        let (path, target) = if harmless || probe {
            (PathKey::NONE, PathKey::NONE)
        } else {
            (key(event.path()), event.target_path().map_or(PathKey::NONE, key))
        };
        let is_open = operation.name() == "CreateFile";
        let access =
            if is_open && self.plan.locks.binary_search(&status.0).is_ok() { rights(event) } else { 0 };
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
                let is_lock = plan.locks.binary_search(&group.key.status.0).is_ok();
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

/// Scans a capture. `None` when it was stopped.
pub(crate) fn scan<B: AsRef<[u8]> + Sync>(
    set: &LogSet<B>,
    knowledge: &Knowledge,
    processes: &Processes,
    threads: usize,
    watch: &dyn Watch,
) -> Option<Scan> {
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let plan = Plan::new(knowledge, processes, first);
    let look = |range: EventRange| {
        let mut collector = Collector::new(&plan);
        let mut end = 0;
        for (position, event) in range.events().zip(set.events_in(&range)) {
            if position.is_multiple_of(1_024) && watch.is_cancelled() {
                return Err(());
            }
            match event {
                Ok(event) => {
                    end = event.offset();
                    collector.push(&event);
                }
                Err(error) => collector.scan.damage.push(error),
            }
        }
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
    outcome.ok().map(|()| whole)
}
