//! Facts of a case, by name: what markers and logs show, and what follows from that alone.
//!
//! [`derive`] makes all of them before anything is judged; later stages only read them.

mod course;
mod links;
mod packages;

pub(crate) use course::BootSpan;

use crate::boot::{EventContext, Scan};
use crate::evidence::{Citation, LogEvidence, Seen, SourceId};
use pml_parser::EventId;
use std::collections::BTreeMap;

/// All facts of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    seen: BTreeMap<String, Seen>,
    boots: Vec<BootSpan>,
    revision: Option<u32>,
    utc_offset: Option<i32>,
}

/// Derives the facts of a case: those of the capture, which was scanned, and those of the logs beside it.
pub(crate) fn derive<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    logs: &[LogEvidence],
    parts_missing: bool,
) -> Facts {
    let mut facts = Facts::default();
    facts.observe(context, scan, logs);
    if parts_missing {
        facts.note("parts-missing", None);
    }
    facts.boots = course::boots(context, &facts);
    course::note(context, scan, &mut facts);
    links::note(scan, &mut facts);
    packages::note(context, scan, &mut facts);
    facts.revision = packages::revision(context, &mut facts);
    facts.utc_offset = course::utc_offset(context, &facts);
    facts
}

impl Facts {
    /// Takes over what every source was seen to show, source by source.
    fn observe<B>(&mut self, context: &EventContext<'_, B>, scan: &Scan, logs: &[LogEvidence]) {
        for (marker, seen) in context.knowledge.markers.iter().zip(scan.markers()) {
            self.insert(&marker.id, seen.clone());
        }
        for (log, source) in logs.iter().zip(SourceId::logs()) {
            let mut shown: BTreeMap<&str, Seen> = BTreeMap::new();
            for observation in &log.observations {
                let citation = Citation { source, position: observation.position };
                shown.entry(&observation.what).or_default().push(citation);
            }
            shown.into_iter().for_each(|(name, seen)| self.insert(name, seen));
        }
    }

    /// Adds what one source shows of a fact; without a citation it is still one.
    fn insert(&mut self, name: &str, seen: Seen) {
        self.seen.entry(name.to_owned()).or_default().join(seen);
    }

    /// Adds a fact that holds, with one event that shows it, if there is one.
    fn note(&mut self, name: &str, event: Option<EventId>) {
        self.insert(name, Seen::once(event.map(Citation::event)));
    }

    /// What is known of a fact that holds.
    pub(crate) fn get(&self, name: &str) -> Option<&Seen> {
        self.seen.get(name).filter(|seen| seen.count() > 0)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first event of the capture that shows a fact.
    pub(crate) fn first_event(&self, name: &str) -> Option<EventId> {
        self.get(name)?.first_event()
    }

    /// The boots of the capture, at least one.
    pub(crate) fn boots(&self) -> &[BootSpan] {
        &self.boots
    }

    /// Minutes that the local time of the captured computer is ahead of UTC, where the capture shows it.
    pub(crate) fn utc_offset(&self) -> Option<i32> {
        self.utc_offset
    }

    /// The revision of Windows that the registry names, where the capture shows it.
    pub(crate) fn revision(&self) -> Option<u32> {
        self.revision
    }
}
