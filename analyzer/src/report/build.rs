//! Puts a report together.

use super::model::{
    CaptureFacts, CommandReport, ComponentReport, DamageReport, Disk, EventReport, FailureReport,
    FindingReport, Input, InputPart, Interfering, Machine, NoiseReport, Note, PhaseReport, ProcessReport,
    ReasonReport, RemedyReport, Report, RollbackReport, SCHEMA_VERSION, Sentence, SignalReport, StatusReport,
    Tool,
};
use super::words::{self, Role};
use crate::component::{Component, Package};
use crate::failure::Failure;
use crate::finding::Finding;
use crate::knowledge::{Knowledge, RemedyEntry, Rule, StatusEntry};
use crate::language::Language;
use crate::phase::{Phase, phase_of};
use crate::processes::ProcessInfo;
use crate::signal::RollbackClass;
use crate::triage::Triage;
use pml_parser::{
    Event, EventId, FileTime, LogSet, NtStatus, Number, Resolution, TICKS_PER_SECOND, TextOptions,
};

/// Where a capture comes from, as far as a report says it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Name of the capture.
    pub name: String,
    /// Names of its parts.
    pub parts: Vec<String>,
    /// How to name the log on a command line.
    pub argument: String,
    /// Whether a part could not be read.
    pub lost_parts: bool,
    /// Name and version of the program.
    pub tool: (String, String),
}

/// Groups of failures that a report holds, at most.
const MOST_FAILURES: usize = 2_000;
/// Failures and events that a finding cites, at most.
const MOST_CITED: usize = 12;

struct Builder<'a, B> {
    set: &'a LogSet<B>,
    triage: &'a Triage,
    knowledge: &'a Knowledge,
    source: &'a Source,
    language: Language,
    first: FileTime,
}

