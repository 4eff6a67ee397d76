//! A page over many reports: verdicts and causes by count, machines, a trend by day, and links to the reports.

use super::Redactor;
use super::case::CaseReport;
use super::model::Report;
use super::printable::printable_lines;
use super::render::{Format, Paint, Screen, render, value_of};
use crate::judge::RollbackClass;
use crate::knowledge::{Boot, Knowledge};
use crate::language::Language;
use crate::logs::case::CaseOutcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How grave a verdict is: what its colour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Something failed.
    Bad,
    /// Something may have failed, or cannot be judged.
    Warn,
    /// Nothing failed.
    Good,
    /// There is no report.
    None,
}

/// A capture or case of a fleet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FleetEntry {
    /// What it is called.
    pub name: String,
    /// The file of its report, where it has one.
    pub link: Option<String>,
    /// The machine; empty where the logs do not name it.
    pub computer: String,
    /// The day, `2024-11-14`.
    pub day: Option<String>,
    /// How grave it is.
    pub tone: Tone,
    /// The verdict in a few words.
    pub verdict: String,
    /// The verdict in one sentence, or why there is none.
    pub headline: String,
    /// Id of the rule of the first cause.
    pub cause: Option<String>,
    /// The first cause in words.
    pub cause_title: Option<String>,
}

/// The day of a time, `2024-11-14T…`.
fn day(time: &str) -> Option<String> {
    let day = time.get(..10)?;
    day.bytes().all(|b| b.is_ascii_digit() || b == b'-').then(|| day.to_owned())
}

impl FleetEntry {
    /// The entry of a report on a capture, which is in the file `link`.
    pub fn of_report(report: &Report, knowledge: &Knowledge, link: Option<String>) -> Self {
        let class = report.rollback.class;
        let key = match (report.outcome, class) {
            (outcome @ ("completed" | "failed" | "unjudged"), _) => outcome,
            (_, RollbackClass::Confirmed) => "confirmed",
            (_, RollbackClass::Probable) => "probable",
            (_, RollbackClass::Possible) => "possible",
            (_, RollbackClass::None) => "none",
        };
        let tone = match () {
            () if class >= RollbackClass::Probable => Tone::Bad,
            () if class == RollbackClass::Possible || report.boot == Boot::Loop => Tone::Warn,
            () if matches!(report.outcome, "failed" | "unjudged") => Tone::Warn,
            () => Tone::Good,
        };
        let verdict = knowledge.labels.templates.get(&format!("class_{key}"));
        let first = report.findings.first();
        Self {
            name: report.input.name.clone(),
            link,
            computer: report.machine.computer.clone(),
            day: day(&report.capture.first),
            tone,
            verdict: verdict.map(|text| text.get(report.language).to_owned()).unwrap_or_default(),
            headline: report.headline.clone(),
            cause: first.map(|finding| finding.rule.clone()),
            cause_title: first.map(|finding| finding.title.clone()),
        }
    }

    /// The entry of a report on a case, which is in the file `link`.
    pub fn of_case(report: &CaseReport, link: Option<String>) -> Self {
        let update = report.update.and_then(|at| report.updates.get(at));
        let attempt = update.and_then(|update| update.attempts.last());
        let time = attempt.and_then(|attempt| attempt.last.as_deref().or(attempt.first.as_deref()));
        let captured = report.captures.first().map(|capture| capture.capture.first.as_str());
        let first = report.findings.first();
        Self {
            name: report.input.name.clone(),
            link,
            computer: report.machine.computer.clone().unwrap_or_default(),
            day: time.or(captured).and_then(day),
            tone: match report.outcome {
                CaseOutcome::Failed => Tone::Bad,
                _ if report.rollback.class >= RollbackClass::Probable => Tone::Bad,
                CaseOutcome::WaitsForRestart => Tone::Warn,
                CaseOutcome::Installed | CaseOutcome::Nothing => Tone::Good,
            },
            verdict: report.outcome_text.clone(),
            headline: report.headline.clone(),
            cause: first.map(|finding| finding.rule.clone()),
            cause_title: first.map(|finding| finding.title.clone()),
        }
    }

