//! What became of the packages of the update, and the revision of Windows that was installed.

use super::Facts;
use crate::boot::{EventContext, Scan};
use crate::component::Package;
use crate::evidence::{Citation, Seen};
use pml_parser::{EventId, Number, TextOptions};

/// The last state that was set of a package.
struct LastState {
    value: u64,
    event: EventId,
    /// The event that set it lower than it was.
    lowered: Option<EventId>,
    /// Whether the package carries the name of a cumulative update.
    is_update: bool,
}

/// Adds the facts about the packages that this boot set a state of. Of a cumulative update, the package
/// that carries its name decides; others, such as that of the servicing stack, may be installed while it
/// is not.
pub(super) fn note<B: AsRef<[u8]>>(context: &EventContext<'_, B>, scan: &Scan, facts: &mut Facts) {
    let limits = &context.knowledge.computed.limits;
    let (installed_from, staged_up_to) = (limits.package_installed, limits.package_state_lowered);
    let mut path = String::new();
    let mut states: Vec<LastState> = Vec::new();
    for state in scan.packages() {
        let Some((value, event)) = state.set else { continue };
        path.clear();
        if let Some(event) = context.event(event) {
            event.push_path(&TextOptions::default(), &mut path);
        }
        let is_update = Package::find(&path).is_some_and(|package| package.build.is_some());
        states.push(LastState { value, event, lowered: state.lowered, is_update });
    }
    states.sort_unstable_by_key(|state| state.event);
    let any_update = states.iter().any(|state| state.is_update);
    let (mut lowered, mut installed) = (Seen::default(), Seen::default());
    let mut is_back = false;
    for state in &states {
        if let Some(event) = state.lowered.filter(|_| state.value <= staged_up_to) {
            lowered.push(Citation::event(event));
        }
        if state.is_update || !any_update {
            is_back |= state.value <= staged_up_to;
            if state.value >= installed_from {
                installed.push(Citation::event(state.event));
            }
        }
    }
    facts.insert("package-state-lowered", lowered);
    facts.insert("package-installed", if is_back { Seen::default() } else { installed });
}

/// The revision of Windows that the registry names. Adds the fact that the newest one that a package of the
/// update names is far from it.
pub(super) fn revision<B: AsRef<[u8]>>(context: &EventContext<'_, B>, facts: &mut Facts) -> Option<u32> {
    let read = facts.first_event("revision-read").and_then(|event| context.event(event));
    let installed = read
        .and_then(|event| event.numbers().get(Number::RegistryNumber))
        .and_then(|n| u32::try_from(n).ok());
    let states = ["package-set-back", "package-installed", "package-state"];
    let mut path = String::new();
    let newest = states
        .iter()
        .filter_map(|fact| facts.get(fact))
        .flat_map(Seen::events)
        .filter_map(|event| {
            path.clear();
            context.event(event)?.push_path(&TextOptions::default(), &mut path);
            Package::find(&path)?.build.map(|build| build.1)
        })
        .max();
    let gap = context.knowledge.computed.limits.revision_gap;
    if installed.zip(newest).is_some_and(|(old, new)| u64::from(new.saturating_sub(old)) >= gap) {
        facts.note("revision-gap", facts.first_event("revision-read"));
    }
    installed
}
