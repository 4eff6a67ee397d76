//! Joins text logs with the boot logs of the same case: whether a boot log is of the same machine and boot, which
//! findings are one, and what both say of a rollback.

use super::build::{Builder, typed_path};
use super::model::{
    CaptureJoin, CaptureLink, CaseFinding, CaseReport, InputReport, JoinReport, JoinedWith, TimelineEntry,
};
use crate::judge::RollbackClass;
use crate::logs::case::{At, CaseOutcome, Outcome, Phase, Proof};
use crate::logs::{Item, Kind, LogTime, SignatureKind};
use crate::report::model::{FindingReport, LineReport, RemedyReport, Report, SignalReport};

/// A boot log begins that close to the start that CBS.log names, in ticks of 100 ns.
const SAME_BOOT: i64 = 3 * SECOND;

/// The time of a line of poqexec.log is that close to the start of poqexec, in ticks.
const SAME_QUEUE: i64 = SECOND;

/// A second in ticks of 100 ns.
const SECOND: i64 = 10_000_000;

/// Confidence of a cause that a log and a boot log show.
const JOINED: f64 = 0.97;

/// Confidence of damage that events and operations show.
const DISK: f64 = 0.99;

/// What the same component adds to the confidence, and the most that it leads to.
const COMPONENT: f64 = 0.05;
const MOST_BY_COMPONENT: f64 = 0.96;

/// The signature of damage of the disk or the file system.
const DISK_SIGNATURE: &str = "TX-DISK-EVENTS";

/// How sure a rollback is that CBS.log shows, and a failure in a restart.
const ROLLED_BACK: f64 = 0.97;
const FAILED_IN_RESTART: f64 = 0.8;

/// Lines that a signal cites, at most.
const MOST_LINES: usize = 12;

/// Characters of a computer's name that boot logs hold.
const NAME_LENGTH: usize = 15;

/// How a boot log relates to the text logs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The same boot, as far as is known.
    Same,
    /// Another boot of the same machine.
    OtherBoot,
    /// Another machine.
    OtherMachine,
}

