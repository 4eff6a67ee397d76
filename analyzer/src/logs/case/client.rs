//! Attempts of the update client, in WindowsUpdate.log and ReportingEvents.log.

use super::attempt::{Attempt, Facts, Identity, Outcome, Placed, Proof, is_background};
use super::phase::Phase;
use crate::logs::codes::{self, is_failure};
use crate::logs::event::{Call, LogEvent, What};
use crate::logs::time::{MINUTE, SECOND};
use std::collections::HashMap;

/// Attempts that are kept of one file.
const MOST_ATTEMPTS: usize = 5_000;

/// Loose events that are kept until something closes.
const MOST_LOOSE: usize = 400;

/// Lines of one call follow each other within that time.
const CALL: i64 = 60 * SECOND;

/// What may belong to the call that closes next.
const LOOSE: i64 = 30 * MINUTE;

/// Goes through the events of one log.
pub(crate) fn read(placed: Placed<'_>, background: &[String]) -> Vec<Attempt> {
    let mut reader = Reader {
        placed,
        background,
        attempts: Vec::new(),
        call: None,
        caller: String::new(),
        titles: Vec::new(),
        names: HashMap::new(),
        loose: Vec::new(),
        open: None,
        exit_code: None,
    };
    for event in placed.events() {
        reader.event(event);
    }
    reader.end_of_log();
    reader.attempts
}

struct Reader<'a> {
    placed: Placed<'a>,
    background: &'a [String],
    attempts: Vec<Attempt>,
    call: Option<Call>,
    caller: String,
    /// Titles of the call.
    titles: Vec<Identity>,
    /// What is known of each identifier.
    names: HashMap<String, Identity>,
    /// Events since something was closed.
    loose: Vec<LogEvent>,
    /// The attempt that the lines that end a call belong to.
    open: Option<usize>,
    /// The code of a call whose end gives none itself.
    exit_code: Option<u32>,
}

