//! Which versions of components went to their places.

use super::Facts;
use crate::boot::{Link, Scan};
use crate::canonical::PathKey;
use crate::evidence::{Citation, Seen};
use hashbrown::HashMap;

/// Adds the facts about links and moves out of the component store.
pub(super) fn note(scan: &Scan, facts: &mut Facts) {
    let mut versions: HashMap<u64, (u128, u128)> = HashMap::new();
    for component in scan.components() {
        let (oldest, newest) =
            versions.entry(component.identity).or_insert((component.version, component.version));
        (*oldest, *newest) = ((*oldest).min(component.version), (*newest).max(component.version));
    }
    let (mut forward, mut back, mut relinked) = (Seen::default(), Seen::default(), Seen::default());
    let mut places: HashMap<(PathKey, u64), u128> = HashMap::new();
    let mut links: Vec<&Link> = scan.links().iter().collect();
    links.sort_by_key(|link| link.event);
    for link in links {
        let Some(component) = scan.component(link.folder) else { continue };
        let citation = Citation::event(link.event);
        // Where only one version was seen, nothing says which way it goes.
        match versions.get(&component.identity) {
            Some(&(_, newest)) if component.version < newest => back.push(citation),
            Some(&(oldest, _)) if component.version > oldest => forward.push(citation),
            _ => {}
        }
        let place = places.entry((link.place, component.identity)).or_insert(component.version);
        if component.version < *place {
            relinked.push(citation);
        }
        *place = component.version;
    }
    if back.count() > forward.count() {
        facts.insert("links-mostly-back", Seen::once(back.first()));
    }
    facts.insert("links-forward", forward);
    facts.insert("links-back", back);
    facts.insert("relinked-older", relinked);
}