impl Builder<'_> {
    /// Joins findings, and says what all logs together show of a rollback.
    pub(super) fn join(&self, report: &mut CaseReport) {
        let captures = std::mem::take(&mut report.captures);
        let relations: Vec<Relation> = captures.iter().map(|capture| self.relate(capture, report)).collect();
        // A boot log of another machine has a report of its own; without another story it is the case.
        let told =
            |relation: Relation| relation != Relation::OtherMachine || report.outcome != CaseOutcome::Failed;
        let own: Vec<(&Report, Relation)> =
            captures.iter().zip(relations).filter(|(_, relation)| told(*relation)).collect();
        if report.machine.computer.is_none() {
            let name = own.iter().map(|(capture, _)| &capture.machine.computer).find(|name| !name.is_empty());
            report.machine.computer = name.cloned();
        }
        self.rollback(&own, report);
        self.merge(&own, report);
        for capture in &captures {
            report.inputs.push(self.capture_input(capture));
        }
        let more = captures.iter().flat_map(timeline_of).collect();
        report.timeline = self.timeline(more);
        report.outcome_text = self.outcome(report.outcome);
        report.boot_log_helps = report.phase.as_ref().is_none_or(|phase| phase.id.is_in_a_boot_log());
        if !captures.is_empty() {
            report.next.retain(|next| next.id != "boot-log");
        }
        report.captures = captures;
    }

    /// Finds out how a boot log relates to the text logs, and notes what shows that.
    fn relate(&self, capture: &Report, report: &mut CaseReport) -> Relation {
        let name = &capture.input.name;
        let short = |name: &str| -> String {
            name.split('.').next().unwrap_or_default().to_lowercase().chars().take(NAME_LENGTH).collect()
        };
        let computer = &capture.machine.computer;
        if let Some(known) = self.case.machine.computer.as_deref().filter(|known| !known.is_empty())
            && !computer.is_empty()
            && short(known) != short(computer)
        {
            let mut limit = self.sentence("other_machine");
            limit.text = limit.text.replace("{capture}", computer).replace("{logs}", known);
            report.limits.push(limit);
            return Relation::OtherMachine;
        }
        let Some(begin) = ticks(&capture.capture.first) else { return Relation::Same };
        let seconds = |distance: i64| (distance as f64 / SECOND as f64 * 1e3).round() / 1e3;
        let mut same = false;
        for (boot, entry) in self.case.boots.iter().zip(&mut report.boots) {
            let Some(at) = boot.at.filter(|at| at.is_utc && (at.ticks - begin).abs() <= SAME_BOOT) else {
                continue;
            };
            (entry.captured, same) = (true, true);
            report.joins.push(CaptureLink {
                capture: name.clone(),
                by: "boot-time",
                file: self.case.name(boot.file).to_owned(),
                line: boot.line,
                seconds: seconds((at.ticks - begin).abs()),
            });
        }
        let queues =
            capture.processes.iter().filter(|process| process.name.eq_ignore_ascii_case("poqexec.exe"));
        let queues: Vec<i64> =
            queues.map(|process| begin + (process.start_seconds * SECOND as f64) as i64).collect();
        for (file, line, at) in self.lines_of(Kind::Poqexec) {
            let distance = |start: &i64| (at.ticks - start).abs();
            if let Some(nearest) = queues.iter().map(distance).min().filter(|nearest| *nearest <= SAME_QUEUE)
            {
                same = true;
                let file = self.case.name(file).to_owned();
                let link = CaptureLink {
                    capture: name.clone(),
                    by: "queue-start",
                    file,
                    line,
                    seconds: seconds(nearest),
                };
                report.joins.push(link);
                break;
            }
        }
        let has_placed = self.case.boots.iter().any(|boot| boot.at.is_some_and(|at: At| at.is_utc));
        if has_placed && !same {
            // What failed in one boot says nothing of another.
            let mut limit = self.sentence("other_boots");
            let named: Vec<String> = self
                .case
                .boots
                .iter()
                .filter_map(|boot| boot.at)
                .map(|at| at.to_time().to_string())
                .collect();
            let first = LogTime::utc(begin).to_string();
            limit.text = limit.text.replace("{capture}", &first).replace("{logs}", &named.join(", "));
            report.limits.push(limit);
            return Relation::OtherBoot;
        }
        Relation::Same
    }

    /// Lines of files of a kind that prove something of attempts, with their times.
    fn lines_of(&self, kind: Kind) -> Vec<(usize, u32, At)> {
        let is_of = |proof: &&Proof| self.case.files.get(proof.file).is_some_and(|file| file.kind == kind);
        let proofs = self.case.attempts.iter().flat_map(|attempt| &attempt.proofs).filter(is_of);
        proofs.filter_map(|proof| Some((proof.file, proof.line, proof.at.filter(|at| at.is_utc)?))).collect()
    }

    /// What text logs and boot logs say together of a rollback, and of the outcome.
    fn rollback(&self, own: &[(&Report, Relation)], report: &mut CaseReport) {
        let mut doubt = 1.0;
        let failed = self.case.updates.iter().filter(|update| update.is_failed() && !update.background);
        let failures: Vec<_> = failed
            .flat_map(|update| &update.attempts)
            .filter_map(|&at| self.case.attempts.get(at))
            .filter(|attempt| attempt.outcome.is_failure())
            .collect();
        for (id, weight, phase) in [
            ("rolled-back", ROLLED_BACK, Phase::RolledBack),
            ("restart-failed", FAILED_IN_RESTART, Phase::Boot),
        ] {
            let shown: Vec<&Proof> = failures
                .iter()
                .filter(|attempt| attempt.phase == phase)
                .flat_map(|attempt| &attempt.proofs)
                .filter(|proof| proof.code.is_none_or(crate::logs::is_failure))
                .collect();
            if shown.is_empty() {
                continue;
            }
            doubt *= 1.0 - weight;
            let text = self.label(&format!("signal_{id}"));
            let lines = shown.iter().take(MOST_LINES).map(|proof| self.line(proof, &text)).collect();
            report.rollback.signals.push(SignalReport {
                id: id.to_owned(),
                weight,
                text: text.clone(),
                count: shown.len() as u64,
                events: Vec::new(),
                lines,
            });
        }
        let by_text = !report.rollback.signals.is_empty();
        let shown =
            own.iter().map(|(capture, _)| &capture.rollback).filter(|r| r.class > RollbackClass::None);
        let best = shown.clone().max_by(|a, b| a.confidence.total_cmp(&b.confidence));
        report.rollback.signals.extend(shown.flat_map(|rollback| rollback.signals.iter().cloned()));
        let by_capture = best.map_or((RollbackClass::None, 0.0), |best| (best.class, best.confidence));
        doubt *= 1.0 - by_capture.1;
        let confidence = (1.0f64 - doubt).clamp(0.0, 0.999);
        let limits = &self.knowledge.limits;
        report.rollback.class = match confidence {
            // A boot log alone has its own reasons not to be sure.
            _ if !by_text => by_capture.0,
            c if c >= limits.confirmed => RollbackClass::Confirmed,
            c if c >= limits.probable => RollbackClass::Probable,
            c if c >= limits.possible => RollbackClass::Possible,
            _ => RollbackClass::None,
        };
        report.rollback.confidence = (confidence * 1e3).round() / 1e3;
        let texts = &self.knowledge.labels.report.rollback;
        report.rollback.text = match report.rollback.class {
            RollbackClass::Confirmed => texts.confirmed.get(self.language).to_owned(),
            RollbackClass::Probable => texts.probable.get(self.language).to_owned(),
            RollbackClass::Possible => texts.possible.get(self.language).to_owned(),
            RollbackClass::None => self.label("rollback_none"),
        };
        // A boot log may show what no text log reached.
        let shown = own.iter().filter(|(capture, _)| capture.rollback.class >= RollbackClass::Probable);
        let ends = shown.filter_map(|(capture, _)| ticks(&capture.capture.last)).max();
        if let Some(end) = ends
            && report.outcome != CaseOutcome::Failed
            && !self.installed_after(end)
        {
            report.outcome = CaseOutcome::Failed;
            report.phase = Some(self.phase(Phase::RolledBack));
            if let Some(update) = report.update.and_then(|at| report.updates.get(at))
                && update.outcome == Outcome::Installed
            {
                report.update = None;
            }
        }
    }

    /// Whether the update of the case was installed after a time.
    fn installed_after(&self, ticks: i64) -> bool {
        let main = self.case.main.and_then(|main| self.case.updates.get(main));
        let last = main.and_then(|update| update.attempts.last()).and_then(|&at| self.case.attempts.get(at));
        last.is_some_and(|attempt| {
            attempt.outcome == Outcome::Installed
                && attempt.last.is_some_and(|at| at.is_utc && at.ticks > ticks)
        })
    }

    fn line(&self, proof: &Proof, role: &str) -> LineReport {
        let is_events = self
            .case
            .files
            .get(proof.file)
            .is_some_and(|file| matches!(file.kind, Kind::Evtx | Kind::EventXml));
        let code = proof.code.map(|code| self.code(code));
        LineReport {
            log: self.case.name(proof.file).to_owned(),
            line: (!is_events).then_some(proof.line),
            record: is_events.then(|| proof.line.into()),
            time: proof.at.map(|at| at.to_time().to_string()),
            certainty: None,
            code: code.as_ref().map(|code| code.code.clone()),
            symbol: code.and_then(|code| code.symbol),
            text: proof.quote.clone(),
            role: role.to_owned(),
        }
    }

    /// Makes one list of the causes of text logs and boot logs: what both show is one cause.
    fn merge(&self, own: &[(&Report, Relation)], report: &mut CaseReport) {
        let mut texts: Vec<Option<CaseFinding>> =
            std::mem::take(&mut report.findings).into_iter().map(Some).collect();
        let mut merged: Vec<(f64, CaseFinding)> = Vec::new();
        for (capture, relation) in own {
            let mut key = 1.0f64;
            if *relation == Relation::Same {
                for finding in texts.iter_mut().flatten() {
                    join_failures(finding, capture);
                }
            }
            for shown in &capture.findings {
                key = key.min(shown.confidence);
                let same = texts.iter_mut().find(|slot| {
                    let is_joined = |join: &JoinReport| {
                        join.file == capture.input.name && join.event_id == shown.event_id
                    };
                    let is_one = |join: &JoinReport| join.by != JoinedWith::Capture(CaptureJoin::Component);
                    slot.as_ref().is_some_and(|finding| {
                        finding.joined.iter().any(|join| is_joined(join) && is_one(join))
                    })
                });
                match same.and_then(Option::take) {
                    Some(mut finding) => {
                        key = key.max(finding.confidence);
                        finding.event_id = shown.event_id;
                        add_remedies(&mut finding, shown);
                        finding.boot_log = Some(Box::new(shown.clone()));
                        merged.push((key, finding));
                    }
                    None => merged.push((key, self.of_capture(capture, shown))),
                }
            }
        }
        for finding in texts.into_iter().flatten() {
            let is_disk = finding.rule == DISK_SIGNATURE;
            let at = merged.iter().position(|(key, other)| {
                is_disk && other.rule != DISK_SIGNATURE || *key < finding.confidence
            });
            let at = at.unwrap_or(merged.len());
            merged.insert(at, (finding.confidence, finding));
        }
        report.findings = merged.into_iter().map(|(_, finding)| finding).collect();
        for (at, finding) in report.findings.iter_mut().enumerate() {
            finding.rank = at + 1;
        }
        self.order_steps(report);
    }

    /// Puts the remedies of all findings into the order in which they are tried. One without a place there follows
    /// the one that it comes after in its finding.
    fn order_steps(&self, report: &mut CaseReport) {
        let mut steps: Vec<(usize, RemedyReport)> = Vec::new();
        for finding in report.findings.iter().chain(&report.notes) {
            let mut place = 0;
            for remedy in &finding.remedies {
                place = self.signatures.step(&remedy.id).unwrap_or(place);
                if self.was_tried(&remedy.id) {
                    continue;
                }
                if !steps.iter().any(|step| step.1.id == remedy.id) {
                    steps.push((place, remedy.clone()));
                }
            }
        }
        steps.sort_by_key(|step| step.0);
        report.steps = steps.into_iter().map(|step| step.1).collect();
    }

    /// Whether a failed attempt was this remedy.
    fn was_tried(&self, remedy: &str) -> bool {
        let mut failed = self.case.attempts.iter().filter(|attempt| attempt.outcome.is_failure());
        failed.any(|attempt| {
            attempt.client.as_deref().is_some_and(|client| self.signatures.is_done_by(remedy, client))
        })
    }

    /// A cause that only a boot log shows.
    fn of_capture(&self, capture: &Report, shown: &FindingReport) -> CaseFinding {
        CaseFinding {
            rank: 0,
            rule: shown.rule.clone(),
            kind: SignatureKind::Cause,
            source: "pml",
            title: shown.title.clone(),
            text: shown.text.clone(),
            confidence: shown.confidence,
            code: None,
            deep: (shown.status.status_number != 0).then(|| self.code(shown.status.status_number)),
            path: Some(shown.path.clone()).filter(|path| !path.is_empty()),
            items: Vec::new(),
            explains: Vec::new(),
            file: Some(capture.input.name.clone()),
            line: None,
            event_id: shown.event_id,
            record_time: Some(shown.time.clone()).filter(|time| !time.is_empty()),
            lines: Vec::new(),
            joined: Vec::new(),
            remedies: shown.remedies.clone(),
            boot_log: Some(Box::new(shown.clone())),
        }
    }

    fn capture_input(&self, capture: &Report) -> InputReport {
        InputReport {
            path: capture.input.name.clone(),
            kind: Some("pml".to_owned()),
            kind_text: self.label("kind_pml"),
            encoding: None,
            records: capture.capture.events,
            first: Some(capture.capture.first.clone()),
            last: Some(capture.capture.last.clone()),
            clock: None,
            foreign: false,
            damage_count: capture.damage.events + capture.damage.tables,
            damage: None,
            left_out: 0,
            error: None,
        }
    }
}