impl Reader<'_> {
    fn event(&mut self, event: &LogEvent) {
        match &event.what {
            What::CallBegin { call, caller } => {
                self.end_of_log();
                self.call = Some(*call);
                self.exit_code = None;
                self.caller.clone_from(caller);
                self.titles.clear();
                self.open = None;
                self.loose
                    .retain(|loose| matches!(loose.what, What::Marker { .. } | What::ClientFailure { .. }));
            }
            What::Title { title, kb } => {
                let identity = Identity { kb: kb.clone(), title: Some(title.clone()), ..Identity::default() };
                if self.titles.len() < MOST_LOOSE {
                    self.titles.push(identity);
                }
            }
            What::UpdateId { guid } => {
                if let Some(title) = self.titles.last_mut().filter(|title| title.guid.is_none()) {
                    title.guid = Some(guid.clone());
                    if self.names.len() < MOST_ATTEMPTS {
                        self.names.insert(guid.clone(), title.clone());
                    }
                }
            }
            What::Result { guid, mapped, unmapped, operation } => {
                self.result(event, guid, *mapped, *unmapped, *operation)
            }
            What::CallEnd { call: Call::Scan, code } => {
                let before = self.exit_code.take();
                self.scan_end(event, code.or(before).unwrap_or_default());
            }
            What::ExitCode { code } => self.exit_code = Some(*code),
            What::CallCounts { call, failed, cancelled, .. } if failed + cancelled > 0 => {
                self.counts(event, *call, *failed == 0);
            }
            What::CallCode { codes } => match self.recent(event) {
                Some(at) => self.add(at, event, codes.iter().copied()),
                None => self.keep(event),
            },
            What::ClientStops => match self.recent(event) {
                Some(at) => {
                    let proof = self.placed.proof(event);
                    if let Some(attempt) = self.attempts.get_mut(at) {
                        attempt.facts.note("client-stopped", Some(proof));
                    }
                }
                None => self.keep(event),
            },
            What::Serviced { .. } | What::ClientFailure { .. } | What::Marker { .. } => self.keep(event),
            _ => {}
        }
    }

    fn keep(&mut self, event: &LogEvent) {
        if self.loose.len() >= MOST_LOOSE {
            self.loose.remove(0);
        }
        self.loose.push(event.clone());
    }

    /// The attempt that was closed last, where an event still belongs to it.
    fn recent(&self, event: &LogEvent) -> Option<usize> {
        let at = self.open?;
        let last = self.attempts.get(at)?.last;
        match (last, self.placed.at(event)) {
            (Some(last), Some(now)) => (last.distance(now)? <= CALL).then_some(at),
            _ => Some(at),
        }
    }

    fn add(&mut self, at: usize, event: &LogEvent, codes: impl IntoIterator<Item = u32>) {
        let codes: Vec<u32> = codes.into_iter().collect();
        let proof = self.placed.proof_of(event, codes::best(codes.iter().copied()), None);
        if let Some(attempt) = self.attempts.get_mut(at) {
            attempt.add_codes(codes);
            attempt.prove(proof);
        }
    }

    /// Loose events that belong to what closes now, and what they say.
    fn take_loose(&mut self, event: &LogEvent, call: Call) -> Loose {
        let mut taken = Loose::default();
        let now = self.placed.at(event);
        for loose in std::mem::take(&mut self.loose) {
            let at = self.placed.at(&loose);
            if let (Some(now), Some(at)) = (now, at)
                && now.distance(at).is_some_and(|distance| distance > LOOSE)
            {
                continue;
            }
            // A search runs beside other calls: what is theirs stays for them.
            if call == Call::Scan && !is_of_search(&loose) {
                self.loose.push(loose);
                continue;
            }
            let proof = self.placed.proof(&loose);
            match &loose.what {
                What::Serviced { code } if call == Call::Install => {
                    taken.facts.note("serviced", Some(Proof { code: *code, ..proof.clone() }));
                    if let Some(code) = code {
                        taken.codes.push(*code);
                        taken.proofs.push(Proof { code: Some(*code), ..proof });
                    }
                }
                What::Marker { id, code, item } => {
                    taken.facts.note(id, Some(Proof { code: *code, item: item.clone(), ..proof }));
                }
                What::CallCode { codes } => {
                    taken.codes.extend(codes);
                    taken.proofs.push(Proof { code: codes::best(codes.iter().copied()), ..proof });
                }
                What::ClientStops => taken.facts.note("client-stopped", Some(proof)),
                What::ClientFailure { code, component } => {
                    taken.failures.push((*code, component.clone(), Proof { code: Some(*code), ..proof }));
                }
                _ => {}
            }
        }
        taken
    }

    fn identity(&self, guid: &str) -> Identity {
        let mut identity =
            Identity { guid: Some(guid.to_owned()).filter(|guid| !guid.is_empty()), ..Identity::default() };
        match (self.names.get(guid), self.titles.as_slice()) {
            (Some(known), _) => identity.complete(known),
            (None, [only]) if only.guid.is_none() => identity.complete(only),
            _ => {}
        }
        identity
    }

    fn push(&mut self, mut attempt: Attempt) {
        attempt.client = Some(self.caller.clone()).filter(|caller| !caller.is_empty());
        // The line itself names the caller where calls of several run at a time.
        let line = attempt.proofs.first().map(|proof| proof.quote.as_str()).unwrap_or_default();
        let named = line.split_once("Caller=").and_then(|(_, rest)| rest.split([',', ' ']).next());
        let caller = named.or(attempt.client.as_deref()).unwrap_or_default();
        attempt.background = is_background(&attempt.identity, caller, self.background);
        if self.attempts.len() < MOST_ATTEMPTS {
            self.attempts.push(attempt);
            self.open = Some(self.attempts.len() - 1);
        }
    }

    fn result(&mut self, event: &LogEvent, guid: &str, mapped: u32, unmapped: u32, operation: Option<Call>) {
        // What lies below wins over what it is mapped to.
        let code = if is_failure(unmapped) { unmapped } else { mapped };
        let is_install = self.loose.iter().any(|loose| {
            matches!(&loose.what, What::Serviced { .. }) || loose.quote.contains("InstallUpdate")
        });
        let by_call = match self.call {
            Some(call @ (Call::Download | Call::Install)) => Some(call),
            _ => None,
        };
        let by_code = || if is_download_code(code) { Call::Download } else { Call::Install };
        let call =
            operation.or(if is_install { Some(Call::Install) } else { by_call }).unwrap_or_else(by_code);
        let loose = self.take_loose(event, call);
        let outcome = if is_failure(code) {
            Outcome::Failed
        } else if codes_wait(mapped) || codes_wait(unmapped) {
            Outcome::WaitsForRestart
        } else {
            Outcome::Installed
        };
        if call == Call::Download && outcome != Outcome::Failed {
            return;
        }
        let mut attempt =
            Attempt::new(phase(call, code, &loose.facts, self.call == Some(Call::Install)), outcome);
        attempt.identity = self.identity(guid);
        attempt.prove(self.placed.proof_of(event, Some(code), None));
        attempt.facts = loose.facts;
        if outcome == Outcome::Failed {
            attempt.add_codes([code, mapped]);
            // Errors before it count where they have its code, or explain it.
            let mut wrapped = Vec::new();
            for (failure, component, proof) in loose.failures {
                let explains = component == "Agent" && codes::wrapping(failure) > 0;
                if failure == code || failure == mapped || explains {
                    wrapped.push(failure);
                    attempt.prove(proof);
                }
            }
            attempt.add_codes(wrapped);
            attempt.add_codes(loose.codes);
            loose.proofs.into_iter().for_each(|proof| attempt.prove(proof));
        }
        self.push(attempt);
    }

    fn scan_end(&mut self, event: &LogEvent, code: u32) {
        let loose = self.take_loose(event, Call::Scan);
        if matches!(code, STOPPED | CANCELLED) {
            // A search that the shutdown or another one ends says nothing.
            return;
        }
        if let Some((_, caller)) = event.quote.split_once("CallerId = ") {
            self.caller = caller.split(", Id =").next().unwrap_or_default().to_owned();
        }
        if !is_failure(code) {
            // A search that succeeds later makes an earlier one that failed pointless: the last of both
            // is kept.
            self.attempts.retain(|attempt| attempt.phase != Phase::Scan);
            let mut attempt = Attempt::new(Phase::Scan, Outcome::Installed);
            attempt.prove(self.placed.proof(event));
            self.push(attempt);
            self.open = None;
            return;
        }
        let mut attempt = Attempt::new(Phase::Scan, Outcome::Failed);
        attempt.add_codes([code]);
        attempt.facts = loose.facts;
        for (_, _, proof) in loose.failures.into_iter().filter(|failure| failure.0 == code) {
            attempt.prove(proof);
        }
        attempt.prove(self.placed.proof_of(event, Some(code), None));
        // A search that fails again and again is one failure: only the last one is kept.
        self.attempts.retain(|other| other.phase != Phase::Scan || other.codes != attempt.codes);
        self.push(attempt);
    }

    fn counts(&mut self, event: &LogEvent, call: Call, only_cancelled: bool) {
        if call == Call::Scan {
            return;
        }
        if let Some(at) = self.recent(event)
            && self.attempts.get(at).is_some_and(|attempt| attempt.outcome.is_failure())
        {
            self.add(at, event, []);
            return;
        }
        let loose = self.take_loose(event, call);
        let mut codes = loose.codes;
        codes.extend(
            loose
                .failures
                .iter()
                .filter(|failure| !SEARCHING.contains(&failure.1.as_str()))
                .map(|failure| failure.0),
        );
        let Some(best) = codes::best(codes.iter().copied()) else {
            if only_cancelled {
                return;
            }
            let mut attempt = Attempt::new(
                phase(call, u32::MAX, &loose.facts, self.call == Some(Call::Install)),
                Outcome::Failed,
            );
            attempt.identity = self.only_title();
            attempt.facts = loose.facts;
            attempt.prove(self.placed.proof(event));
            self.push(attempt);
            return;
        };
        let outcome = if only_cancelled { Outcome::Cancelled } else { Outcome::Failed };
        let mut attempt =
            Attempt::new(phase(call, best, &loose.facts, self.call == Some(Call::Install)), outcome);
        attempt.identity = self.only_title();
        attempt.facts = loose.facts;
        attempt.add_codes(codes);
        loose.proofs.into_iter().for_each(|proof| attempt.prove(proof));
        loose
            .failures
            .into_iter()
            .filter(|failure| failure.0 == best)
            .for_each(|failure| attempt.prove(failure.2));
        let proof = self.placed.proof(event);
        if only_cancelled {
            attempt.facts.note("cancelled", Some(proof.clone()));
        }
        attempt.prove(proof);
        self.push(attempt);
    }

    /// The update of a call that concerns one alone.
    fn only_title(&self) -> Identity {
        match self.titles.as_slice() {
            [only] => only.clone(),
            _ => Identity::default(),
        }
    }

    /// A call that the log ends, or that another one follows, without a line that counts its updates:
    /// codes that it gave back are its outcome.
    fn end_of_log(&mut self) {
        let Some(event) =
            self.loose.iter().rev().find(|event| matches!(event.what, What::CallCode { .. })).cloned()
        else {
            return;
        };
        let call = self.call.filter(|&call| call != Call::Scan).unwrap_or(Call::Install);
        let loose = self.take_loose(&event, call);
        let Some(best) = codes::best(loose.codes.iter().copied()) else { return };
        let mut attempt =
            Attempt::new(phase(call, best, &loose.facts, self.call == Some(Call::Install)), Outcome::Failed);
        attempt.identity = self.only_title();
        attempt.facts = loose.facts;
        attempt.add_codes(loose.codes);
        loose.proofs.into_iter().for_each(|proof| attempt.prove(proof));
        self.push(attempt);
    }
}

