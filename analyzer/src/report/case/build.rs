//! Builds the report on a case.

use super::model::{
    AttemptReport, BootReport, CASE_SCHEMA_VERSION, CaseClock, CaseFinding, CaseInput, CaseReport,
    CaseSummary, ClockReport, CodeReport, CollectReport, InputReport, JoinReport, JoinedWith, PhaseText,
    ProofReport, ScanReport, StoreReport, TimelineEntry, UnreadInput, UpdateReport,
};
use crate::component::Component;
use crate::judge::RollbackClass;
use crate::knowledge::Knowledge;
use crate::language::Language;
use crate::logs::case::{At, Attempt, Case, CaseOutcome, Finding, Phase, PlacedBy, Placing, Proof, Update};
use crate::logs::{Item, Kind, LogFile, Signatures, is_failure};
use crate::report::cite::hex;
use crate::report::finding::UNKNOWN_COMPONENT;
use crate::report::model::{RemedyReport, Report, RollbackReport, Sentence, Tool};
use pml_parser::NtStatus;
use serde::Serialize;

/// Entries of the timeline at most.
const MOST_ENTRIES: usize = 1_000;

/// Attempts of one update that a report holds at most: the last ones.
const MOST_ATTEMPTS: usize = 100;

/// Lines that one attempt or finding cites at most.
const MOST_LINES: usize = 50;

/// Updates that a report holds at most: the last ones.
const MOST_UPDATES: usize = 500;

/// What a report on a case is built from.
pub(super) struct Builder<'a> {
    pub(super) case: &'a Case,
    pub(super) knowledge: &'a Knowledge,
    pub(super) signatures: &'a Signatures,
    pub(super) language: Language,
}

/// Where a case comes from.
#[derive(Clone, Debug, Default)]
pub struct CaseOrigin {
    /// Name of the folder, zip file or log.
    pub name: String,
    /// Name and version of the program.
    pub tool: (String, String),
    /// Files that could not be read.
    pub unread: Vec<UnreadInput>,
}

impl CaseReport {
    /// Builds the report on a case, with the reports on its boot logs in the same language.
    pub fn new(
        case: &Case,
        captures: Vec<Report>,
        origin: &CaseOrigin,
        signatures: &Signatures,
        knowledge: &Knowledge,
        language: Language,
    ) -> Self {
        let builder = Builder { case, knowledge, signatures, language };
        let mut report = builder.report(origin);
        report.captures = captures;
        builder.join(&mut report);
        builder.summarize(&mut report);
        report
    }
}

/// The short name of the logs of a kind.
pub(super) fn source(kind: Kind) -> &'static str {
    match kind {
        Kind::Cbs => "cbs",
        Kind::WindowsUpdate | Kind::WindowsUpdateOld | Kind::ReportingEvents => "wu",
        Kind::Dism | Kind::DismConsole => "dism",
        Kind::SfcConsole => "sfc",
        Kind::Setup | Kind::SetupDiag => "panther",
        Kind::SetupApi => "setupapi",
        Kind::Evtx | Kind::EventXml => "evtx",
        Kind::Poqexec => "poqexec",
        Kind::Pending => "pending",
        Kind::CheckSur => "checksur",
        Kind::Registry | Kind::SystemInfo => "system",
        Kind::Cabinet => "cabinet",
    }
}

/// The name under which a value is serialized: labels are called so.
pub(super) fn id(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(id)) => id,
        _ => String::new(),
    }
}

fn time(at: Option<At>) -> Option<String> {
    at.map(|at| at.to_time().to_string())
}

