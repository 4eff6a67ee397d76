//! The headline of a case, and the case in four paragraphs.

use super::build::Builder;
use super::model::{CaseReport, CodeReport};
use crate::logs::case::CaseOutcome;
use crate::report::printable::printable;

/// Causes and steps that a summary names.
const NAMED: usize = 3;

impl Builder<'_> {
    /// Writes headline and summary, which rest on everything else in the report.
    pub(super) fn summarize(&self, report: &mut CaseReport) {
        let update = report.update.and_then(|at| report.updates.get(at));
        let key = match (report.outcome, update) {
            (CaseOutcome::Failed, None) => "problem_search",
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
            .replace("{phase}", report.phase_text.as_deref().unwrap_or("–"))
            .replace("{code}", &code);
        report.headline = match report.findings.first() {
            Some(finding) => format!("{problem} {}", finding.title),
            None => problem.clone(),
        };
        let mut lines = vec![format!("【{}】", self.label("summary_problem")), problem];
        lines.push(format!("【{}】", self.label("summary_analysis")));
        for finding in report.findings.iter().take(NAMED) {
            let proof = finding
                .lines
                .first()
                .map(|line| format!(" ({}:{})", line.file, line.line))
                .unwrap_or_default();
            lines.push(format!("{}. {}: {}{proof}", finding.rank, finding.title, finding.text));
        }
        if report.findings.is_empty() && report.outcome == CaseOutcome::Failed {
            lines.push(self.label("no_cause"));
        }
        lines.extend(report.limits.iter().cloned());
        if report.outcome == CaseOutcome::Failed && !report.boot_log_helps {
            lines.push(self.label("no_boot_log"));
        }
        lines.push(format!("【{}】", self.label("summary_next")));
        let mut steps = Vec::new();
        for remedy in report.findings.iter().take(NAMED).flat_map(|finding| &finding.remedies) {
            if !steps.iter().any(|(id, _)| *id == remedy.id) {
                let commands: String =
                    remedy.commands.iter().map(|command| format!("\n   {command}")).collect();
                steps.push((remedy.id.clone(), format!("{}{commands}", remedy.text)));
            }
        }
        let collect = report.collect.iter().map(|collect| {
            (collect.id.clone(), format!("{}: {} {}", self.label("collect"), collect.what, collect.why))
        });
        steps.extend(collect);
        lines.extend(steps.iter().enumerate().map(|(at, step)| format!("{}. {}", at + 1, step.1)));
        if steps.is_empty() {
            lines.push(self.label("nothing_more"));
        }
        lines.push(format!("【{}】", self.label("summary_conclusion")));
        lines.push(report.headline.clone());
        report.summary =
            lines.iter().flat_map(|line| line.split('\n')).map(printable).collect::<Vec<_>>().join("\n");
    }
}

/// A code with its name.
fn named(code: &CodeReport) -> String {
    match &code.symbol {
        Some(symbol) => format!("{} {symbol}", code.code),
        None => code.code.clone(),
    }
}