/// Components of the update client that search, and nothing else.
const SEARCHING: [&str; 6] = ["ProtocolTalker", "WebServices", "SLS", "EEHandler", "IdleTimer", "PT"];

/// Whether an event may belong to a search.
fn is_of_search(event: &LogEvent) -> bool {
    match &event.what {
        What::Marker { .. } => true,
        What::ClientFailure { component, .. } => {
            component == "Agent" || SEARCHING.contains(&component.as_str())
        }
        _ => false,
    }
}

/// WU_E_SERVICE_STOP and WU_E_CALL_CANCELLED.
const STOPPED: u32 = 0x8024_001E;
const CANCELLED: u32 = 0x8024_000B;

/// What loose events say.
#[derive(Default)]
struct Loose {
    facts: Facts,
    codes: Vec<u32>,
    proofs: Vec<Proof>,
    failures: Vec<(u32, String, Proof)>,
}

fn codes_wait(code: u32) -> bool {
    matches!(code, 0x8024_2014 | 0x0024_0005) || code == codes::RESTART_NEEDED
}

/// Codes of downloads: of the download manager, of delivery optimisation, and of the data store that
/// the update's description is fetched from.
pub(crate) fn is_download_code(code: u32) -> bool {
    matches!(code >> 12, 0x80246) || matches!(code >> 16, 0x80D0) || code == 0x8024_8007
}

/// Codes of the servicing stack.
pub(crate) fn is_servicing_code(code: u32) -> bool {
    code >> 16 == 0x800F || (0x8007_3600..=0x8007_37FF).contains(&code)
}

/// How far a call got that came out with a code. That nothing was handed to the servicing stack is proved
/// only where the log has the beginning of the call.
fn phase(call: Call, code: u32, facts: &Facts, has_begun: bool) -> Phase {
    let is_handed_over = facts.has("serviced") || is_servicing_code(code) || !is_failure(code);
    match call {
        Call::Scan => Phase::Scan,
        Call::Download => Phase::Download,
        Call::Install if has_begun && !is_handed_over => Phase::Client,
        Call::Install => Phase::Install,
    }
}