    /// The entry of an input without a report.
    pub fn failed(name: &str, error: &str) -> Self {
        Self {
            name: name.to_owned(),
            link: None,
            computer: String::new(),
            day: None,
            tone: Tone::None,
            verdict: String::new(),
            headline: error.to_owned(),
            cause: None,
            cause_title: None,
        }
    }
}

/// How many entries have something in common.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FleetCount {
    /// What they have in common.
    pub name: String,
    /// The same in other words, if there are any.
    pub title: Option<String>,
    /// How many.
    pub count: u64,
    /// How many of them failed.
    pub bad: u64,
    /// How many machines they are of.
    pub machines: u64,
    /// Per cent of the largest count.
    pub percent: u64,
    /// Per cent of the largest count that failed.
    pub bad_percent: u64,
}

/// A fleet.
#[derive(Clone, Debug, Serialize)]
pub struct FleetReport {
    language: Language,
    tool: String,
    total: u64,
    /// Entries by verdict, the most frequent first.
    verdicts: Vec<FleetCount>,
    /// Entries by first cause, the most frequent first.
    causes: Vec<FleetCount>,
    /// Entries by machine, those with most failures first.
    machines: Vec<FleetCount>,
    /// Entries by day.
    days: Vec<FleetCount>,
    /// All entries, the gravest first.
    entries: Vec<FleetEntry>,
}

/// The most frequent group comes first.
fn by_count(a: &FleetCount, b: &FleetCount) -> std::cmp::Ordering {
    b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name))
}

/// Groups entries by a key, those without one left out.
fn count<'e>(
    entries: &'e [FleetEntry],
    key: impl Fn(&'e FleetEntry) -> Option<(&'e str, Option<&'e str>)>,
) -> Vec<FleetCount> {
    let mut groups: BTreeMap<&str, (FleetCount, std::collections::BTreeSet<&str>)> = BTreeMap::new();
    for entry in entries {
        let Some((name, title)) = key(entry) else { continue };
        let (group, machines) = groups.entry(name).or_default();
        name.clone_into(&mut group.name);
        group.title = group.title.take().or_else(|| title.map(str::to_owned));
        group.count += 1;
        group.bad += u64::from(entry.tone == Tone::Bad);
        machines.insert(&entry.computer);
    }
    let most = groups.values().map(|group| group.0.count).max().unwrap_or(1);
    let finish = |(group, machines): (FleetCount, std::collections::BTreeSet<&str>)| {
        let percent = |count: u64| (count * 100).div_ceil(most);
        FleetCount {
            machines: machines.len() as u64,
            percent: percent(group.count),
            bad_percent: percent(group.bad),
            ..group
        }
    };
    groups.into_values().map(finish).collect()
}

impl FleetReport {
    /// The page over these entries, whatever their order is.
    pub fn new(mut entries: Vec<FleetEntry>, tool: String, language: Language) -> Self {
        entries.sort_by(|a, b| a.tone.cmp(&b.tone).then_with(|| a.name.cmp(&b.name)));
        let mut verdicts = count(&entries, |e| (!e.verdict.is_empty()).then_some((e.verdict.as_str(), None)));
        verdicts.sort_by(by_count);
        let mut causes = count(&entries, |e| Some((e.cause.as_deref()?, e.cause_title.as_deref())));
        causes.sort_by(by_count);
        let mut machines =
            count(&entries, |e| (!e.computer.is_empty()).then_some((e.computer.as_str(), None)));
        machines.sort_by(|a, b| b.bad.cmp(&a.bad).then_with(|| by_count(a, b)));
        let days = count(&entries, |e| Some((e.day.as_deref()?, None)));
        let total = entries.len() as u64;
        Self { language, tool, total, verdicts, causes, machines, days, entries }
    }

    /// The page in HTML, without personal data where there is a redactor.
    ///
    /// # Errors
    /// When the template fails, which is a mistake in the program or in custom labels.
    pub fn render(&self, knowledge: &Knowledge, redactor: Option<&Redactor>) -> Result<String, String> {
        let label = |(key, text): (&String, &crate::language::Text)| {
            (key.clone(), printable_lines(text.get(self.language)))
        };
        let labels = knowledge.labels.templates.iter().map(label).collect();
        let template = ("fleet.html", include_str!("../../templates/fleet.html"));
        let screen = Screen::from(Paint::Plain);
        render(template, value_of(self, redactor)?, labels, &[], Format::Html, screen)
    }
}