/// Joins a finding of text logs with what a boot log shows: the same path, damage of the disk, the same component.
fn join_failures(finding: &mut CaseFinding, capture: &Report) {
    let join = |event_id: Option<u64>, by| JoinReport {
        source: "pml",
        file: capture.input.name.clone(),
        line: None,
        event_id,
        by: JoinedWith::Capture(by),
    };
    if finding.rule == DISK_SIGNATURE {
        let shown = capture.findings.iter().find(|shown| capture.disk.finding == Some(shown.rank));
        if let Some(shown) = shown.filter(|_| capture.disk.answer == "damaged") {
            finding.joined.push(join(shown.event_id, CaptureJoin::Disk));
            finding.confidence = finding.confidence.max(DISK);
        }
        return;
    }
    let names = |path: &str| finding.items.iter().any(|item| is_path_of(item, path));
    let by_finding = capture.findings.iter().filter(|shown| names(&shown.path)).map(|shown| shown.event_id);
    let mut events: Vec<Option<u64>> = by_finding.collect();
    if events.is_empty() {
        let failures =
            capture.failures.iter().filter(|failure| failure.noise.is_none() && names(&failure.path));
        events.extend(failures.take(1).map(|failure| Some(failure.first_event)));
    }
    if !events.is_empty() {
        finding.confidence = finding.confidence.max(JOINED);
        finding.joined.extend(events.into_iter().map(|event| join(event, CaptureJoin::Path)));
        return;
    }
    let folders: Vec<String> = finding.items.iter().filter_map(folder_of).collect();
    let same = capture.findings.iter().find(|shown| {
        shown
            .component
            .as_ref()
            .is_some_and(|c| folders.iter().any(|f| c.component.directory.eq_ignore_ascii_case(f)))
    });
    if let Some(shown) = same {
        finding.joined.push(join(shown.event_id, CaptureJoin::Component));
        if finding.confidence < MOST_BY_COMPONENT {
            finding.confidence = (finding.confidence + COMPONENT).min(MOST_BY_COMPONENT);
        }
    }
}