impl Builder<'_> {
    fn report(&self, origin: &CaseOrigin) -> CaseReport {
        let case = self.case;
        let (findings, notes) = self.findings();
        let first = case.updates.len().saturating_sub(MOST_UPDATES);
        let updates: Vec<UpdateReport> =
            case.updates.iter().skip(first).map(|update| self.update(update)).collect();
        let searches = case
            .attempts
            .iter()
            .enumerate()
            .filter(|(_, a)| a.phase == Phase::Scan && a.outcome.is_failure());
        let inputs = self.inputs(origin);
        CaseReport {
            schema_version: CASE_SCHEMA_VERSION,
            tool: Tool {
                name: origin.tool.0.clone(),
                version: origin.tool.1.clone(),
                rules: self.knowledge.rules.len() + self.signatures.count(),
                own_rules: self.knowledge.own_rules.clone(),
            },
            language: self.language,
            input: CaseInput { name: origin.name.clone() },
            outcome: case.outcome,
            outcome_text: String::new(),
            headline: String::new(),
            mail: String::new(),
            rollback: RollbackReport {
                class: RollbackClass::None,
                confidence: 0.0,
                text: String::new(),
                signals: Vec::new(),
            },
            phase: case.phase.map(|phase| self.phase(phase)),
            boot_log_helps: true,
            code: case.code.map(|code| self.code(code)),
            update: case.main.and_then(|main| main.checked_sub(first)),
            inconclusive: case.inconclusive,
            machine: case.machine.clone(),
            clock: self.clock(),
            inputs,
            updates,
            searches: searches.map(|(at, attempt)| self.attempt(at, attempt, false)).collect(),
            store: StoreReport { verdict: store_verdict(case), scans: self.scans() },
            findings,
            notes,
            boots: case
                .boots
                .iter()
                .map(|boot| BootReport {
                    time: time(boot.at),
                    file: case.name(boot.file).to_owned(),
                    line: boot.line,
                    failed: boot.failed.map(|code| self.code(code)),
                    undoes: boot.undoes,
                    captured: false,
                })
                .collect(),
            joins: Vec::new(),
            timeline: Vec::new(),
            limits: self.limits(),
            steps: Vec::new(),
            next: case
                .collect
                .iter()
                .map(|collect| CollectReport {
                    id: collect.id.clone(),
                    text: collect.what.get(self.language).to_owned(),
                    why: collect.why.get(self.language).to_owned(),
                })
                .collect(),
            summary: CaseSummary::default(),
            captures: Vec::new(),
        }
    }

    /// A word of the report as a sentence with its id.
    pub(super) fn sentence(&self, id: &str) -> Sentence {
        Sentence { id: id.to_owned(), text: self.label(id) }
    }

    /// Why there is no verdict, and which files prove nothing.
    fn limits(&self) -> Vec<Sentence> {
        let mut limits = Vec::new();
        if self.case.inconclusive {
            limits.push(self.sentence("inconclusive"));
        }
        if !self.case.foreign.is_empty() {
            let names: Vec<&str> = self.case.foreign.iter().map(|&file| self.case.name(file)).collect();
            let mut sentence = self.sentence("foreign_files");
            sentence.text = sentence.text.replace("{files}", &names.join(", "));
            limits.push(sentence);
        }
        limits
    }

    fn inputs(&self, origin: &CaseOrigin) -> Vec<InputReport> {
        let read = self.case.files.iter().zip(&self.case.placings).enumerate();
        let read = read.map(|(at, (file, placing))| self.input(at, file, placing));
        let unread = origin.unread.iter().map(|unread| InputReport {
            path: unread.path.clone(),
            kind: None,
            kind_text: self.label("kind_unread"),
            encoding: None,
            records: 0,
            first: None,
            last: None,
            clock: None,
            foreign: false,
            damage_count: 0,
            damage: None,
            left_out: 0,
            error: Some(unread.error.clone()),
        });
        read.chain(unread).collect()
    }

    /// The clock of the file that proves best where its local times are.
    fn clock(&self) -> Option<CaseClock> {
        let placed = self.case.files.iter().zip(&self.case.placings).enumerate();
        let own = placed.filter(|(_, (_, placing))| matches!(placing.by, PlacedBy::Proved | PlacedBy::Shown));
        let best = own.min_by_key(|(at, (_, placing))| (placing.by != PlacedBy::Proved, *at));
        if let Some((_, (file, placing))) = best {
            let clock = self.file_clock(file, placing);
            return Some(CaseClock {
                offset_minutes: clock.offset_minutes,
                from: file.name.clone(),
                agreement: clock.agreement,
            });
        }
        let placing = self.case.placings.iter().find(|p| p.offset.is_some() && p.from.is_some())?;
        Some(CaseClock {
            offset_minutes: placing.offset.into_iter().collect(),
            from: self.case.name(placing.from?).to_owned(),
            agreement: Vec::new(),
        })
    }

    /// A word of the report.
    pub(super) fn label(&self, key: &str) -> String {
        self.signatures.label(key).map_or(key, |text| text.get(self.language)).to_owned()
    }

    pub(super) fn phase(&self, phase: Phase) -> PhaseText {
        PhaseText { id: phase, text: self.label(&format!("phase_{}", id(phase))) }
    }

    /// The short name of the log that a file is.
    pub(super) fn source(&self, file: usize) -> &'static str {
        self.case.files.get(file).map_or("", |file| source(file.kind))
    }

    /// An outcome in words.
    pub(super) fn outcome(&self, outcome: CaseOutcome) -> String {
        self.label(&format!("outcome_{}", id(outcome)))
    }

    /// A code with its name and its meaning.
    pub(super) fn code(&self, code: u32) -> CodeReport {
        let entry = self.knowledge.codes.hresult(code);
        let status = self.knowledge.codes.status(NtStatus(code));
        let of_status = (code >> 28 == 0xC && !status.symbol.is_empty()).then(|| status.symbol.clone());
        CodeReport {
            code: hex(code),
            symbol: entry.map(|entry| entry.symbol.clone()).or(of_status),
            text: entry.map(|entry| entry.text(self.language).to_owned()),
        }
    }

    fn proof(&self, proof: &Proof) -> ProofReport {
        ProofReport {
            source: self.source(proof.file),
            file: self.case.name(proof.file).to_owned(),
            line: proof.line,
            time: time(proof.at),
            code: proof.code.map(hex),
            text: proof.quote.clone(),
        }
    }

    fn file_clock(&self, file: &LogFile, placing: &Placing) -> ClockReport {
        let pieces = &file.offsets().pieces;
        let own = matches!(placing.by, PlacedBy::Proved | PlacedBy::Shown);
        let offset_minutes = match own {
            true => pieces.iter().map(|piece| piece.minutes).collect(),
            false => placing.offset.into_iter().collect(),
        };
        let mut agreement: Vec<_> = pieces.iter().flat_map(|piece| piece.proved_by.iter().copied()).collect();
        agreement.sort_unstable();
        agreement.dedup();
        ClockReport {
            placed_by: placing.by,
            text: self.label(&format!("placed_{}", id(placing.by))),
            from: placing.from.map(|from| self.case.name(from).to_owned()),
            offset_minutes,
            agreement,
        }
    }

    fn input(&self, at: usize, file: &LogFile, placing: &Placing) -> InputReport {
        InputReport {
            path: file.name.clone(),
            kind: Some(id(file.kind)),
            kind_text: self.label(&format!("kind_{}", id(file.kind))),
            encoding: Some(file.encoding),
            records: file.reading.records,
            first: file.reading.span.map(|span| span.0.to_string()),
            last: file.reading.span.map(|span| span.1.to_string()),
            clock: Some(self.file_clock(file, placing)),
            foreign: self.case.foreign.contains(&at),
            damage_count: file.reading.damage.count(),
            damage: Some(file.reading.damage.clone()),
            left_out: file.dropped,
            error: None,
        }
    }

    fn update(&self, update: &Update) -> UpdateReport {
        let identity = &update.identity;
        let names = [&identity.kb, &identity.title, &identity.package, &identity.guid];
        let name = names.into_iter().flatten().next().cloned().unwrap_or_else(|| self.label("an_update"));
        let cured = update.cured_by.and_then(|at| self.case.attempts.get(at));
        let skipped = update.attempts.len().saturating_sub(MOST_ATTEMPTS);
        let attempts = update.attempts.iter().skip(skipped).filter_map(|&at| {
            let attempt = self.case.attempts.get(at)?;
            Some(self.attempt(at, attempt, update.assumed.contains(&at)))
        });
        UpdateReport {
            name,
            kb: identity.kb.clone(),
            title: identity.title.clone(),
            package: identity.package.clone(),
            guid: identity.guid.clone(),
            brings: update.brings.map(|(build, revision)| format!("{build}.{revision}")),
            outcome: update.outcome,
            outcome_text: self.label(&format!("attempt_{}", id(update.outcome))),
            rolled_back: update.rolled_back,
            phase: self.phase(update.phase),
            code: update.code.map(|code| self.code(code)),
            cured_by: cured.and_then(|attempt| time(attempt.last)),
            background: update.background,
            attempts: attempts.collect(),
        }
    }

    fn attempt(&self, at: usize, attempt: &Attempt, assumed: bool) -> AttemptReport {
        AttemptReport {
            number: at + 1,
            first: time(attempt.first),
            last: time(attempt.last),
            phase: self.phase(attempt.phase),
            outcome: attempt.outcome,
            outcome_text: self.label(&format!("attempt_{}", id(attempt.outcome))),
            code: attempt.code.map(|code| self.code(code)),
            codes: attempt.codes.iter().map(|&code| hex(code)).collect(),
            client: attempt.client.clone(),
            assumed,
            lines: attempt.proofs.iter().take(MOST_LINES).map(|proof| self.proof(proof)).collect(),
            joined: attempt
                .joined
                .iter()
                .map(|joined| JoinReport {
                    source: self.source(joined.file),
                    file: self.case.name(joined.file).to_owned(),
                    line: Some(joined.line),
                    event_id: None,
                    by: JoinedWith::Attempt(joined.by),
                })
                .collect(),
        }
    }

    /// Causes and remarks, each kind ranked.
    fn findings(&self) -> (Vec<CaseFinding>, Vec<CaseFinding>) {
        let (mut causes, mut notes) = (Vec::new(), Vec::new());
        for finding in &self.case.findings {
            let list = match finding.kind {
                crate::logs::SignatureKind::Cause => &mut causes,
                crate::logs::SignatureKind::Note => &mut notes,
            };
            list.push(self.finding(list.len() + 1, finding));
        }
        (causes, notes)
    }

    fn finding(&self, rank: usize, finding: &Finding) -> CaseFinding {
        let first = finding.proofs.first();
        CaseFinding {
            rank,
            rule: finding.id.clone(),
            kind: finding.kind,
            source: first.map_or("", |proof| self.source(proof.file)),
            title: finding.title(self.language),
            text: finding.text(self.language),
            confidence: finding.confidence,
            code: finding.code.map(|code| self.code(code)),
            deep: finding.deep.filter(|_| finding.deep != finding.code).map(|code| self.code(code)),
            path: finding.items.iter().find_map(typed_path),
            items: finding.items.clone(),
            explains: finding.attempts.iter().map(|at| at + 1).collect(),
            file: first.map(|proof| self.case.name(proof.file).to_owned()),
            line: first.map(|proof| proof.line),
            event_id: None,
            record_time: first.and_then(|proof| time(proof.at)),
            lines: finding.proofs.iter().take(MOST_LINES).map(|proof| self.proof(proof)).collect(),
            joined: Vec::new(),
            remedies: self.remedies(finding),
            boot_log: None,
        }
    }

    fn remedies(&self, finding: &Finding) -> Vec<RemedyReport> {
        let path = finding.items.iter().find_map(typed_path);
        let component = finding.items.iter().find_map(component_folder);
        let component = component.unwrap_or(UNKNOWN_COMPONENT);
        let folder = path.as_deref().and_then(|path| path.rsplit_once('\\')).map(|(folder, _)| folder);
        let key = finding.items.iter().find_map(typed_key);
        let fill_one = |text: &str| {
            let text = text.replace("{path}", path.as_deref().unwrap_or_default());
            let text = text.replace("{folder}", folder.unwrap_or_default());
            let text = text.replace("{key}", key.as_deref().unwrap_or_default());
            text.replace("{component}", component).replace("{drive}", "C:")
        };
        let names = [("{path}", path.is_some()), ("{folder}", folder.is_some()), ("{key}", key.is_some())];
        let fill = |commands: &[String]| -> Vec<String> {
            let is_usable =
                |command: &&String| names.iter().all(|(name, known)| *known || !command.contains(name));
            let usable = commands.iter().filter(is_usable);
            usable.map(|command| fill_one(command)).collect()
        };
        let known = |id: &String| {
            if let Some(remedy) = self.signatures.remedy(id) {
                let text = finding.fill(remedy.text.get(self.language));
                let commands =
                    |commands: &[String]| fill(&commands.iter().map(|c| finding.fill(c)).collect::<Vec<_>>());
                return Some((remedy.risk, text, commands(remedy.commands), commands(remedy.offline)));
            }
            let remedy = self.knowledge.remedy(id)?;
            let text = fill_one(remedy.text.get(self.language));
            Some((remedy.risk, text, fill(&remedy.commands), fill(&remedy.offline)))
        };
        let report = |id: &String| {
            let (risk, text, commands, offline) = known(id)?;
            Some(RemedyReport {
                id: id.clone(),
                risk,
                risk_text: self.knowledge.labels.report.risk.of(risk).get(self.language).to_owned(),
                text,
                commands,
                offline,
            })
        };
        finding.remedies.iter().filter_map(report).collect()
    }

    fn scans(&self) -> Vec<ScanReport> {
        let scan = |placed: &crate::logs::case::PlacedScan| ScanReport {
            time: time(placed.at),
            file: self.case.name(placed.file).to_owned(),
            line: placed.line,
            operation: placed.scan.operation.clone(),
            result: placed.scan.result.map(hex),
            detected: placed.scan.detected,
            is_counted: !placed.scan.result.is_some_and(is_failure),
            left: placed.scan.left().count(),
            items: placed.scan.items.clone(),
        };
        self.case.scans.iter().map(scan).collect()
    }

    /// Events of all logs in order; `more` are those of boot logs.
    pub(super) fn timeline(&self, more: Vec<(At, TimelineEntry)>) -> Vec<TimelineEntry> {
        let mut entries = more;
        let mut push = |at: Option<At>, file: usize, line: u32, what: &'static str, text: String| {
            if let Some(at) = at {
                let time = at.to_time().to_string();
                let (source, file) = (self.source(file), self.case.name(file).to_owned());
                let (line, event_id) = (Some(line), None);
                entries.push((at, TimelineEntry { time, source, file, line, event_id, what, text }));
            }
        };
        for boot in &self.case.boots {
            push(boot.at, boot.file, boot.line, "boot", self.label("boot"));
        }
        for scan in &self.case.scans {
            push(scan.at, scan.file, scan.line, "scan", scan.scan.operation.clone());
        }
        for attempt in self.case.attempts.iter().filter(|attempt| !attempt.background) {
            for proof in attempt.proofs.iter().take(MOST_LINES) {
                push(proof.at, proof.file, proof.line, "attempt", proof.quote.clone());
            }
        }
        for finding in &self.case.findings {
            for proof in finding.proofs.iter().take(MOST_LINES) {
                push(proof.at, proof.file, proof.line, "proof", proof.quote.clone());
            }
        }
        let place = |entry: &TimelineEntry| (entry.file.clone(), entry.line, entry.event_id);
        entries.sort_by_cached_key(|(at, entry)| (at.is_utc, at.ticks, place(entry)));
        entries.dedup_by(|(_, b), (_, a)| place(a) == place(b) && a.what != "phase");
        // The end of a case says more than its beginning.
        let skipped = entries.len().saturating_sub(MOST_ENTRIES);
        entries.into_iter().skip(skipped).map(|entry| entry.1).collect()
    }
}

