//! How the boots of a capture went: where each begins, who ran when and for how long, how the log ends.

use super::Facts;
use crate::boot::{EventContext, ProcessId, Scan};
use pml_parser::{EventId, FileTime, Number};

/// One boot of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BootSpan {
    pub start: EventId,
    /// The first event after it.
    pub end: EventId,
}

/// The boots of a capture: a new one where the session manager starts again, some time after its last start.
pub(super) fn boots<B: AsRef<[u8]>>(context: &EventContext<'_, B>, facts: &Facts) -> Vec<BootSpan> {
    let apart = context.knowledge.computed.limits.several_boots;
    let mut starts: Vec<EventId> = vec![0];
    let mut previous: Option<FileTime> = None;
    for event in facts.get("session-manager-started").into_iter().flat_map(|seen| seen.events()) {
        let at = context.time(event);
        if previous.is_some_and(|previous| at.0.saturating_sub(previous.0) > apart) {
            starts.push(event);
        }
        previous = Some(at);
    }
    let ends = starts.iter().skip(1).copied().chain([context.set.event_count()]);
    starts.iter().copied().zip(ends).map(|(start, end)| BootSpan { start, end }).collect()
}

/// Minutes that local time is ahead of UTC, as the registry says.
pub(super) fn utc_offset<B: AsRef<[u8]>>(context: &EventContext<'_, B>, facts: &Facts) -> Option<i32> {
    /// No zone of the earth is further away.
    const MOST: i32 = 15 * 60;
    let event = context.event(facts.first_event("time-bias-read")?)?;
    let bias = event.numbers().get(Number::RegistryNumber)? as u32 as i32;
    (-MOST..=MOST).contains(&bias).then_some(-bias)
}

/// Adds the facts about the course of the boots.
pub(super) fn note<B: AsRef<[u8]>>(context: &EventContext<'_, B>, scan: &Scan, facts: &mut Facts) {
    if let Some(second) = facts.boots.get(1) {
        facts.note("several-boots", Some(second.start));
    }
    note_logon(context, scan, facts);
    note_worker(context, scan, facts);
    note_lifetimes(context, scan, facts);
}

/// What came before the logon and what after it, and whether the log reaches it.
fn note_logon<B: AsRef<[u8]>>(context: &EventContext<'_, B>, scan: &Scan, facts: &mut Facts) {
    let logon = [facts.first_event("shell-started"), facts.first_event("logon-begun")];
    let logon = logon.into_iter().flatten().min();
    let installer = facts.first_event("installer-started");
    let installer_is_early = installer.is_some_and(|event| logon.is_none_or(|logon| event < logon));
    if installer_is_early {
        facts.note("installer-before-logon", installer);
    }
    let has_begun = facts.has("queue-started") || installer_is_early;
    if has_begun && !facts.has("shutdown") && logon.is_none() {
        facts.note("log-ends-early", context.set.event_count().checked_sub(1));
    }
    let Some(logon) = logon else { return };
    let servicing = || scan.activity(context.knowledge.actors.group("servicing"));
    let is_late = |event: Option<(EventId, FileTime)>| event.is_some_and(|(event, _)| event > logon);
    if servicing().any(|activity| is_late(activity.last)) {
        facts.note("servicing-after-logon", Some(logon));
        if servicing().all(|activity| activity.first.is_none() || is_late(activity.first)) {
            facts.note("after-logon-only", Some(logon));
        }
    }
}

/// When the worker was active, and whether it paused for long.
fn note_worker<B>(context: &EventContext<'_, B>, scan: &Scan, facts: &mut Facts) {
    let worker = || scan.activity(context.knowledge.actors.group("worker"));
    if let Some((event, _)) = worker().find_map(|activity| activity.first) {
        facts.note("worker-active", Some(event));
    }
    let pause = worker().map(|activity| activity.longest_pause).max_by_key(|pause| pause.ticks);
    if let Some(pause) = pause.filter(|pause| pause.ticks >= context.knowledge.computed.limits.worker_quiet) {
        facts.insert("worker-quiet", [pause.before, pause.after].into_iter().collect());
    }
}

/// Which processes ran for long.
fn note_lifetimes<B: AsRef<[u8]>>(context: &EventContext<'_, B>, scan: &Scan, facts: &mut Facts) {
    let (first, last) = context.span;
    let limits = &context.knowledge.computed.limits;
    let ended = |process: ProcessId| {
        scan.exit(process).and_then(|exit| context.event(exit.event)).map(|event| event.time())
    };
    let longest = |name: &str| {
        let members = context.knowledge.actors.group(name);
        let those = context.processes.iter().filter(|(_, info)| members >> info.actor & 1 == 1);
        let ticks = those.map(|(id, info)| {
            let end = ended(id).or(info.end).unwrap_or(last);
            // Forged times must not overflow.
            end.0.saturating_sub(info.start.0.max(first.0))
        });
        ticks.max().unwrap_or(0)
    };
    if longest("servicing") > limits.servicing_ran_long {
        facts.note("servicing-ran-long", None);
    }
    if longest("installer") >= limits.installer_long_lived {
        facts.note("installer-long-lived", facts.first_event("installer-started"));
    }
    if longest("disk-check") > limits.disk_check_long {
        facts.note("disk-check-long", facts.first_event("disk-check-started"));
    }
}