impl Report {
    /// Says what there is to say about a capture.
    pub fn new<B: AsRef<[u8]>>(
        set: &LogSet<B>,
        triage: &Triage,
        knowledge: &Knowledge,
        source: &Source,
        language: Language,
    ) -> Self {
        let first = set.time_span().map_or(FileTime(0), |span| span.0);
        Builder { set, triage, knowledge, source, language, first }.report()
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

fn hex(number: u32) -> String {
    format!("{number:#010X}").replacen("0X", "0x", 1)
}

fn text_of(push: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    push(&mut text);
    text
}

fn result(status: NtStatus) -> String {
    status.text().map_or_else(|| hex(status.0), str::to_owned)
}

impl<'a, B: AsRef<[u8]>> Builder<'a, B> {
    fn report(&self) -> Report {
        let (triage, language) = (self.triage, self.language);
        let boot = triage.boot_entry.and_then(|at| self.knowledge.boots.get(at));
        let boot_text = boot.map(|boot| boot.text.get(language).to_owned()).unwrap_or_default();
        let findings: Vec<FindingReport> =
            triage.findings.iter().enumerate().map(|(at, finding)| self.finding(at + 1, finding)).collect();
        let rollback_text = words::rollback(triage.rollback.class, language).to_owned();
        let headline = match findings.first() {
            Some(finding) => format!("{rollback_text} {}", finding.title),
            None => rollback_text.clone(),
        };
        let (failures, failure_groups) = self.failures();
        let mut report = Report {
            schema_version: SCHEMA_VERSION,
            tool: Tool {
                name: self.source.tool.0.clone(),
                version: self.source.tool.1.clone(),
                rules: self.knowledge.rules.len(),
                own_rules: self.knowledge.own_rules.clone(),
            },
            language,
            input: self.input(),
            machine: self.machine(),
            capture: self.capture(),
            boot: triage.boot,
            boot_text,
            rollback: RollbackReport {
                class: triage.rollback.class,
                confidence: triage.rollback.confidence,
                text: rollback_text,
                signals: self.signals(),
            },
            headline,
            mail: String::new(),
            disk: Disk { answer: "no", finding: None, failures: 0 },
            notes: triage.notes.iter().map(|note| self.note(note)).collect(),
            findings,
            failures_shown: failures.len() as u64,
            failures,
            failure_groups,
            phases: self.phases(),
            processes: self.processes(),
            limits: self.sentences(&self.knowledge.cannot_show),
            next: self.sentences(&self.knowledge.collect_next),
            damage: self.damage(),
        };
        report.disk = self.disk(&report);
        report.mail = self.mail(&report);
        report
    }

    fn event(&self, id: EventId) -> Option<Event<'a>> {
        self.set.event(id).ok()
    }

    fn time(&self, id: EventId) -> FileTime {
        self.event(id).map_or(self.first, |event| event.time())
    }

    /// Seconds from the first event, to the microsecond.
    fn seconds(&self, time: FileTime) -> f64 {
        let ticks = time.0.wrapping_sub(self.first.0) as i64;
        (ticks as f64 / TICKS_PER_SECOND as f64 * 1e6).round() / 1e6
    }

    fn process(&self, event: &Event<'_>) -> Option<&'a ProcessInfo> {
        self.triage.processes.get(self.triage.processes.of(event))
    }

    fn phase(&self, phase: Option<&Phase>) -> (Option<String>, Option<String>) {
        let entry = phase.and_then(|phase| self.knowledge.phases.get(phase.entry));
        (entry.map(|entry| entry.id.clone()), entry.map(|entry| entry.name.get(self.language).to_owned()))
    }

    fn status(&self, status: NtStatus) -> StatusReport {
        let entry = self.knowledge.codes.status(status);
        let is_error = status.is_error();
        StatusReport {
            status: hex(status.0),
            status_number: status.0,
            result: result(status),
            symbol: symbol(entry),
            win32: entry.win32.filter(|_| is_error),
            hresult: entry.hresult().filter(|_| is_error).map(hex),
        }
    }

    fn cite(&self, id: EventId, role: &str) -> Option<EventReport> {
        let event = self.event(id)?;
        let process = self.process(&event);
        // The innermost frame of user mode: who asked for it.
        let user = event.log().highest_user_address();
        let frame = event.stack().addresses().find(|&address| address <= user);
        let location = frame.and_then(|address| event.locate(address, Resolution::Corrected));
        let module = location.map(|location| {
            let path = location.module.path().to_string();
            let name = path.rsplit('\\').next().unwrap_or(&path);
            format!("{name} + {:#x}", location.offset)
        });
        Some(EventReport {
            event_id: id,
            time: event.time().to_string(),
            seconds: self.seconds(event.time()),
            process: process.map(|process| process.name.clone()).unwrap_or_default(),
            pid: process.map_or(0, |process| process.pid),
            tid: event.tid(),
            operation: event.operation().name().to_owned(),
            path: text_of(|out| event.push_path(&TextOptions::default(), out)),
            target: event.target_path().map(|target| target.to_string()),
            status: hex(event.status().0),
            result: result(event.status()),
            module,
            role: role.to_owned(),
        })
    }

    fn input(&self) -> Input {
        let names = self.source.parts.iter().cloned().chain(std::iter::repeat_with(String::new));
        let part = |(log, file): (pml_parser::LogView<'_>, String)| InputPart {
            file,
            bytes: log.size(),
            events: log.event_count().into(),
        };
        Input { name: self.source.name.clone(), parts: self.set.parts().zip(names).map(part).collect() }
    }

    fn machine(&self) -> Machine {
        let log = self.set.part(0);
        let (major, minor, build) = log.map_or((0, 0, 0), |log| log.os_version());
        let stack = self.triage.processes.all.iter().find_map(|process| {
            let component = Component::in_path(&process.image_path)?;
            component.name.contains("servicingstack").then_some(component.version)
        });
        Machine {
            computer: log.map(|log| log.computer().to_string()).unwrap_or_default(),
            windows: format!("{major}.{minor} build {build}"),
            product: self.knowledge.product(build).map(str::to_owned),
            bits: if log.is_some_and(|log| log.is_64_bit()) { 64 } else { 32 },
            revision: self.triage.revisions.0,
            servicing_stack: stack,
            system_root: log.map(|log| log.system_root().to_string()).unwrap_or_default(),
            processors: log.map_or(0, |log| log.processors()),
            memory_bytes: log.map_or(0, |log| log.memory()),
        }
    }

    fn capture(&self) -> CaptureFacts {
        let (first, last) = self.set.time_span().unwrap_or_default();
        CaptureFacts {
            first: first.to_string(),
            last: last.to_string(),
            seconds: self.seconds(last),
            events: self.set.event_count(),
            bytes: self.set.size(),
        }
    }

    fn signals(&self) -> Vec<SignalReport> {
        let report = |signal: &crate::signal::Signal| {
            let entry = self.knowledge.signals.get(signal.entry)?;
            let role = words::role(Role::Shows, self.language);
            Some(SignalReport {
                id: entry.id.get_ref().clone(),
                weight: entry.weight,
                text: entry.text.get(self.language).to_owned(),
                count: signal.count,
                events: signal.events.iter().filter_map(|&event| self.cite(event, role)).collect(),
            })
        };
        self.triage.rollback.signals.iter().filter_map(report).collect()
    }

    fn note(&self, note: &Finding) -> Note {
        let rule = &self.knowledge.rules[note.rule];
        let role = words::role(Role::Shows, self.language);
        let main = note.events.first().map(|cited| cited.event);
        Note {
            rule: rule.id.clone(),
            title: rule.title.get(self.language).to_owned(),
            text: self.fill(rule.text.get(self.language), main, note),
            events: note
                .events
                .iter()
                .take(MOST_CITED)
                .filter_map(|cited| self.cite(cited.event, role))
                .collect(),
        }
    }

    fn finding(&self, rank: usize, finding: &Finding) -> FindingReport {
        let (triage, knowledge, language) = (self.triage, self.knowledge, self.language);
        let rule = &knowledge.rules[finding.rule];
        let main = finding.failures.first().and_then(|&at| triage.failures.get(at));
        let id = finding.event(&triage.failures).unwrap_or(0);
        let event = self.event(id);
        let process = event.as_ref().and_then(|event| self.process(event));
        let status = event.map_or(NtStatus::SUCCESS, |event| event.status());
        let entry = knowledge.codes.status(status);
        let path = event
            .map(|event| text_of(|out| event.push_path(&TextOptions::default(), out)))
            .unwrap_or_default();
        let (phase, phase_name) = self.phase(phase_of(&triage.phases, id));
        let last = main.map_or(id, |failure| failure.group.last);
        let hresult = entry.hresult().filter(|_| status.is_error());
        FindingReport {
            rank,
            rule: rule.id.clone(),
            bucket: rule.bucket.clone(),
            rule_status: rule.status,
            title: rule.title.get(language).to_owned(),
            text: self.fill(rule.text.get(language), Some(id), finding),
            why: self.fill(rule.why.get(language), Some(id), finding),
            confidence: finding.confidence,
            score: (finding.score() * 10.0).round() / 10.0,
            reasons: finding
                .reasons
                .iter()
                .map(|reason| ReasonReport {
                    id: reason.id.clone(),
                    points: (reason.points * 10.0).round() / 10.0,
                    text: reason.text.get(language).to_owned(),
                })
                .collect(),
            event_id: id,
            target: event.and_then(|event| event.target_path()).map(|target| target.to_string()),
            component: self.component(event.as_ref(), &path),
            path,
            status: self.status(status),
            hresult_text: hresult
                .and_then(|code| knowledge.codes.hresult(code))
                .map(|entry| format!("{}: {}", entry.symbol, entry.text(language))),
            hresult_layer: hresult
                .and_then(|code| knowledge.codes.hresult(code))
                .map(|entry| entry.layer.clone()),
            process: process.map(|process| process.name.clone()).unwrap_or_default(),
            pid: process.map_or(0, |process| process.pid),
            tid: event.map_or(0, |event| event.tid()),
            operation: event.map_or("", |event| event.operation().name()).to_owned(),
            phase,
            phase_name,
            time: self.time(id).to_string(),
            seconds: self.seconds(self.time(id)),
            last_time: self.time(last).to_string(),
            attempts: self.attempts(finding),
            events: self.evidence(rule, finding),
            consequences: self.consequences(finding),
            counter_evidence: self.counter_evidence(rule, finding, main),
            interfering: self.interfering(rule, finding),
            remedies: self.remedies(rule, event.as_ref()),
            commands: self.commands(rule, id, process),
            references: rule.references.clone(),
        }
    }

    /// How often it happened; of a finding for one file, how often that failed.
    fn attempts(&self, finding: &Finding) -> u64 {
        let one = self.knowledge.rules.get(finding.rule).is_some_and(|rule| rule.when.one_finding);
        let counted = if one { finding.failures.len() } else { 1 };
        let failures = finding.failures.iter().take(counted).filter_map(|&at| self.triage.failures.get(at));
        failures.map(|failure| failure.group.count).sum::<u64>().max(1)
    }

    fn component(&self, event: Option<&Event<'_>>, path: &str) -> Option<ComponentReport> {
        let target = || event.and_then(|event| event.target_path()).map(|target| target.to_string());
        let component =
            Component::in_path(path).or_else(|| target().and_then(|target| Component::in_path(&target)))?;
        let kb = self.knowledge.update(component.build, component.revision).map(str::to_owned);
        let product = self.knowledge.product(component.build).map(str::to_owned);
        Some(ComponentReport { component, kb, product })
    }

    /// The failures of a finding and what else shows it, in the order of events.
    fn evidence(&self, rule: &Rule, finding: &Finding) -> Vec<EventReport> {
        let role = |role| words::role(role, self.language);
        let mut cited: Vec<(EventId, String)> = Vec::new();
        for (at, &failure) in finding.failures.iter().take(MOST_CITED).enumerate() {
            let Some(failure) = self.triage.failures.get(failure) else { continue };
            let (first, last) = (failure.group.first, failure.group.last);
            cited.push((first, role(if at == 0 { Role::First } else { Role::Same }).to_owned()));
            if last != first {
                cited.push((last, role(if at == 0 { Role::Last } else { Role::Same }).to_owned()));
            }
        }
        for event in finding.events.iter().take(2 * MOST_CITED) {
            let text = event.evidence.and_then(|at| rule.when.evidence.get(at));
            let text = text.map_or(role(Role::Shows), |evidence| evidence.text.get(self.language));
            if !cited.iter().any(|known| known.0 == event.event) {
                cited.push((event.event, text.to_owned()));
            }
        }
        cited.sort();
        cited.iter().filter_map(|(event, role)| self.cite(*event, role)).collect()
    }

    fn consequences(&self, finding: &Finding) -> Vec<EventReport> {
        let role = words::role(Role::Follows, self.language);
        let failures = finding.consequences.iter().filter_map(|&at| self.triage.failures.get(at));
        failures.take(MOST_CITED).filter_map(|failure| self.cite(failure.group.first, role)).collect()
    }

    fn counter_evidence(&self, rule: &Rule, finding: &Finding, main: Option<&Failure>) -> Vec<String> {
        let mut texts = Vec::new();
        if main.is_some_and(|failure| failure.group.later.is_some()) {
            texts.push(words::later_succeeded(self.language).to_owned());
        }
        if self.triage.facts.has("log-ends-early") {
            texts.push(words::not_whole(self.language).to_owned());
        }
        let missing = finding.missing.iter().filter_map(|&at| rule.when.evidence.get(at));
        texts.extend(
            missing
                .filter(|evidence| !evidence.not)
                .map(|e| words::not_seen(e.text.get(self.language), self.language)),
        );
        texts
    }

    fn interfering(&self, rule: &Rule, finding: &Finding) -> Vec<Interfering> {
        let child = rule.when.marker.is_some() || rule.when.failure.is_none() && rule.when.kinds.is_empty();
        let report = |holder: &crate::look::Holder| {
            let process = self.triage.processes.get(holder.process)?;
            let time = self.time(holder.event);
            Some(Interfering {
                process: process.name.clone(),
                pid: process.pid,
                image_path: process.image_path.clone(),
                company: process.company.clone(),
                held: holder.held,
                text: words::interfering(holder.held, child, self.seconds(time), self.language),
                event_id: holder.event,
                time: time.to_string(),
            })
        };
        finding.holders.iter().filter_map(report).collect()
    }

    fn remedies(&self, rule: &Rule, event: Option<&Event<'_>>) -> Vec<RemedyReport> {
        let own = event
            .map(|event| typed(&text_of(|out| event.push_path(&TextOptions::default(), out)), self.drive()));
        // What NTFS keeps for itself cannot be looked at by name; a file that went missing with it can.
        let is_hidden = own.as_ref().is_some_and(|path| path.contains(r"\$Extend\"));
        let path = if is_hidden { self.missing_file() } else { own };
        let fill = |commands: &[String]| -> Vec<String> {
            let fill = |command: &String| {
                command.replace("{path}", path.as_deref().unwrap_or("PATH")).replace("{drive}", self.drive())
            };
            commands.iter().map(fill).collect()
        };
        let report = |remedy: &RemedyEntry| RemedyReport {
            id: remedy.id.clone(),
            risk: remedy.risk,
            risk_text: words::risk(remedy.risk, self.language).to_owned(),
            text: remedy.text.get(self.language).to_owned(),
            commands: fill(&remedy.commands),
            offline: fill(&remedy.offline),
        };
        let usable =
            |remedy: &&RemedyEntry| path.is_some() || !remedy.commands.iter().any(|c| c.contains("{path}"));
        rule.remedies.iter().filter_map(|id| self.knowledge.remedy(id)).filter(usable).map(report).collect()
    }

    /// The file of a component that a finding is about, as somebody would type it.
    fn missing_file(&self) -> Option<String> {
        self.triage.findings.iter().find_map(|finding| {
            let event = self.event(finding.event(&self.triage.failures)?)?;
            let path = text_of(|out| event.push_path(&TextOptions::default(), out));
            Component::in_path(&path)?;
            Some(typed(&path, self.drive()))
        })
    }

    /// The drive that Windows is on.
    fn drive(&self) -> &'a str {
        let root = self.set.part(0).map(|log| log.system_root().to_str());
        match root.as_deref().and_then(|root| root.get(..2)) {
            Some(drive) => {
                DRIVES.iter().find(|known| known.eq_ignore_ascii_case(drive)).copied().unwrap_or("C:")
            }
            None => "C:",
        }
    }

    fn commands(&self, rule: &Rule, id: EventId, process: Option<&ProcessInfo>) -> Vec<CommandReport> {
        let seconds = self.seconds(self.time(id));
        let (from, to) = ((seconds - 2.0).max(0.0), seconds + 5.0);
        let pid = process.map(|process| format!("pid = {} and ", process.pid)).unwrap_or_default();
        let slice = format!(
            "pml slice {} -o around.pml --where \"{pid}time between {from:.3}s and {to:.3}s\"",
            quoted(&self.source.argument)
        );
        vec![
            CommandReport { text: words::slice_around(self.language).to_owned(), command: slice },
            CommandReport {
                text: words::explain_rule(self.language).to_owned(),
                command: format!("pml rules {}", rule.id),
            },
        ]
    }

    /// Groups of failures, those that mean something first, and how many there are.
    fn failures(&self) -> (Vec<FailureReport>, u64) {
        let failures = &self.triage.failures;
        let mut order: Vec<&Failure> = failures.iter().collect();
        order.sort_by(|a, b| {
            let noise = a.noise.is_some().cmp(&b.noise.is_some());
            noise.then(b.score().total_cmp(&a.score())).then(a.group.first.cmp(&b.group.first))
        });
        let rank = |failure: &Failure| {
            let at = failures.iter().position(|other| std::ptr::eq(other, failure));
            let has = |finding: &Finding| {
                at.is_some_and(|at| finding.failures.contains(&at) || finding.consequences.contains(&at))
            };
            self.triage.findings.iter().position(has).map(|at| at + 1)
        };
        let shown = order.into_iter().take(MOST_FAILURES);
        let reports = shown.filter_map(|failure| self.failure(failure, rank(failure))).collect();
        (reports, failures.len() as u64)
    }

    fn failure(&self, failure: &Failure, finding: Option<usize>) -> Option<FailureReport> {
        let group = &failure.group;
        let event = self.event(group.first)?;
        let process = self.process(&event);
        let noise = failure.noise.and_then(|at| self.knowledge.noise.get(at));
        Some(FailureReport {
            first_event: group.first,
            last_event: group.last,
            time: event.time().to_string(),
            seconds: self.seconds(event.time()),
            phase: self.phase(failure.phase.and_then(|at| self.triage.phases.get(at))).0,
            process: process.map(|process| process.name.clone()).unwrap_or_default(),
            pid: process.map_or(0, |process| process.pid),
            tid: event.tid(),
            operation: event.operation().name().to_owned(),
            path: text_of(|out| event.push_path(&TextOptions::default(), out)),
            target: event.target_path().map(|target| target.to_string()),
            status: self.status(group.key.status),
            attempts: group.count,
            later_succeeded: group.tracked.then_some(group.later.is_some()),
            noise: noise.map(|noise| NoiseReport {
                id: noise.id.clone(),
                text: noise.text.get(self.language).to_owned(),
            }),
            score: (failure.score() * 10.0).round() / 10.0 + 0.0,
            finding,
            longest_seconds: group.longest.0 as f64 / TICKS_PER_SECOND as f64,
        })
    }

    fn phases(&self) -> Vec<PhaseReport> {
        let report = |phase: &Phase| {
            let entry = self.knowledge.phases.get(phase.entry)?;
            let last = self.set.event_count().saturating_sub(1);
            let (start, end) = (self.time(phase.start), self.time(phase.end.min(last)));
            Some(PhaseReport {
                id: entry.id.clone(),
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
        self.triage.phases.iter().filter_map(report).collect()
    }

    fn processes(&self) -> Vec<ProcessReport> {
        let actors = &self.knowledge.actors;
        let shown = actors.group("servicing") | actors.group("helpers") | actors.group("disk-check");
        let end = self.set.time_span().map_or(FileTime(0), |span| span.1);
        let mut found: Vec<ProcessReport> = Vec::new();
        for (id, process) in self.triage.processes.all.iter().enumerate() {
            if shown >> process.actor & 1 == 0 {
                continue;
            }
            let exit = self.triage.scan.exits.get(&(id as u32));
            let exit_time = exit.map(|exit| self.time(exit.1));
            found.push(ProcessReport {
                name: process.name.clone(),
                pid: process.pid,
                actor: actors.name(process.actor).to_owned(),
                start_seconds: self.seconds(process.start).max(0.0),
                end_seconds: exit_time.or(process.end.filter(|at| *at <= end)).map(|at| self.seconds(at)),
                exit_status: exit.map(|exit| hex(exit.0)),
            });
        }
        found.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds).then(a.pid.cmp(&b.pid)));
        found
    }

    fn sentences(&self, entries: &[crate::knowledge::LimitEntry]) -> Vec<Sentence> {
        let said = entries
            .iter()
            .filter(|entry| entry.when.is_empty() || self.triage.facts.holds_one(&entry.when).is_some());
        said.map(|entry| Sentence { id: entry.id.clone(), text: entry.text.get(self.language).to_owned() })
            .collect()
    }

    fn damage(&self) -> DamageReport {
        let tables = self.set.table_damage();
        let events = &self.triage.scan.damage;
        let name = |part: u16| self.source.parts.get(usize::from(part)).map_or("", String::as_str);
        DamageReport {
            events: events.count,
            tables: tables.count,
            lost_parts: self.source.lost_parts,
            first: tables
                .first
                .iter()
                .chain(&events.first)
                .take(10)
                .map(|e| format!("{}: {e}", name(e.part())))
                .collect(),
        }
    }

    /// Whether it is the disk: what findings say, else what failures do.
    fn disk(&self, report: &Report) -> Disk {
        let kind = |status: u32| self.knowledge.codes.status(NtStatus(status)).kind.as_str();
        let of = |kinds: &[&str]| {
            let found =
                report.findings.iter().find(|finding| kinds.contains(&kind(finding.status.status_number)));
            found.map(|finding| finding.rank)
        };
        let damaged = of(&["disk", "ntfs"]);
        let full = of(&["full"]);
        let failures: u64 = self
            .triage
            .failures
            .iter()
            .filter(|f| f.noise.is_none() && ["disk", "ntfs"].contains(&kind(f.group.key.status.0)))
            .map(|failure| failure.group.count)
            .sum();
        let answer = match (damaged, full, failures) {
            (Some(_), _, _) => "damaged",
            (None, Some(_), _) => "full",
            (None, None, 1..) => "perhaps",
            _ if self.triage.facts.has("disk-check-long") => "checked",
            _ => "no",
        };
        Disk { answer, finding: damaged.or(full), failures }
    }

    fn mail(&self, report: &Report) -> String {
        let words = words::mail(self.language);
        let first = report.capture.first.get(..19).unwrap_or_default().replace('T', " ");
        let captured = words
            .captured
            .replace("{computer}", &report.machine.computer)
            .replace("{windows}", report.machine.product.as_deref().unwrap_or(&report.machine.windows))
            .replace("{first}", &first)
            .replace("{boot}", &report.boot_text);
        let mut lines = vec![format!("{captured} {}", report.rollback.text)];
        for (at, finding) in report.findings.iter().take(3).enumerate() {
            let begin = if at == 0 { words.cause } else { words.also };
            lines.push(format!("{begin}{} {}", sentence(&finding.title, self.language), finding.text));
        }
        if report.findings.is_empty() && report.rollback.class > RollbackClass::None {
            lines.push(words.no_cause.to_owned());
        }
        for note in report.notes.iter().filter(|note| note.rule != "INFO-NO-ROLLBACK") {
            lines.push(note.text.clone());
        }
        if let Some(finding) = report.findings.first() {
            lines.push(words.steps.to_owned());
            for (at, remedy) in finding.remedies.iter().enumerate() {
                lines.push(format!("{}. {}", at + 1, remedy.text));
                lines.extend(remedy.commands.iter().map(|command| format!("   {command}")));
            }
        } else if !report.next.is_empty() {
            lines.push(words.next.to_owned());
            lines.extend(report.next.iter().take(5).map(|next| format!("- {}", next.text)));
        }
        lines.join("\n")
    }

    /// Fills in the names in braces.
    fn fill(&self, text: &str, main: Option<EventId>, finding: &Finding) -> String {
        if !text.contains('{') {
            return text.to_owned();
        }
        let event = main.and_then(|main| self.event(main));
        let process = event.as_ref().and_then(|event| self.process(event));
        let path = event
            .map(|event| text_of(|out| event.push_path(&TextOptions::default(), out)))
            .unwrap_or_default();
        let component = self.component(event.as_ref(), &path).map(|component| component.component);
        let status = event.map_or(NtStatus::SUCCESS, |event| event.status());
        let entry = self.knowledge.codes.status(status);
        // Of the event itself, or of the process that it is of.
        let own = event.and_then(|event| event.numbers().get(Number::ExitStatus)).map(|exit| exit as u32);
        let exits = &self.triage.scan.exits;
        let exit = own.or_else(|| Some(exits.get(&self.triage.processes.of(event.as_ref()?))?.0));
        let holders: Vec<String> = finding
            .holders
            .iter()
            .filter_map(|holder| self.triage.processes.get(holder.process))
            .map(|process| process.name.clone())
            .collect();
        let (folder, file) = path.rsplit_once('\\').unwrap_or(("", &path));
        let value = |name: &str| -> Option<String> {
            let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            match name {
                "path" => known(&path),
                "target" => event?.target_path().map(|target| target.to_string()),
                "file" => known(file),
                "folder" => known(folder),
                "component" => component.as_ref().map(|c| c.directory.clone()),
                "component_name" => component.as_ref().map(|c| c.name.clone()),
                "arch" => component.as_ref().map(|c| c.arch.clone()),
                "version" => component.as_ref().map(|c| c.version.clone()),
                "process" => process.map(|process| process.name.clone()),
                "pid" => process.map(|process| process.pid.to_string()),
                "status" => Some(hex(status.0)),
                "result" => Some(result(status)),
                "symbol" => symbol(entry),
                "hresult" => entry.hresult().map(hex),
                "attempts" => Some(self.attempts(finding).to_string()),
                "holder" => known(&holders.join(", ")),
                "phase" => self.phase(main.and_then(|main| phase_of(&self.triage.phases, main))).1,
                "time" => event.map(|event| event.time().to_string()),
                "exit" => exit.map(hex),
                "package" => Package::find(&path).map(|package| package.name),
                _ => None,
            }
        };
        let mut filled = String::with_capacity(text.len() + 200);
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            filled.push_str(before);
            match behind.split_once('}') {
                Some((name, after)) => {
                    filled.push_str(value(name).as_deref().unwrap_or("–"));
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = behind;
                }
            }
        }
        filled + rest
    }
}

fn symbol(entry: &StatusEntry) -> Option<String> {
    (!entry.symbol.is_empty()).then(|| entry.symbol.clone())
}

/// A title as a sentence.
fn sentence(title: &str, language: Language) -> String {
    match language {
        _ if title.ends_with(['.', '。', '!', '?']) => title.to_owned(),
        Language::En => format!("{title}."),
        Language::Zh => format!("{title}。"),
    }
}

const DRIVES: [&str; 26] = [
    "A:", "B:", "C:", "D:", "E:", "F:", "G:", "H:", "I:", "J:", "K:", "L:", "M:", "N:", "O:", "P:", "Q:",
    "R:", "S:", "T:", "U:", "V:", "W:", "X:", "Y:", "Z:",
];

/// A path as somebody would type it: with a drive. What would end a quoted argument, or begin
/// another command, cannot stand in a Windows path, and is left out.
fn typed(path: &str, drive: &str) -> String {
    let lower = path.to_ascii_lowercase();
    let typed = if let Some(rest) = lower.strip_prefix(r"\device\harddiskvolume") {
        let below = rest.find('\\').map_or("", |at| &path[path.len() - rest.len() + at..]);
        format!("{drive}{below}")
    } else if lower.starts_with(r"\??\") || lower.starts_with(r"\\?\") {
        path[4..].to_owned()
    } else if lower.starts_with(r"\systemroot\") {
        format!(r"{drive}\Windows{}", &path[11..])
    } else {
        path.to_owned()
    };
    typed.chars().filter(|c| !c.is_control() && !"\"<>|&^%`".contains(*c)).collect()
}

/// An argument that a shell takes as one word.
fn quoted(argument: &str) -> String {
    let plain = argument.chars().all(|c| c.is_alphanumeric() || r"._-/\:".contains(c));
    if plain { argument.to_owned() } else { format!("\"{}\"", argument.replace('"', "")) }
}
