//! From the facts of a case to a verdict: phases, failures, the rollback, causes. Nothing here changes a fact;
//! what one stage concludes is known to the stages after it.

mod conclusions;
mod ending;
mod engine;
mod evidence;
mod failure;
mod finding;
mod grave;
mod holders;
mod last_step;
mod log_lines;
mod nearest;
mod phase;
mod points;
mod rank;
mod registered;
mod rollback;
mod rules;
mod signal;
mod silence;
mod suspects;

pub use rollback::RollbackClass;
pub use silence::{NearMiss, Silence};

pub(crate) use conclusions::Established;
pub(crate) use failure::Failure;
pub(crate) use finding::Finding;
pub(crate) use holders::Holder;
pub(crate) use phase::Phase;
pub(crate) use rollback::{Rollback, Signal};

use crate::boot::{EventContext, LogRun, Scan};
use crate::facts::Facts;
use crate::knowledge::Boot;
use conclusions::Conclusions;
use engine::RuleEngine;
use pml_parser::EventId;
use suspects::{Scrutiny, Suspects};

/// What was judged of a case.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    phases: Vec<Phase>,
    failures: Vec<Failure>,
    rollback: Rollback,
    boot: Boot,
    boot_entry: Option<usize>,
    causes: Vec<Finding>,
    notes: Vec<Finding>,
    conclusions: Conclusions,
}

impl Verdict {
    /// The phases of all boots, in the order in which they begin.
    pub(crate) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// The innermost phase that an event lies in.
    pub(crate) fn phase_of(&self, event: EventId) -> Option<&Phase> {
        phase::phase_at(&self.phases, event).and_then(|at| self.phases.get(at))
    }

    /// Failures, in the order in which they first happened.
    pub(crate) fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Whether there was a rollback.
    pub(crate) fn rollback(&self) -> &Rollback {
        &self.rollback
    }

    /// Which boot was captured.
    pub(crate) fn boot(&self) -> Boot {
        self.boot
    }

    /// The position of the boot in the table of boots, where it fits an entry.
    pub(crate) fn boot_entry(&self) -> Option<usize> {
        self.boot_entry
    }

    /// Causes, the most important first.
    pub(crate) fn causes(&self) -> &[Finding] {
        &self.causes
    }

    /// What else is worth knowing.
    pub(crate) fn notes(&self) -> &[Finding] {
        &self.notes
    }

    /// Facts and conclusions, for conditions to ask.
    pub(crate) fn established<'a>(&'a self, facts: &'a Facts) -> Established<'a> {
        Established { facts, conclusions: &self.conclusions }
    }
}

/// Judges a case by its facts. Where an update was taken back and nothing explains it, a line in a log is enough of
/// a sign that a failure was taken seriously; without any, the failure nearest to the moment is named that stands out.
pub(crate) fn judge<B: AsRef<[u8]>>(context: &EventContext<'_, B>, scan: &Scan, facts: &Facts) -> Verdict {
    let nothing = Conclusions::default();
    let known = Established { facts, conclusions: &nothing };
    let is_looked_into = known.holds_one(&context.knowledge.error_path.when).is_some();
    let lines = if is_looked_into { log_lines::runs(context, scan) } else { Vec::new() };
    let find = |scrutiny| suspects::find(context, (scan, &lines), facts.boots(), known, scrutiny);
    let seen = (scan, lines.as_slice());
    let verdict = judge_with(context, seen, facts, &find(Scrutiny::Usual), Scrutiny::Usual);
    let is_explained = |verdict: &Verdict| {
        let mut rules = verdict.causes.iter().filter_map(|cause| context.knowledge.rules.get(cause.rule));
        rules.any(|rule| !rule.when.last_resort)
    };
    if is_explained(&verdict) || verdict.rollback.class < RollbackClass::Probable {
        return verdict;
    }
    let closer = |suspects: &Suspects| {
        let closer = || judge_with(context, seen, facts, suspects, Scrutiny::Close);
        (!suspects.marks.is_empty()).then(closer).filter(|verdict| is_explained(verdict))
    };
    let nearest = || nearest::find(context, scan, facts.boots(), known);
    closer(&find(Scrutiny::Close)).or_else(|| closer(&nearest())).unwrap_or(verdict)
}

fn judge_with<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    (scan, lines): (&Scan, &[LogRun]),
    facts: &Facts,
    suspects: &Suspects,
    scrutiny: Scrutiny,
) -> Verdict {
    let knowledge = context.knowledge;
    let mut conclusions = Conclusions::default();
    let phases = phase::phases(knowledge, facts);
    // Signals are weighed twice: when the rollback begins decides which failures are resolved, and a failure
    // that never is can itself be a signal.
    let likely = signal::weigh(knowledge, Established { facts, conclusions: &conclusions });
    let likely_begin = likely.begins.filter(|_| likely.class > RollbackClass::None);
    let mut failures = failure::classify(context, scan.groups(), suspects, scrutiny, &phases, likely_begin);
    points::give(context, &mut failures, &phases);
    if let Some(event) = grave::fatal(context, &failures, &phases, facts) {
        conclusions.add_failure("fatal-failure", event);
    }
    if let Some(event) = grave::repeated(context, &failures, &phases, facts) {
        conclusions.add_failure("same-failure-again", event);
    }
    if let Some(event) = grave::serious(knowledge, &failures) {
        conclusions.add_failure("failure-taken-seriously", event);
    }
    if let Some(event) = last_step::find(context, lines, Established { facts, conclusions: &conclusions }) {
        conclusions.add_failure("last-step", event);
    }
    let known = Established { facts, conclusions: &conclusions };
    let rollback = signal::weigh(knowledge, known);
    let (boot, boot_entry) = signal::boot(knowledge, known);
    conclusions.add_verdict(boot, &rollback);
    if let Some(begins) = rollback.begins {
        points::add_recency(context, &mut failures, &phases, begins);
    }
    let known = Established { facts, conclusions: &conclusions };
    let engine =
        RuleEngine { context, scan, known, phases: &phases, failures: &failures, rollback: &rollback };
    let (causes, notes) = engine.findings();
    for rule in causes.iter().filter_map(|cause| knowledge.rules.get(cause.rule)) {
        conclusions.add_cause(&rule.id);
    }
    Verdict { phases, failures, rollback, boot, boot_entry, causes, notes, conclusions }
}

/// Why a rule has no finding and no note in a verdict; `None` where it has one, or where the verdict was not made with
/// the rule.
pub(crate) fn silence<B: AsRef<[u8]>>(
    context: &EventContext<'_, B>,
    scan: &Scan,
    facts: &Facts,
    verdict: &Verdict,
    id: &str,
) -> Option<Silence> {
    let number = context.knowledge.rules.iter().position(|rule| rule.id == id)?;
    let rule = context.knowledge.rules.get(number)?;
    if verdict.causes.iter().chain(&verdict.notes).any(|finding| finding.rule == number) {
        return None;
    }
    let (known, phases, failures) = (verdict.established(facts), &verdict.phases[..], &verdict.failures[..]);
    let engine = RuleEngine { context, scan, known, phases, failures, rollback: &verdict.rollback };
    Some(engine.silence(number, rule, &verdict.causes))
}
