//! Puts a report together.

use super::cite::hex;
use super::clock::Clock;
use super::model::{
    CaptureFacts, Converter, DamageReport, Disk, FailureReport, FindingReport, Input, InputPart, Machine,
    NoiseReport, PackageReport, PhaseReport, ProcessReport, Report, RollbackReport, SCHEMA_VERSION, Sentence,
    SignalReport, Tool,
};
use crate::boot::{PackageState, ProcessInfo};
use crate::component::{Component, Package};
use crate::judge::{Failure, Phase, RollbackClass, Signal};
use crate::knowledge::{Boot, Knowledge, LimitEntry, ReportTexts};
use crate::language::{Language, Text};
use crate::triage::Triage;
use hashbrown::HashMap;
use pml_parser::symbols::SharedSymbols;
use pml_parser::{Event, EventId, FileTime, LogSet, NtStatus, TICKS_PER_SECOND, TextOptions, Zone};

/// Where a capture comes from, as far as a report says it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Name of the capture.
    pub name: String,
    /// Names of its parts.
    pub parts: Vec<String>,
    /// How to name the log on a command line.
    pub argument: String,
    /// Whether a part could not be read.
    pub lost_parts: bool,
    /// The zone in which times are said, with its name; without one, that of the captured computer as far as the
    /// log shows it, else UTC.
    pub zone: Option<(Zone, String)>,
    /// Name and version of the program.
    pub tool: (String, String),
    /// Names of the functions on stacks.
    pub symbols: Option<SharedSymbols>,
}

/// Groups of failures that a report holds, at most.
const MOST_FAILURES: usize = 2_000;
/// Packages that a report names, at most.
const MOST_PACKAGES: usize = 200;
/// Failures and events that a finding cites, at most.
pub(super) const MOST_CITED: usize = 12;

pub(super) struct Builder<'a, B> {
    pub(super) set: &'a LogSet<B>,
    pub(super) triage: &'a Triage,
    pub(super) knowledge: &'a Knowledge,
    pub(super) origin: &'a Origin,
    pub(super) language: Language,
    pub(super) first: FileTime,
    /// How times are said.
    pub(super) clock: Clock,
}

impl Report {
    /// Says what there is to say about a capture.
    pub fn new<B: AsRef<[u8]>>(
        set: &LogSet<B>,
        triage: &Triage,
        knowledge: &Knowledge,
        origin: &Origin,
        language: Language,
    ) -> Self {
        let first = set.time_span().map_or(FileTime(0), |span| span.0);
        let clock = Clock::new(origin.zone.as_ref(), triage.facts().utc_offset());
        Builder { set, triage, knowledge, origin, language, first, clock }.report()
    }

    /// Ids of all events that the verdict rests on, ascending.
    pub fn cited_events(&self) -> Vec<u64> {
        let signals = self.rollback.signals.iter().flat_map(|signal| &signal.events);
        let findings =
            self.findings.iter().flat_map(|finding| finding.events.iter().chain(&finding.consequences));
        let notes = self.notes.iter().flat_map(|note| &note.events);
        let mut events: Vec<u64> = signals.chain(findings).chain(notes).map(|event| event.event_id).collect();
        events.extend(
            self.findings.iter().flat_map(|finding| &finding.interfering).map(|process| process.event_id),
        );
        events.sort_unstable();
        events.dedup();
        events
    }
}

