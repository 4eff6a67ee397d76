//! Texts that a report fills in and puts together.

use super::build::{Builder, shown_target, text_of};
use super::cite::{hex, result, symbol};
use super::letter::paragraphs;
use super::model::Report;
use super::printable::printable;
use crate::component::Package;
use crate::judge::{Finding, RollbackClass};
use crate::knowledge::{MailTexts, PathClass};
use crate::language::Text;
use pml_parser::{EventId, NtStatus, Number, TextOptions};

impl<B: AsRef<[u8]>> Builder<'_, B> {
    pub(super) fn mail(&self, report: &Report) -> String {
        let texts = &self.texts().mail;
        let MailTexts { captured, cause, also, no_cause, next, nothing_failed, nothing_more, .. } = texts;
        let captured = self
            .word(captured)
            .replace("{computer}", &report.machine.computer)
            .replace("{windows}", report.machine.product.as_deref().unwrap_or(&report.machine.windows))
            .replace("{first}", &report.capture.first_local)
            .replace("{boot}", &report.boot_text);
        let problem = format!("{captured} {}", report.rollback.text);
        let mut analysis = Vec::new();
        for (at, finding) in report.findings.iter().take(3).enumerate() {
            let begin = if at == 0 { cause } else { also };
            let begin = self.word(begin);
            analysis.push(format!("{begin}{} {}", self.sentence(&finding.title), finding.text));
        }
        if report.findings.is_empty() && report.rollback.class > RollbackClass::None {
            analysis.push(self.word(no_cause).to_owned());
        }
        for (note, found) in report.notes.iter().zip(self.triage.verdict().notes()) {
            if self.knowledge.rules[found.rule].in_mail {
                analysis.push(note.text.clone());
            }
        }
        if analysis.is_empty() {
            analysis.push(self.word(nothing_failed).to_owned());
        }
        let mut steps = Vec::new();
        if let Some(finding) = report.findings.first() {
            for (at, remedy) in finding.remedies.iter().enumerate() {
                steps.push(format!("{}. {}", at + 1, remedy.text));
                steps.extend(remedy.commands.iter().map(|command| format!("   {command}")));
            }
        } else if !report.next.is_empty() {
            steps.push(self.word(next).to_owned());
            steps.extend(report.next.iter().take(5).map(|next| format!("- {}", next.text)));
        }
        if steps.is_empty() {
            steps.push(self.word(nothing_more).to_owned());
        }
        let first = report.findings.first().map(|finding| format!(" {}", self.sentence(&finding.title)));
        let conclusion = format!("{}{}", report.headline, first.unwrap_or_default());
        // A path with a line feed in it makes no line of its own.
        let clean =
            |lines: Vec<String>| lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n");
        let [problem, analysis, steps, conclusion] =
            [vec![problem], analysis, steps, vec![conclusion]].map(clean);
        paragraphs(texts, self.language, [&problem, &analysis, &steps, &conclusion])
    }

    /// What the object of a finding is called.
    fn object(&self, finding: &Finding) -> Option<&Text> {
        let class = self.class(finding).and_then(|class| class.object.as_ref());
        class.or(Some(&self.texts().object))
    }

    /// The kind of path that a finding is about.
    pub(super) fn class(&self, finding: &Finding) -> Option<&PathClass> {
        let failure = self.triage.verdict().failures().get(*finding.failures.first()?)?;
        self.knowledge.paths.get(failure.path_class?)
    }

    /// A title as a sentence.
    fn sentence(&self, title: &str) -> String {
        match title.ends_with(['.', '。', '!', '?']) {
            true => title.to_owned(),
            false => format!("{title}{}", self.word(&self.texts().full_stop)),
        }
    }

    /// Fills in the names in braces.
    pub(super) fn fill(&self, text: &str, main: Option<EventId>, finding: &Finding) -> String {
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
        let processes = self.triage.processes();
        let exit = own.or_else(|| Some(self.triage.scan().exit(processes.of(event.as_ref()?))?.status));
        let holders: Vec<String> = finding
            .holders
            .iter()
            .filter_map(|holder| processes.get(holder.process))
            .map(|process| process.name.clone())
            .collect();
        let (folder, file) = path.rsplit_once('\\').unwrap_or(("", &path));
        let value = |name: &str| -> Option<String> {
            let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            match name {
                "path" => known(&path),
                "target" => shown_target(event.as_ref()?),
                // The path that another process had: the second one of a link or a rename may be meant.
                "held" => match finding.holders.iter().any(|holder| holder.is_target) {
                    true => shown_target(event.as_ref()?),
                    false => known(&path),
                },
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
                "hresult" => status.is_error().then(|| hex(self.knowledge.codes.hresult_of(status))),
                "attempts" => Some(self.attempts(finding).to_string()),
                "holder" => known(&holders.join(", ")),
                "phase" => self.phase(main.and_then(|main| self.triage.verdict().phase_of(main))).1,
                "operation" => event.map(|event| event.operation().name().to_owned()),
                "object" => self.object(finding).map(|text| self.word(text).to_owned()),
                "link" => self.link(finding),
                "similar" => Some(finding.similar.max(self.attempts(finding)).to_string()),
                "command" => {
                    process.map(|process| process.command_line.clone()).filter(|line| !line.is_empty())
                }
                "time" => event.map(|event| self.clock.say(event.time())),
                "exit" => exit.map(hex),
                "package" => Package::find(&path).map(|package| package.name),
                _ => None,
            }
        };
        let mut filled = String::with_capacity(text.len() + 200);
        let mut rest = text;
        while let Some((before, after_brace)) = rest.split_once('{') {
            filled.push_str(before);
            match after_brace.split_once('}') {
                Some((name, after)) => {
                    filled.push_str(value(name).as_deref().unwrap_or("–"));
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = after_brace;
                }
            }
        }
        filled + rest
    }
}
