//! The result of the pass: what a range of events, or the whole capture, was seen to hold, and how ranges are put
//! together.
//!
//! What is kept grows with distinct failures and components, never with events; beyond fixed numbers it is
//! counted only.

use super::activity::Activity;
use super::group::{Group, GroupKey, HARD_RIGHTS, Success, SuccessKey};
use super::log_run::{LogRun, LogRuns};
use super::plan::Plan;
use super::processes::ProcessId;
use super::store::{Link, PackageState, Removal, SeenComponent};
use crate::canonical::PathKey;
use crate::evidence::Seen;
use crate::knowledge::ActorSet;
use hashbrown::HashMap;
use pml_parser::{Damage, EventId, MachineFacts};

/// What a range, or the whole capture, was seen to hold.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(super) events: u64,
    /// By marker.
    pub(super) markers: Vec<Seen>,
    groups: Vec<Group>,
    /// Failures that were not kept as groups for want of room.
    failures_dropped: u64,
    by_key: HashMap<GroupKey, u32>,
    by_success: HashMap<SuccessKey, Vec<u32>>,
    pub(super) successes: HashMap<SuccessKey, Success>,
    /// By key of the folder.
    pub(super) components: HashMap<u64, SeenComponent>,
    pub(super) links: Vec<Link>,
    pub(super) removals: Vec<Removal>,
    /// By actor.
    pub(super) activity: Vec<Activity>,
    /// By process.
    pub(super) exits: HashMap<ProcessId, Exit>,
    /// By key of the registry value that holds the state of the package.
    pub(super) packages: HashMap<PathKey, PackageState>,
    /// Writes to the logs of servicing.
    pub(super) log_runs: LogRuns,
    pub(super) damage: Damage,
    /// What the events say about their machine.
    pub(super) machine: MachineFacts,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The exit status.
    pub status: u32,
    pub event: EventId,
}

/// Most groups, components, links, removals and packages that are kept.
const MOST_GROUPS: usize = 200_000;
const MOST_COMPONENTS: usize = 200_000;
const MOST_LINKS: usize = 500_000;
const MOST_REMOVALS: usize = 500_000;
const MOST_PACKAGES: usize = 100_000;

/// Actors that there can be: one bit each.
const ACTORS: usize = ActorSet::BITS as usize;

/// What the stages after the scan may ask.
impl Scan {
    /// What was seen of each marker, in the order of the table.
    pub(crate) fn markers(&self) -> &[Seen] {
        &self.markers
    }

    /// Failures, grouped, in the order in which they first happened.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Failures beyond the number of groups that is kept.
    pub(crate) fn failures_dropped(&self) -> u64 {
        self.failures_dropped
    }

    /// The component whose folder has this key.
    pub(crate) fn component(&self, folder: u64) -> Option<&SeenComponent> {
        self.components.get(&folder)
    }

    /// All components that were seen, in no order.
    pub(crate) fn components(&self) -> impl Iterator<Item = &SeenComponent> {
        self.components.values()
    }

    /// Files that were linked or moved out of the component store.
    pub(crate) fn links(&self) -> &[Link] {
        &self.links
    }

    /// Files that others deleted or moved away, in order.
    pub(crate) fn removals(&self) -> &[Removal] {
        &self.removals
    }

    /// The states of packages, in no order.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &PackageState> {
        self.packages.values()
    }

    /// When some actors were active.
    pub(crate) fn activity(&self, actors: ActorSet) -> impl Iterator<Item = &Activity> {
        let all = self.activity.iter().enumerate();
        all.filter(move |(actor, _)| actors >> actor & 1 == 1).map(|entry| entry.1)
    }

    /// How a process ended, where the capture shows it.
    pub(crate) fn exit(&self, process: ProcessId) -> Option<Exit> {
        self.exits.get(&process).copied()
    }

    /// Writes to the logs of servicing, in the order in which they began.
    pub(crate) fn log_runs(&self) -> &[LogRun] {
        self.log_runs.all()
    }

    /// Position of the group that a failure belongs to, where it is kept.
    pub(crate) fn group_of(&self, key: &GroupKey) -> Option<usize> {
        self.by_key.get(key).map(|&at| at as usize)
    }

    /// What the events say about their machine.
    pub(crate) fn machine(&self) -> &MachineFacts {
        &self.machine
    }

    /// Events that could not be read.
    pub(crate) fn damage(&self) -> &Damage {
        &self.damage
    }
}

/// How ranges are put together.
impl Scan {
    /// An empty scan for this number of markers.
    pub(super) fn new(markers: usize) -> Self {
        Self {
            markers: vec![Seen::default(); markers],
            activity: vec![Activity::default(); ACTORS],
            ..Self::default()
        }
    }

    /// Adds a group, of the same range or a later one.
    pub(super) fn add(&mut self, group: Group) {
        if let Some(&at) = self.by_key.get(&group.key) {
            if let Some(known) = self.groups.get_mut(at as usize) {
                known.count += group.count;
                known.last = group.last;
                known.longest = known.longest.max(group.longest);
                known.access = group.access;
                known.resolved_by = group.resolved_by;
            }
            return;
        }
        if self.groups.len() >= MOST_GROUPS {
            self.failures_dropped += group.count;
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
    pub(super) fn merge(&mut self, later: Self, plan: &Plan<'_>) {
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
        self.failures_dropped += later.failures_dropped;
        // After the failures of the range: a success counts where it came after the last of them.
        for (key, success) in later.successes {
            let Some(groups) = self.by_success.get(&key) else { continue };
            for &at in groups {
                let Some(group) = self.groups.get_mut(at as usize) else { continue };
                let is_lock = plan.engine.locks.binary_search(&group.key.status.0).is_ok();
                let wanted = group.access & HARD_RIGHTS;
                // For a lock, reading the attributes is not what failed before.
                let span = match is_lock && wanted != 0 {
                    true => success.hard.filter(|_| success.access & wanted == wanted),
                    false => success.all,
                };
                group.resolved_by = group.resolved_by.or(span.and_then(|span| span.after(group.last)));
            }
        }
        for (key, component) in later.components {
            if self.components.len() < MOST_COMPONENTS {
                self.components.entry(key).or_insert(component);
            }
        }
        let room = MOST_LINKS.saturating_sub(self.links.len());
        self.links.extend(later.links.into_iter().take(room));
        let room = MOST_REMOVALS.saturating_sub(self.removals.len());
        self.removals.extend(later.removals.into_iter().take(room));
        self.exits.extend(later.exits);
        for (key, state) in later.packages {
            if let Some(known) = self.packages.get_mut(&key) {
                known.merge(state);
            } else if self.packages.len() < MOST_PACKAGES {
                self.packages.insert(key, state);
            }
        }
        self.log_runs.merge(later.log_runs, plan.knowledge.error_path.burst_gap);
        self.damage.merge(&later.damage);
        self.machine.merge(later.machine);
    }
}