/// What the checks of the component store say together.
fn store_verdict(case: &Case) -> Option<&'static str> {
    let found = |ids: &[&str]| case.findings.iter().any(|finding| ids.contains(&finding.id.as_str()));
    if found(&["TX-SHIFTING-DAMAGE"]) {
        Some("shifting")
    } else if found(&["TX-CBS-STORE", "TX-ONE-COMPONENT-PATCHED"]) {
        Some("damaged")
    } else if found(&["TX-CBS-STORE-UNKNOWN"]) {
        Some("not-counted")
    } else {
        (!case.scans.is_empty()).then_some("healthy")
    }
}

/// An item as a path that can be typed: items of the component store are named from their folder on.
pub(super) fn typed_path(item: &Item) -> Option<String> {
    match item {
        Item::File(name) if name.get(1..2) == Some(":") => Some(name.clone()),
        Item::Task(name) => {
            Some(format!(r"C:\Windows\System32\Tasks{name}")).filter(|_| name.starts_with('\\'))
        }
        Item::Program(name) => Some(name.clone()),
        // The identity of a component is no folder.
        Item::Component(name) if Component::parse(name).is_none() => None,
        Item::File(name) | Item::Component(name) if !name.contains(", version ") => {
            Some(format!(r"C:\Windows\WinSxS\{name}"))
        }
        _ => None,
    }
}

/// The registry key of an item.
fn typed_key(item: &Item) -> Option<String> {
    let Item::Service(name) = item else { return None };
    Some(format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{name}"))
}

/// The folder of the component that an item is, or lies in.
fn component_folder(item: &Item) -> Option<&str> {
    let (Item::File(name) | Item::Component(name)) = item else { return None };
    let mut folders = name.split('\\');
    folders.find(|folder| Component::parse(folder).is_some())
}