/// The second path of an event, as a person writes it: a link and a rename name theirs as the kernel does.
pub(super) fn shown_target(event: &Event<'_>) -> Option<String> {
    let target = event.target_path()?.to_string();
    let is_drive = |path: &str| path.as_bytes().get(1) == Some(&b':');
    let below = target.strip_prefix(r"\??\").filter(|below| is_drive(below));
    Some(below.map_or_else(|| target.clone(), str::to_owned))
}

pub(super) fn text_of(push: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    push(&mut text);
    text
}

impl<'a, B: AsRef<[u8]>> Builder<'a, B> {
    fn report(&self) -> Report {
        let (triage, language) = (self.triage, self.language);
        let verdict = triage.verdict();
        let boot = verdict.boot_entry().and_then(|at| self.knowledge.boots.get(at));
        let boot_text = boot.map(|boot| boot.text.get(language).to_owned()).unwrap_or_default();
        let findings: Vec<FindingReport> =
            verdict.causes().iter().enumerate().map(|(at, finding)| self.finding(at + 1, finding)).collect();
        let rollback_text = self.word(self.rollback_text()).to_owned();
        let headline = self.headline(&rollback_text, &findings);
        let outcome = self.outcome(&findings);
        let (failures, failure_groups) = self.failures();
        let mut report = Report {
            schema_version: SCHEMA_VERSION,
            tool: Tool {
                name: self.origin.tool.0.clone(),
                version: self.origin.tool.1.clone(),
                rules: self.knowledge.rules.len(),
                own_rules: self.knowledge.own_rules.clone(),
            },
            language,
            input: self.input(),
            machine: self.machine(),
            capture: self.capture(),
            boot: verdict.boot(),
            boot_text,
            rollback: RollbackReport {
                class: verdict.rollback().class,
                confidence: verdict.rollback().confidence,
                text: rollback_text,
                signals: self.signals(),
            },
            outcome,
            headline,
            mail: String::new(),
            disk: Disk { answer: "no", finding: None, failures: 0 },
            notes: verdict.notes().iter().map(|note| self.note(note)).collect(),
            findings,
            failures_shown: failures.len() as u64,
            failures,
            failure_groups,
            failures_left_out: triage.scan().failures_dropped(),
            phases: self.phases(),
            processes: self.processes(),
            limits: self.sentences(&self.knowledge.cannot_show),
            next: self.sentences(&self.knowledge.collect_next),
            packages: self.packages(),
            damage: self.damage(),
        };
        report.disk = self.disk(&report);
        report.mail = self.mail(&report);
        report
    }

    pub(super) fn event(&self, id: EventId) -> Option<Event<'a>> {
        self.set.event(id).ok()
    }

    pub(super) fn time(&self, id: EventId) -> FileTime {
        self.event(id).map_or(self.first, |event| event.time())
    }

    /// Seconds from the first event, to the microsecond.
    pub(super) fn seconds(&self, time: FileTime) -> f64 {
        let ticks = time.0.wrapping_sub(self.first.0) as i64;
        (ticks as f64 / TICKS_PER_SECOND as f64 * 1e6).round() / 1e6
    }

    pub(super) fn process(&self, event: &Event<'_>) -> Option<&'a ProcessInfo> {
        self.triage.processes().get(self.triage.processes().of(event))
    }

    pub(super) fn phase(&self, phase: Option<&Phase>) -> (Option<String>, Option<String>) {
        let entry = phase.and_then(|phase| self.knowledge.phases.get(phase.entry));
        (
            entry.map(|entry| entry.id.get_ref().clone()),
            entry.map(|entry| entry.name.get(self.language).to_owned()),
        )
    }

    /// The sentences that reports put together.
    pub(super) fn texts(&self) -> &'a ReportTexts {
        &self.knowledge.labels.report
    }

    /// A text in the language of the report.
    pub(super) fn word<'t>(&self, text: &'t Text) -> &'t str {
        text.get(self.language)
    }

    /// What became of the update.
    fn outcome(&self, findings: &[FindingReport]) -> &'static str {
        let verdict = self.triage.verdict();
        let is_completed = self.triage.facts().has("package-installed");
        match verdict.rollback().class {
            RollbackClass::None if !findings.is_empty() => "failed",
            RollbackClass::None if is_completed => "completed",
            RollbackClass::None if self.unjudged_text().is_some() => "unjudged",
            RollbackClass::None => "nothing",
            _ => "rolled-back",
        }
    }

    /// The verdict in a sentence. Where there was no rollback, the first rule that has a sentence of its own for that
    /// says what happened.
    fn headline(&self, rollback_text: &str, findings: &[FindingReport]) -> String {
        let verdict = self.triage.verdict();
        let is_none = verdict.rollback().class == RollbackClass::None;
        let notes = verdict.notes().iter().filter(|_| findings.is_empty());
        let said = verdict.causes().iter().take(1).chain(notes).find_map(|found| {
            let text = self.knowledge.rules.get(found.rule)?.headline.as_ref()?;
            let main = found.main(verdict.failures()).and_then(|main| main.as_event());
            Some(self.fill(self.word(text), main, found))
        });
        let verdict = said.filter(|_| is_none).unwrap_or_else(|| rollback_text.to_owned());
        match findings.first() {
            Some(finding) => format!("{verdict} {}", finding.title),
            None => verdict,
        }
    }

    /// The verdict on the rollback.
    fn rollback_text(&self) -> &'a Text {
        let texts = &self.texts().rollback;
        match self.triage.verdict().rollback().class {
            RollbackClass::Confirmed => &texts.confirmed,
            RollbackClass::Probable => &texts.probable,
            RollbackClass::Possible => &texts.possible,
            RollbackClass::None => self.unjudged_text().unwrap_or(&texts.none),
        }
    }

    /// Why the log cannot show a rollback, if it cannot: where much is lost, the lack of signs proves nothing.
    fn unjudged_text(&self) -> Option<&'a Text> {
        let (facts, texts) = (self.triage.facts(), &self.texts().rollback);
        if facts.has("log-damaged") || facts.has("parts-missing") {
            Some(&texts.damaged)
        } else if self.triage.verdict().boot() == Boot::Other {
            Some(&texts.no_boot)
        } else {
            None
        }
    }

    pub(super) fn input(&self) -> Input {
        let names = self.origin.parts.iter().cloned().chain(std::iter::repeat_with(String::new));
        let part = |(log, file): (pml_parser::LogView<'_>, String)| InputPart {
            file,
            bytes: log.size(),
            events: log.event_count().into(),
        };
        Input { name: self.origin.name.clone(), parts: self.set.parts().zip(names).map(part).collect() }
    }

    pub(super) fn machine(&self) -> Machine {
        let log = self.set.part(0);
        let stated = log.map_or((0, 0, 0), |log| log.os_version());
        let facts = self.triage.scan().machine();
        // A boot log that was converted elsewhere states the machine that converted it.
        let build = facts.build.unwrap_or(stated.2);
        let old = facts.old_version.filter(|_| build != stated.2).unwrap_or((stated.0, stated.1));
        let (major, minor) = (facts.version.0.unwrap_or(old.0), facts.version.1.unwrap_or(old.1));
        let named = log.map(|log| log.computer().to_string()).unwrap_or_default();
        let computer = facts.computer.clone().unwrap_or_else(|| named.clone());
        let windows = |major, minor, build| match (major, build) {
            (0, 0) => String::new(),
            _ => format!("{major}.{minor} build {build}"),
        };
        let is_foreign = stated.2 != build || !named.eq_ignore_ascii_case(&computer);
        let converter =
            is_foreign.then(|| Converter { computer: named, windows: windows(stated.0, stated.1, stated.2) });
        let stack = self.triage.processes().iter().find_map(|(_, process)| {
            let component = Component::in_path(&process.image_path)?;
            component.name.contains("servicingstack").then_some(component.version)
        });
        Machine {
            computer,
            windows: windows(major, minor, build),
            converter: converter.filter(|converter| !converter.computer.is_empty()),
            product: self.knowledge.product(build).map(str::to_owned),
            bits: if log.is_some_and(|log| log.is_64_bit()) { 64 } else { 32 },
            revision: self.triage.facts().revision(),
            servicing_stack: stack,
            system_root: log.map(|log| log.system_root().to_string()).unwrap_or_default(),
            processors: log.map_or(0, |log| log.processors()),
            memory_bytes: log.map_or(0, |log| log.memory()),
        }
    }

    pub(super) fn capture(&self) -> CaptureFacts {
        let (first, last) = self.set.time_span().unwrap_or_default();
        CaptureFacts {
            first: first.to_string(),
            first_local: self.set.time_span().map_or_else(|| "–".to_owned(), |span| self.clock.say(span.0)),
            zone: self.clock.name().to_owned(),
            last: last.to_string(),
            seconds: self.seconds(last),
            events: self.set.event_count(),
            bytes: self.set.size(),
        }
    }

    pub(super) fn signals(&self) -> Vec<SignalReport> {
        let report = |signal: &Signal| {
            let entry = self.knowledge.signals.get(signal.entry)?;
            let role = self.word(&self.texts().role.shows);
            let (events, lines) = self.cite(signal.citations.iter().map(|&citation| (citation, role)));
            Some(SignalReport {
                id: entry.id.get_ref().clone(),
                weight: entry.weight,
                text: entry.text.get(self.language).to_owned(),
                count: signal.count,
                events,
                lines,
            })
        };
        self.triage.verdict().rollback().signals.iter().filter_map(report).collect()
    }

    /// Groups of failures, those that mean something first, and how many there are.
    pub(super) fn failures(&self) -> (Vec<FailureReport>, u64) {
        let failures = self.triage.verdict().failures();
        let mut ranks: HashMap<usize, usize> = HashMap::new();
        for (at, finding) in self.triage.verdict().causes().iter().enumerate() {
            for &failure in finding.failures.iter().chain(&finding.consequences) {
                ranks.entry(failure).or_insert(at + 1);
            }
        }
        // An answer that says no is part of a finding, and no operation that failed.
        let mut order: Vec<(usize, &Failure)> =
            failures.iter().enumerate().filter(|(_, f)| f.group.key.status != NtStatus::SUCCESS).collect();
        let count = order.len() as u64;
        order.sort_by(|(_, a), (_, b)| {
            let noise = a.noise.is_some().cmp(&b.noise.is_some());
            noise.then(b.score().total_cmp(&a.score())).then(a.group.first.cmp(&b.group.first))
        });
        let shown = order.into_iter().take(MOST_FAILURES);
        let reports =
            shown.filter_map(|(at, failure)| self.failure(failure, ranks.get(&at).copied())).collect();
        (reports, count)
    }

    pub(super) fn failure(&self, failure: &Failure, finding: Option<usize>) -> Option<FailureReport> {
        let group = &failure.group;
        let event = self.event(group.first)?;
        let process = self.process(&event);
        let noise = failure.noise.and_then(|at| self.knowledge.noise.get(at));
        Some(FailureReport {
            first_event: group.first,
            last_event: group.last,
            time: event.time().to_string(),
            clock: self.clock.of_day(event.time()),
            seconds: self.seconds(event.time()),
            phase: self.phase(failure.phase.and_then(|at| self.triage.verdict().phases().get(at))).0,
            process: process.map(|process| process.name.clone()).unwrap_or_default(),
            pid: process.map_or(0, |process| process.pid),
            tid: event.tid(),
            operation: event.operation().name().to_owned(),
            path: text_of(|out| event.push_path(&TextOptions::default(), out)),
            target: shown_target(&event),
            status: self.status(group.key.status),
            attempts: group.count,
            later_succeeded: group.tracked.then_some(group.resolved_by.is_some()),
            noise: noise.map(|noise| NoiseReport {
                id: noise.id.clone(),
                text: noise.text.get(self.language).to_owned(),
            }),
            score: (failure.score() * 10.0).round() / 10.0 + 0.0,
            finding,
            longest_seconds: group.longest.0 as f64 / TICKS_PER_SECOND as f64,
        })
    }

    pub(super) fn phases(&self) -> Vec<PhaseReport> {
        let report = |phase: &Phase| {
            let entry = self.knowledge.phases.get(phase.entry)?;
            let last = self.set.event_count().saturating_sub(1);
            let (start, end) = (self.time(phase.start), self.time(phase.end.min(last)));
            Some(PhaseReport {
                id: entry.id.get_ref().clone(),
                name: entry.name.get(self.language).to_owned(),
                boot: phase.boot + 1,
                start: start.to_string(),
                end: end.to_string(),
                start_seconds: self.seconds(start),
                end_seconds: self.seconds(end),
                start_event: phase.start,
                end_event: phase.end,
                confidence: phase.confidence,
                marker: phase.marker.clone(),
                sub: entry.sub,
            })
        };
        let phases = self.triage.verdict().phases();
        // Every capture begins with the first phase; alone, it shows no start of Windows.
        if self.triage.verdict().boot() == Boot::Other && phases.len() <= 1 {
            return Vec::new();
        }
        phases.iter().filter_map(report).collect()
    }

    pub(super) fn processes(&self) -> Vec<ProcessReport> {
        let actors = &self.knowledge.actors;
        let shown = actors.group("servicing") | actors.group("helpers") | actors.group("disk-check");
        let end = self.set.time_span().map_or(FileTime(0), |span| span.1);
        let mut found: Vec<ProcessReport> = Vec::new();
        for (id, process) in self.triage.processes().iter() {
            if shown >> process.actor & 1 == 0 {
                continue;
            }
            let exit = self.triage.scan().exit(id);
            let exit_time = exit.map(|exit| self.time(exit.event));
            found.push(ProcessReport {
                name: process.name.clone(),
                pid: process.pid,
                actor: actors.name(process.actor).to_owned(),
                start_seconds: self.seconds(process.start).max(0.0),
                end_seconds: exit_time.or(process.end.filter(|at| *at <= end)).map(|at| self.seconds(at)),
                exit_status: exit.map(|exit| hex(exit.status)),
            });
        }
        found.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds).then(a.pid.cmp(&b.pid)));
        found
    }

    /// What became of each package whose state was set.
    fn packages(&self) -> Vec<PackageReport> {
        let limits = &self.knowledge.computed.limits;
        let mut states: Vec<_> =
            self.triage.scan().packages().filter_map(|state| Some((state.set?, state))).collect();
        states.sort_unstable_by_key(|((_, event), _)| *event);
        let is_rolled_back = self.triage.verdict().rollback().class > RollbackClass::None;
        let report = |((value, id), state): ((u64, EventId), &PackageState)| {
            let event = self.event(id)?;
            let package = Package::find(&text_of(|out| event.push_path(&TextOptions::default(), out)))?;
            let outcome = match value {
                value if value >= limits.package_installed => "installed",
                _ if state.lowered.is_some() => "back",
                value if value <= limits.package_state_lowered && is_rolled_back => "back",
                value if value <= limits.package_state_lowered => "staged",
                _ => "pending",
            };
            let kb = package.kb.or_else(|| {
                let (build, revision) = package.build?;
                self.knowledge.update(build, revision).map(str::to_owned)
            });
            let state = hex(u32::try_from(value).unwrap_or(u32::MAX));
            Some(PackageReport {
                name: package.name,
                version: package.version,
                kb,
                state,
                outcome,
                event_id: id,
            })
        };
        states.into_iter().take(MOST_PACKAGES).filter_map(report).collect()
    }

    pub(super) fn sentences(&self, entries: &[LimitEntry]) -> Vec<Sentence> {
        let said = entries.iter().filter(|entry| {
            entry.when.is_empty() || self.triage.established().holds_one(&entry.when).is_some()
        });
        said.map(|entry| Sentence { id: entry.id.clone(), text: entry.text.get(self.language).to_owned() })
            .collect()
    }

    pub(super) fn damage(&self) -> DamageReport {
        let tables = self.set.table_damage();
        let events = self.triage.damage();
        let name = |part: u16| self.origin.parts.get(usize::from(part)).map_or("", String::as_str);
        DamageReport {
            events: events.count,
            tables: tables.count,
            lost_parts: self.origin.lost_parts,
            first: tables
                .first
                .iter()
                .chain(&events.first)
                .take(10)
                .map(|e| format!("{}: {e}", name(e.part())))
                .collect(),
            recovered: self.set.recovery().map(Into::into),
        }
    }

    /// Whether it is the disk: what findings say, else what failures do.
    pub(super) fn disk(&self, report: &Report) -> Disk {
        let engine = &self.knowledge.engine;
        let kind = |status: u32| &self.knowledge.codes.status(NtStatus(status)).kind;
        let of = |kinds: &[String]| {
            let found =
                report.findings.iter().find(|finding| kinds.contains(kind(finding.status.status_number)));
            found.map(|finding| finding.rank)
        };
        let damaged = of(&engine.damage_kinds);
        let full = of(&engine.full_kinds);
        let failures: u64 = self
            .triage
            .verdict()
            .failures()
            .iter()
            .filter(|f| f.noise.is_none() && engine.damage_kinds.contains(kind(f.group.key.status.0)))
            .map(|failure| failure.group.count)
            .sum();
        let answer = match (damaged, full, failures) {
            (Some(_), _, _) => "damaged",
            (None, Some(_), _) => "full",
            (None, None, 1..) => "perhaps",
            _ if self.triage.facts().has("disk-check-long") => "checked",
            _ => "no",
        };
        Disk { answer, finding: damaged.or(full), failures }
    }
}
