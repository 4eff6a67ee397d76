//! What a report says of findings and notes.

use super::build::{Builder, MOST_CITED, shown_target, text_of};
use super::model::{
    CommandReport, ComponentReport, EventReport, FindingReport, Interfering, LineReport, Note, ReasonReport,
    RemedyReport,
};
use super::volume::Volume;
use crate::boot::ProcessInfo;
use crate::component::Component;
use crate::evidence::{Citation, Code, Observation};
use crate::judge::{Failure, Finding, Holder};
use crate::knowledge::{RemedyEntry, Rule};
use pml_parser::{
    Event, EventClass, EventId, FileTime, NtStatus, Number, Operation, Resolution, TextOptions,
};

/// What commands have for the folder of a component where none is known.
pub(super) const UNKNOWN_COMPONENT: &str = "COMPONENT";

/// How the files of Windows name their company.
const MICROSOFT: &str = "Microsoft";

/// What a finding is about.
struct Main<'a> {
    /// The event, where it is about one.
    id: Option<EventId>,
    event: Option<Event<'a>>,
    /// What a log says, where it is about that.
    observation: Option<&'a Observation>,
    /// When it happened, as far as that is known.
    time: Option<FileTime>,
}

/// Operations whose path ends with the name of a value.
const VALUE_OPERATIONS: [Operation; 3] =
    [Operation::REG_QUERY_VALUE, Operation::REG_SET_VALUE, Operation::REG_DELETE_VALUE];

impl<'a, B: AsRef<[u8]>> Builder<'a, B> {
    pub(super) fn note(&self, note: &Finding) -> Note {
        let rule = &self.knowledge.rules[note.rule];
        let role = self.word(&self.texts().role.shows);
        let main = note.cited.first().and_then(|cited| cited.citation.as_event());
        let cited = note.cited.iter().take(MOST_CITED).map(|cited| (cited.citation, role));
        let (events, lines) = self.cite(cited);
        Note {
            rule: rule.id.clone(),
            title: rule.title.get(self.language).to_owned(),
            text: self.fill(rule.text.get(self.language), main, note),
            events,
            lines,
        }
    }