/// Adds remedies of the boot log's finding that the text's finding has not.
fn add_remedies(finding: &mut CaseFinding, shown: &FindingReport) {
    for remedy in &shown.remedies {
        if !finding.remedies.iter().any(|known| known.id == remedy.id) {
            finding.remedies.push(remedy.clone());
        }
    }
}

/// Whether an item of a text log is what a path of a boot log names.
fn is_path_of(item: &Item, path: &str) -> bool {
    let path = path.to_lowercase();
    let key = match item {
        Item::File(name) if name.get(1..2) == Some(":") => name.get(2..).map(str::to_lowercase),
        Item::File(name) | Item::Component(name) if !name.contains(", version ") => Some(name.to_lowercase()),
        _ => None,
    };
    key.is_some_and(|key| !key.is_empty() && path.contains(&key))
}

/// The folder of the component that an item names.
fn folder_of(item: &Item) -> Option<String> {
    typed_path(item)?;
    let folder = item.name().split('\\').next()?;
    folder.contains("_31bf3856ad364e35_").then(|| folder.to_owned())
}

/// Phases and findings of a boot log for the timeline.
fn timeline_of(capture: &Report) -> Vec<(At, TimelineEntry)> {
    let entry = |time: &str, event: Option<u64>, what, text: String| {
        let at = At { ticks: ticks(time)?, is_utc: true };
        let entry = TimelineEntry {
            time: at.to_time().to_string(),
            source: "pml",
            file: capture.input.name.clone(),
            line: None,
            event_id: event,
            what,
            text,
        };
        Some((at, entry))
    };
    let phases = capture.phases.iter().filter(|phase| !phase.sub);
    let phases =
        phases.filter_map(|phase| entry(&phase.start, Some(phase.start_event), "phase", phase.name.clone()));
    let findings = capture.findings.iter().filter_map(|finding| {
        let text = format!("{}: {}", finding.title, finding.path);
        entry(&finding.time, finding.event_id, "finding", text)
    });
    phases.chain(findings).collect()
}

/// Ticks of a time as reports on boot logs print it.
fn ticks(text: &str) -> Option<i64> {
    LogTime::parse(text).map(|time| time.ticks)
}
