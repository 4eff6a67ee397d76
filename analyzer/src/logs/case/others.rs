//! Attempts in event logs, in poqexec.log and in the logs of setup.

use super::attempt::{Attempt, Identity, JoinedBy, Outcome, Placed, is_background};
use super::client::is_download_code;
use super::phase::Phase;
use super::servicing::item_of_path;
use super::update::{CLOSE, absorb};
use crate::logs::codes::is_failure;
use crate::logs::detect::Kind;
use crate::logs::event::{EventFact, LogEvent, Topic, What};
use crate::logs::time::SECOND;

/// Attempts that are kept of one file.
const MOST_ATTEMPTS: usize = 5_000;

/// An installation that fails so soon after it began was refused before the servicing stack began.
const REFUSED: i64 = SECOND;

/// Goes through the events of an event log.
pub(crate) fn events(placed: Placed<'_>, background: &[String]) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut begun: Option<(Option<String>, &LogEvent)> = None;
    for event in placed.events() {
        let What::Event(fact) = &event.what else { continue };
        let (phase, outcome) = match fact.topic {
            Topic::UpdateInstalling => {
                begun = Some((fact.guid.clone(), event));
                continue;
            }
            Topic::UpdateFailed => {
                let since = begun.as_ref().filter(|(guid, _)| guid.is_some() && *guid == fact.guid);
                let refused = since.is_some_and(|(_, begin)| match (placed.at(begin), placed.at(event)) {
                    (Some(begin), Some(end)) => {
                        begin.distance(end).is_some_and(|distance| distance < REFUSED)
                    }
                    _ => false,
                });
                let downloads = fact.code.is_some_and(is_download_code);
                let phase = if refused {
                    Phase::Client
                } else if downloads {
                    Phase::Download
                } else {
                    Phase::Install
                };
                (phase, Outcome::Failed)
            }
            Topic::UpdateInstalled => (Phase::Install, Outcome::Installed),
            Topic::UpdateDownloadFailed => (Phase::Download, Outcome::Failed),
            Topic::PackageFailed => {
                let in_restart = fact.code.is_some_and(is_restart_code);
                (if in_restart { Phase::Boot } else { Phase::Staging }, Outcome::Failed)
            }
            // Packages are also unpacked, and removed.
            Topic::PackageDone if !is_installed_state(fact) => continue,
            Topic::PackageDone => (Phase::Staging, Outcome::Installed),
            Topic::PackageWaits => (Phase::Staging, Outcome::WaitsForRestart),
            _ => continue,
        };
        if attempts.len() >= MOST_ATTEMPTS {
            break;
        }
        let attempt = attempt(placed, event, fact, phase, outcome, background);
        match attempts.last_mut().filter(|last| is_same(last, &attempt)) {
            Some(last) => absorb(last, attempt, JoinedBy::UpdateAndTime),
            None => attempts.push(attempt),
        }
    }
    attempts
}

/// Whether an event of the update client repeats one of the servicing stack: exports may hold several event logs.
fn is_same(servicing: &Attempt, client: &Attempt) -> bool {
    servicing.phase >= Phase::Staging
        && client.phase == Phase::Install
        && servicing.outcome.is_failure() == client.outcome.is_failure()
        && servicing.codes == client.codes
        && servicing.identity.is_same(&client.identity)
        && servicing.distance(client).is_some_and(|distance| distance <= CLOSE)
}

/// Whether the state that a package was to reach is that it is installed: a word on old builds, in the
/// language of the system, and a number on later ones.
fn is_installed_state(fact: &EventFact) -> bool {
    let state = fact.state.as_deref().unwrap_or_default();
    matches!(state, "5112" | "112" | "7" | "Installed" | "已安装")
}

/// Codes that only the work after a restart ends with: it hung, or operations of the queue failed.
fn is_restart_code(code: u32) -> bool {
    matches!(code, 0x800F_0920 | 0x800F_0921)
}

fn attempt(
    placed: Placed<'_>,
    event: &LogEvent,
    fact: &EventFact,
    phase: Phase,
    outcome: Outcome,
    background: &[String],
) -> Attempt {
    let mut attempt = Attempt::new(phase, outcome);
    attempt.identity = Identity {
        kb: fact.kb.clone(),
        package: fact.package.clone(),
        guid: fact.guid.clone(),
        title: fact.title.clone(),
    };
    attempt.add_codes(fact.code);
    attempt.prove(placed.proof_of(event, fact.code, None));
    attempt.background = is_background(&attempt.identity, "", background);
    attempt
}

/// Goes through poqexec.log: the lines of one run of the queue are one failure in a restart.
pub(crate) fn queue(placed: Placed<'_>) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for event in placed.events() {
        let What::Operation { status, path } = &event.what else { continue };
        let at = placed.at(event);
        let same = attempts.last().is_some_and(|attempt| attempt.last == at);
        if !same {
            if attempts.len() >= MOST_ATTEMPTS {
                break;
            }
            attempts.push(Attempt::new(Phase::Boot, Outcome::Failed));
        }
        let fact = if super::servicing::is_disk_status(*status) {
            "disk-operation-failed"
        } else {
            "operation-failed"
        };
        let proof = placed.proof_of(event, Some(*status), Some(item_of_path(path)));
        if let Some(attempt) = attempts.last_mut() {
            attempt.facts.note(fact, Some(proof.clone()));
            attempt.prove(proof);
        }
    }
    attempts
}

/// The result of an upgrade of Windows, of setupact.log or of SetupDiag.
pub(crate) fn setup(placed: Placed<'_>, kind: Kind) -> Option<Attempt> {
    let results = placed.events().iter().filter_map(|event| match event.what {
        What::SetupResult { code, extended } => Some((event, code, extended)),
        _ => None,
    });
    let results: Vec<_> = results.collect();
    // The last word counts; a result of 0 after a failure is a success.
    let &(event, code, _) = results.last().filter(|result| is_failure(result.1))?;
    let extended = results.iter().rev().find_map(|result| result.2);
    let phase = match extended.map(|extended| extended >> 16) {
        Some(3..) => Phase::Boot,
        Some(2) => Phase::Shutdown,
        _ => Phase::Staging,
    };
    let mut attempt = Attempt::new(phase, Outcome::Failed);
    attempt.identity.title = Some("Windows".to_owned());
    attempt.add_codes([code]);
    attempt.prove(placed.proof_of(event, Some(code), None));
    // The first error is the cause; a diagnosis that was made by another program only repeats.
    let first = placed.events().iter().find(|event| matches!(event.what, What::Failure { .. }));
    let shown = first.filter(|_| kind == Kind::Setup).unwrap_or(event);
    let deep = match shown.what {
        What::Failure { code, .. } => code,
        _ => Some(code),
    };
    attempt.facts.note("setup-failed", Some(placed.proof_of(shown, deep, None)));
    Some(attempt)
}