    /// What a finding is about. Where nothing shows it, that is the beginning of the capture.
    fn main(&self, finding: &Finding) -> Main<'a> {
        let citation = finding.main(self.triage.verdict().failures()).unwrap_or(Citation::event(0));
        let observation = self.triage.observation(citation).map(|(_, observation)| observation);
        let id = citation.as_event();
        let time = match observation {
            Some(observation) => observation.time.map(|time| time.at),
            None => id.map(|id| self.time(id)),
        };
        Main { id, event: id.and_then(|id| self.event(id)), observation, time }
    }

    pub(super) fn finding(&self, rank: usize, finding: &Finding) -> FindingReport {
        let (verdict, knowledge, language) = (self.triage.verdict(), self.knowledge, self.language);
        let rule = &knowledge.rules[finding.rule];
        let failure = finding.failures.first().and_then(|&at| verdict.failures().get(at));
        let Main { id, event, observation, time } = self.main(finding);
        let process = event.as_ref().and_then(|event| self.process(event));
        let status = event.map_or(NtStatus::SUCCESS, |event| event.status());
        // How a process ended matters, not that its end could be recorded.
        let exit = event.and_then(|event| event.numbers().get(Number::ExitStatus)).map(|exit| exit as u32);
        let path = event
            .map(|event| text_of(|out| event.push_path(&TextOptions::default(), out)))
            .unwrap_or_default();
        let (phase, phase_name) = self.phase(id.and_then(|id| verdict.phase_of(id)));
        let last = failure.map(|failure| self.time(failure.group.last)).or(time);
        let code = observation.and_then(|observation| observation.code).unwrap_or(Code::Status(status));
        let hresult = match code {
            Code::Status(status) => status.is_error().then(|| knowledge.codes.hresult_of(status)),
            Code::Hresult(code) => Some(code),
        };
        let hresult = hresult.and_then(|code| knowledge.codes.hresult(code));
        let (events, lines) = self.evidence(rule, finding);
        let at = time.unwrap_or(self.first);
        FindingReport {
            rank,
            rule: rule.id.clone(),
            bucket: rule.bucket.clone(),
            rule_status: rule.status,
            title: self.fill(rule.title.get(language), id, finding),
            text: self.fill(rule.text.get(language), id, finding)
                + &self.volume_sentence(event.as_ref())
                + &self.call_path(event.as_ref()),
            why: self.fill(rule.why.get(language), id, finding),
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
            target: event.as_ref().and_then(shown_target),
            component: self.component(event.as_ref(), &path),
            path,
            status: match exit {
                Some(exit) => self.exit(exit),
                None => self.code(code),
            },
            hresult_text: hresult.map(|entry| format!("{}: {}", entry.symbol, entry.text(language))),
            hresult_layer: hresult.map(|entry| entry.layer.clone()),
            process: process.map(|process| process.name.clone()).unwrap_or_default(),
            pid: process.map_or(0, |process| process.pid),
            tid: event.map_or(0, |event| event.tid()),
            operation: event.map_or("", |event| event.operation().name()).to_owned(),
            phase,
            phase_name,
            time: at.to_string(),
            local_time: self.clock.say(at),
            seconds: self.seconds(at),
            last_time: last.unwrap_or(at).to_string(),
            attempts: self.attempts(finding),
            events,
            lines,
            consequences: self.consequences(finding),
            counter_evidence: self.counter_evidence(rule, finding, failure),
            interfering: self.interfering(finding),
            remedies: self.remedies(rule, finding, event.as_ref()),
            commands: self.commands(rule, time, process),
            references: rule.references.clone(),
        }
    }

    /// How often the failure happened that a finding is about: with this process, operation, path and status.
    pub(super) fn attempts(&self, finding: &Finding) -> u64 {
        let main = finding.failures.first().and_then(|&at| self.triage.verdict().failures().get(at));
        main.map_or(1, |failure| failure.group.count).max(1)
    }

    pub(super) fn component(&self, event: Option<&Event<'_>>, path: &str) -> Option<ComponentReport> {
        let target = || event.and_then(|event| event.target_path()).map(|target| target.to_string());
        let component =
            Component::in_path(path).or_else(|| target().and_then(|target| Component::in_path(&target)))?;
        let kb = self.knowledge.update(component.build, component.revision).map(str::to_owned);
        let product = self.knowledge.product(component.build).map(str::to_owned);
        Some(ComponentReport { component, kb, product })
    }

    /// The failures of a finding and what else shows it, in the order of events.
    pub(super) fn evidence(&self, rule: &Rule, finding: &Finding) -> (Vec<EventReport>, Vec<LineReport>) {
        let roles = &self.texts().role;
        let mut cited: Vec<(Citation, &str)> = Vec::new();
        for (at, &failure) in finding.failures.iter().take(MOST_CITED).enumerate() {
            let Some(failure) = self.triage.verdict().failures().get(failure) else { continue };
            let (first, last) = (failure.group.first, failure.group.last);
            let (for_first, for_last) =
                if at == 0 { (&roles.first, &roles.last) } else { (&roles.same, &roles.same) };
            cited.push((Citation::event(first), self.word(for_first)));
            if last != first {
                cited.push((Citation::event(last), self.word(for_last)));
            }
        }
        for entry in finding.cited.iter().take(2 * MOST_CITED) {
            let text = entry.evidence.and_then(|at| rule.when.evidence.get(at));
            let text = self.word(text.map_or(&roles.shows, |evidence| &evidence.text));
            if !cited.iter().any(|known| known.0 == entry.citation) {
                cited.push((entry.citation, text));
            }
        }
        cited.sort();
        self.cite(cited.into_iter())
    }

    pub(super) fn consequences(&self, finding: &Finding) -> Vec<EventReport> {
        let role = self.word(&self.texts().role.follows);
        let all = self.triage.verdict().failures();
        let failures = finding.consequences.iter().filter_map(|&at| all.get(at));
        failures.take(MOST_CITED).filter_map(|failure| self.cite_event(failure.group.first, role)).collect()
    }

    pub(super) fn counter_evidence(
        &self,
        rule: &Rule,
        finding: &Finding,
        main: Option<&Failure>,
    ) -> Vec<String> {
        let mut texts = Vec::new();
        if main.is_some_and(|failure| failure.group.resolved_by.is_some()) {
            texts.push(self.word(&self.texts().later_succeeded).to_owned());
        }
        if self.triage.facts().has("parts-missing") {
            texts.push(self.word(&self.texts().parts_missing).to_owned());
        }
        if self.triage.facts().has("log-ends-early") {
            texts.push(self.word(&self.texts().capture_cut_short).to_owned());
        }
        let missing = finding.missing.iter().filter_map(|&at| rule.when.evidence.get(at));
        texts.extend(
            missing
                .filter(|evidence| !evidence.not)
                .map(|e| self.word(&self.texts().not_seen).replace("{text}", self.word(&e.text))),
        );
        texts
    }

    pub(super) fn interfering(&self, finding: &Finding) -> Vec<Interfering> {
        let report = |holder: &Holder| {
            let process = self.triage.processes().get(holder.process)?;
            let time = self.time(holder.event);
            let texts = &self.texts().interfering;
            let text = match (holder.held, holder.touched) {
                _ if holder.removed => &texts.removed,
                (true, _) => &texts.held,
                (false, true) => &texts.touched,
                // It had nothing to do with a file: it is a child of the stack that was still running.
                (false, false) => &texts.running,
            };
            let seconds = format!("{:.1}", self.seconds(time));
            let foreign = !process.company.contains(MICROSOFT);
            // A program of Microsoft may hold a file for a module of another company that is inside it, or for a filter
            // driver that the call went through.
            let mut modules = if foreign { Vec::new() } else { self.foreign_modules(process) };
            for module in self.event(holder.event).map_or_else(Vec::new, |event| foreign_frames(&event)) {
                if !foreign && !modules.contains(&module) {
                    modules.push(module);
                }
            }
            Some(Interfering {
                modules,
                process: process.name.clone(),
                pid: process.pid,
                image_path: process.image_path.clone(),
                company: process.company.clone(),
                foreign,
                held: holder.held,
                text: self.word(text).replace("{seconds}", &seconds),
                event_id: holder.event,
                time: time.to_string(),
            })
        };
        finding.holders.iter().filter_map(report).collect()
    }

    /// Code of other companies than Microsoft that a failed call went through, as a sentence: filter drivers and modules
    /// that were loaded into the program.
    fn call_path(&self, event: Option<&Event<'_>>) -> String {
        let failed = event.filter(|event| event.status().is_error());
        let found = failed.map_or_else(Vec::new, foreign_frames);
        if found.is_empty() {
            return String::new();
        }
        format!(" {}", self.word(&self.texts().in_call_path).replace("{modules}", &found.join(", ")))
    }

    /// Modules inside a process that name another company than Microsoft, by their paths.
    fn foreign_modules(&self, process: &ProcessInfo) -> Vec<String> {
        /// Modules that are named.
        const MOST: usize = 8;
        let records = self.set.parts().flat_map(|log| log.processes());
        let own = records.filter(|record| record.pid() == process.pid && record.start() == process.start);
        let mut found: Vec<String> = Vec::new();
        for module in own.flat_map(|record| record.modules()) {
            let company = module.company().to_string();
            let path = module.path().to_string();
            if found.len() < MOST
                && !company.is_empty()
                && !company.contains(MICROSOFT)
                && !found.contains(&path)
            {
                found.push(path);
            }
        }
        found
    }

    pub(super) fn remedies(
        &self,
        rule: &Rule,
        finding: &Finding,
        event: Option<&Event<'_>>,
    ) -> Vec<RemedyReport> {
        let (class, is_held) = (self.class(finding), !finding.holders.is_empty());
        let volume = event.and_then(|event| self.other_volume(event));
        let has_no_letter = matches!(volume, Some(Volume::Device(..)));
        let own = event.map(|event| {
            let path = text_of(|out| event.push_path(&TextOptions::default(), out));
            if has_no_letter { typed_without_letter(&path) } else { typed(&path, self.drive()) }
        });
        // The internal files of NTFS cannot be opened by name; a file that went missing with them can.
        let is_hidden = own.as_ref().is_some_and(|path| path.contains(r"\$Extend\"));
        let named = if is_hidden { self.missing_file() } else { own };
        // Commands about a file cannot take a key of the registry, and the reverse.
        let is_key = event.is_some_and(|event| event.class() == EventClass::Registry);
        let (path, key) = if is_key { (None, named) } else { (named, None) };
        // The path of a value is its key and its name.
        let is_value = event.is_some_and(|event| VALUE_OPERATIONS.contains(&event.operation()));
        let key = match key.as_deref().and_then(|key| key.rsplit_once('\\')) {
            Some((key, _)) if is_value => Some(key.to_owned()),
            _ => key,
        };
        let link = self.link(finding);
        // What checks or clears a volume is about the one that failed.
        let status = event.map_or(NtStatus::SUCCESS, |event| event.status());
        let kind = &self.knowledge.codes.status(status).kind;
        let engine = &self.knowledge.engine;
        let is_of_volume = engine.damage_kinds.contains(kind) || engine.full_kinds.contains(kind);
        let drive = match &volume {
            Some(Volume::Drive(letter)) if is_of_volume => Some(letter.as_str()),
            Some(Volume::Device(..)) if is_of_volume => None,
            _ => Some(self.drive()),
        };
        let target = event.and_then(|event| event.target_path()).map(|target| target.to_string());
        let places = [path.as_deref(), target.as_deref()];
        let component = places.into_iter().flatten().find_map(Component::in_path);
        let component = component.map_or_else(|| UNKNOWN_COMPONENT.to_owned(), |found| found.directory);
        // The place that an operation leads to is where a folder may lead elsewhere.
        let place = target.as_deref().map(|target| typed(target, self.drive())).or_else(|| path.clone());
        let folder =
            place.as_deref().and_then(|place| place.rsplit_once('\\')).map_or("FOLDER", |place| place.0);
        // The file of a hive or of a link, where it can be typed: a device path does not say which drive it is.
        let to =
            target.as_deref().filter(|target| !target.starts_with("HK") && !target.starts_with(r"\Device\"));
        let to = to.map(|target| typed(target, self.drive()));
        let fill_one = |text: &str| {
            let text = text.replace("{target}", to.as_deref().unwrap_or("TARGET"));
            let text = text.replace("{path}", path.as_deref().unwrap_or("PATH")).replace("{folder}", folder);
            let text = text.replace("{key}", key.as_deref().unwrap_or("KEY"));
            let text = text.replace("{link}", link.as_deref().unwrap_or("FOLDER"));
            text.replace("{component}", &component).replace("{drive}", drive.unwrap_or_else(|| self.drive()))
        };
        let is_filled = |command: &&String| {
            let names = [
                ("{path}", path.is_some()),
                ("{target}", to.is_some()),
                ("{key}", key.is_some()),
                ("{link}", link.is_some()),
                ("{drive}", drive.is_some()),
            ];
            names.into_iter().all(|(name, is_known)| is_known || !command.contains(name))
        };
        let fill = |commands: &[String]| -> Vec<String> {
            commands.iter().filter(is_filled).map(|text| fill_one(text)).collect()
        };
        let report = |remedy: &RemedyEntry| RemedyReport {
            id: remedy.id.clone(),
            risk: remedy.risk,
            risk_text: self.word(self.texts().risk.of(remedy.risk)).to_owned(),
            text: fill_one(remedy.text.get(self.language)),
            commands: fill(&remedy.commands),
            offline: fill(&remedy.offline),
        };
        let usable = |remedy: &&RemedyEntry| {
            remedy.commands.is_empty() || remedy.commands.iter().any(|command| is_filled(&command))
        };
        // What helps for such an object comes first, and what helps with such a status where no rule knows more.
        let of_class: &[String] = class.map_or(&[], |class| &class.remedies);
        let is_of_kind = |remedy: &&RemedyEntry| {
            rule.when.unexplained && remedy.kinds.iter().any(|own| own.get_ref() == kind)
        };
        let of_kind = self.knowledge.remedies.iter().filter(is_of_kind).map(|remedy| &remedy.id);
        // Rights do not matter where nothing is there: what helps with another status comes last.
        let is_missing = engine.missing_kinds.contains(kind);
        let fits = |id: &&String| {
            let kinds = self.knowledge.remedy(id).map_or(&[][..], |remedy| &remedy.kinds);
            !is_missing || kinds.is_empty() || kinds.iter().any(|own| own.get_ref() == kind)
        };
        let (of_class, unfit): (Vec<&String>, Vec<&String>) = of_class.iter().partition(fits);
        let mut ids = of_class.clone();
        for id in of_kind.chain(&rule.remedies).chain(unfit) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        // The object itself is sound where another program has it.
        if is_held {
            ids.rotate_left(of_class.len());
        }
        let all = ids.into_iter().filter_map(|id| self.knowledge.remedy(id));
        all.filter(usable).map(report).collect()
    }

    /// The junction, mount point or symbolic link that led to what failed, in the form that is typed: what is left of the
    /// path that was opened without what it has in common with the path that it led to.
    pub(super) fn link(&self, finding: &Finding) -> Option<String> {
        let leads_on = NtStatus::from_text("REPARSE")?;
        let cited = finding.cited.iter().filter_map(|cited| cited.citation.as_event());
        let opened = cited.filter_map(|id| self.event(id)).find(|event| event.status() == leads_on)?;
        let text = |event: &Event<'_>| text_of(|out| event.push_path(&TextOptions::default(), out));
        let main = self.main(finding).event?;
        let target = main.target_path().map(|target| target.to_string());
        let (opened, led_to) = (text(&opened), target.unwrap_or_else(|| text(&main)));
        Some(typed(link_in(&opened, &led_to), self.drive()))
    }

    /// The file of a component that a finding is about, in the form that is typed.
    pub(super) fn missing_file(&self) -> Option<String> {
        self.triage.verdict().causes().iter().find_map(|finding| {
            let id = finding.main(self.triage.verdict().failures())?.as_event()?;
            let event = self.event(id)?;
            let path = text_of(|out| event.push_path(&TextOptions::default(), out));
            Component::in_path(&path)?;
            Some(typed(&path, self.drive()))
        })
    }

    /// The drive that Windows is on.
    pub(super) fn drive(&self) -> &'a str {
        let root = self.set.part(0).map(|log| log.system_root().to_str());
        match root.as_deref().and_then(|root| root.get(..2)) {
            Some(drive) => {
                DRIVES.iter().find(|known| known.eq_ignore_ascii_case(drive)).copied().unwrap_or("C:")
            }
            None => "C:",
        }
    }

    /// Commands that look closer: at the events around the time, and at the rule.
    fn commands(
        &self,
        rule: &Rule,
        time: Option<FileTime>,
        process: Option<&ProcessInfo>,
    ) -> Vec<CommandReport> {
        let slice = time.map(|time| {
            let seconds = self.seconds(time);
            let (from, to) = ((seconds - 2.0).max(0.0), seconds + 5.0);
            let pid = process.map(|process| format!("pid = {} and ", process.pid)).unwrap_or_default();
            let command = format!(
                "pml slice {} -o around.pml --where \"{pid}time between {from:.3}s and {to:.3}s\"",
                quoted(&self.origin.argument)
            );
            CommandReport { text: self.word(&self.texts().slice_around).to_owned(), command }
        });
        let explain = CommandReport {
            text: self.word(&self.texts().explain_rule).to_owned(),
            command: format!("pml rules {}", rule.id),
        };
        slice.into_iter().chain([explain]).collect()
    }
}

/// Modules and drivers of other companies than Microsoft that a call went through, by their paths.
fn foreign_frames(event: &Event<'_>) -> Vec<String> {
    /// Frames that are looked at, and modules that are named.
    const MOST_FRAMES: usize = 64;
    const MOST: usize = 4;
    let mut found: Vec<String> = Vec::new();
    for address in event.stack().addresses().take(MOST_FRAMES) {
        let location = event.locate(address, Resolution::Corrected);
        let Some(module) = location.map(|location| location.module) else { continue };
        let (company, path) = (module.company().to_string(), module.path().to_string());
        let is_foreign = !company.is_empty() && !company.contains(MICROSOFT);
        if is_foreign && found.len() < MOST && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

const DRIVES: [&str; 26] = [
    "A:", "B:", "C:", "D:", "E:", "F:", "G:", "H:", "I:", "J:", "K:", "L:", "M:", "N:", "O:", "P:", "Q:",
    "R:", "S:", "T:", "U:", "V:", "W:", "X:", "Y:", "Z:",
];

/// The part of a path at which it leads to another one: what both end with comes after it. At least one name stays, as
/// a folder often leads to one of the same name on another drive.
fn link_in<'a>(opened: &'a str, led_to: &str) -> &'a str {
    let mut rest = opened;
    let mut names = led_to.rsplit('\\');
    while let Some((before, name)) = rest.rsplit_once('\\') {
        let is_last = !before.contains('\\') || before.ends_with(':') || is_device(before);
        if is_last || names.next().is_none_or(|other| !other.eq_ignore_ascii_case(name)) {
            break;
        }
        rest = before;
    }
    rest
}

/// Whether a path is that of a volume as a whole, without a letter.
fn is_device(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.strip_prefix(r"\device\").is_some_and(|volume| !volume.contains('\\'))
}

/// A path in the form that is typed: with a drive. Characters that would end a quoted argument or begin
/// another command cannot be part of a Windows path, and are left out.
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
    let typed: String = typed.chars().filter(|c| !c.is_control() && !"\"<>|&^%`".contains(*c)).collect();
    // To PowerShell, a command inside a text.
    typed.replace("$(", "(")
}

/// The same for a path on a volume without a letter, which programs reach by the name of its device.
fn typed_without_letter(path: &str) -> String {
    format!(r"\\?\GLOBALROOT{}", typed(&format!(r"\??\{path}"), ""))
}

/// An argument that a shell takes as one word. What a shell would look into is left out: the name of a log
/// may come from a zip file of a stranger.
fn quoted(argument: &str) -> String {
    let plain = argument.chars().all(|c| c.is_alphanumeric() || r"._-/\:".contains(c));
    if plain {
        return argument.to_owned();
    }
    let harmless = |c: &char| !c.is_control() && !"\"`$!%".contains(*c);
    format!("\"{}\"", argument.chars().filter(harmless).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{link_in, typed_without_letter};

    #[test]
    fn a_link_is_what_two_paths_do_not_have_in_common() {
        for (opened, led_to, link) in [
            (r"C:\inetpub", r"C:\Windows\System32\notepad.exe", r"C:\inetpub"),
            (r"C:\ProgramData\A\b.lnk", r"D:\Data\A\b.lnk", r"C:\ProgramData"),
            (r"C:\ProgramData\A\b.lnk", r"D:\ProgramData\a\B.LNK", r"C:\ProgramData"),
            (
                r"\Device\HarddiskVolume3\ProgramData\b",
                r"D:\ProgramData\b",
                r"\Device\HarddiskVolume3\ProgramData",
            ),
            (r"\??\C:\ProgramData\b", r"D:\ProgramData\b", r"\??\C:\ProgramData"),
            ("", "", ""),
        ] {
            assert_eq!(link_in(opened, led_to), link, "{opened} -> {led_to}");
        }
    }

    #[test]
    fn a_path_on_a_volume_without_a_letter_is_typed_by_its_device() {
        assert_eq!(
            typed_without_letter(r"\Device\HarddiskVolume1\EFI\a.efi"),
            r"\\?\GLOBALROOT\Device\HarddiskVolume1\EFI\a.efi"
        );
    }
}
