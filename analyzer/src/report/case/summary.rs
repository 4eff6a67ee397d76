//! The headline of a case, and the case in four paragraphs.

use super::build::Builder;
use super::model::{CaseFinding, CaseReport, CaseSummary, CodeReport, CollectReport};
use crate::logs::case::{CaseOutcome, Phase};
use crate::report::letter::paragraphs;
use crate::report::model::RemedyReport;
use crate::report::printable::printable_lines;

/// Causes that a summary names.
const NAMED: usize = 3;

impl Builder<'_> {
    /// Writes headline and summary, which rest on everything else in the report.
    pub(super) fn summarize(&self, report: &mut CaseReport) {
        let update = report.update.and_then(|at| report.updates.get(at));
        let by_boot_log = self.case.outcome != CaseOutcome::Failed && report.outcome == CaseOutcome::Failed;
        let is_search = report.phase.as_ref().is_some_and(|phase| phase.id == Phase::Scan);
        let key = match (report.outcome, update) {
            (CaseOutcome::Failed, _) if by_boot_log => "problem_rolled-back",
            (CaseOutcome::Failed, None) if is_search => "problem_search",
            (CaseOutcome::Failed, _) => "problem_failed",
            (CaseOutcome::WaitsForRestart, _) => "problem_waits-for-restart",
            (CaseOutcome::Installed, _) => "problem_installed",
            (CaseOutcome::Nothing, _) => "problem_nothing",
        };
        let name = match update {
            None => self.label("an_update"),
            Some(update) => match &update.brings {
                Some(brings) => format!("{} ({brings})", update.name),
                None => update.name.clone(),
            },
        };
        let machine = report.machine.computer.clone().unwrap_or_else(|| self.label("this_machine"));
        let code = report.code.as_ref().map_or_else(|| "–".to_owned(), named);
        let problem = self
            .label(key)
            .replace("{update}", &name)
            .replace("{machine}", &machine)
            .replace("{phase}", report.phase.as_ref().map_or("–", |phase| phase.text.as_str()))
            .replace("{code}", &code);
        // A check of the store may find damage without a failed update, and so may a boot log.
        let cause = report.findings.first();
        report.headline = match cause {
            _ if report.inconclusive => format!("{problem} {}", self.label("inconclusive")),
            Some(finding) => format!("{problem} {}", finding.title),
            None => problem.clone(),
        };
        let colon = self.label("colon");
        let mut analysis: Vec<String> = Vec::new();
        for finding in report.findings.iter().take(NAMED) {
            let place = place(finding);
            analysis.push(format!("{}. {}{colon}{}{place}", finding.rank, finding.title, finding.text));
        }
        if report.findings.is_empty() && report.outcome == CaseOutcome::Failed {
            analysis.push(self.label("no_cause"));
        }
        analysis.extend(report.notes.iter().map(|note| format!("{}{colon}{}", note.title, note.text)));
        analysis.extend(report.limits.iter().map(|limit| limit.text.clone()));
        if report.outcome == CaseOutcome::Failed && !report.boot_log_helps {
            analysis.push(self.label("no_boot_log"));
        }
        if analysis.is_empty() {
            analysis.push(self.label("nothing_failed"));
        }
        let step = |remedy: &RemedyReport| {
            let commands: String = remedy.commands.iter().map(|command| format!("\n   {command}")).collect();
            format!("{}{commands}", remedy.text)
        };
        let mut steps: Vec<String> = report.steps.iter().map(step).collect();
        let collect =
            |next: &CollectReport| format!("{}{colon}{} {}", self.label("collect"), next.text, next.why);
        steps.extend(report.next.iter().map(collect));
        if steps.is_empty() {
            steps.push(self.label("nothing_more"));
        }
        let steps: Vec<String> =
            steps.iter().enumerate().map(|(at, step)| format!("{}. {step}", at + 1)).collect();
        let clean = |text: &str| printable_lines(text);
        report.summary = CaseSummary {
            problem: clean(&problem),
            analysis: clean(&analysis.join("\n")),
            next: clean(&steps.join("\n")),
            conclusion: clean(&report.headline),
        };
        let CaseSummary { problem, analysis, next, conclusion } = &report.summary;
        let texts = &self.knowledge.labels.report.mail;
        report.mail = paragraphs(texts, self.language, [problem, analysis, next, conclusion]);
    }
}

/// Where a finding is proved first.
fn place(finding: &CaseFinding) -> String {
    match (&finding.file, finding.line, finding.event_id) {
        (Some(file), Some(line), _) => format!(" ({file}:{line})"),
        (Some(file), None, Some(event)) => format!(" ({file} #{event})"),
        _ => String::new(),
    }
}

/// A code with its name.
fn named(code: &CodeReport) -> String {
    match &code.symbol {
        Some(symbol) => format!("{} {symbol}", code.code),
        None => code.code.clone(),
    }
}
