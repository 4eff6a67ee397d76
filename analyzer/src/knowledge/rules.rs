//! Rules, checked and made ready.

use super::actors::{ActorSet, Actors};
use super::aliases::IdKind;
use super::codes::Codes;
use super::engine::length_of_time;
use super::error::Inspection;
use super::load::{Names, compile};
use super::model::{
    Evidence, FactCondition, PhaseEntry, Property, Ref, RemedyEntry, RuleFile, RuleKind, RuleStatus, Same,
    Sequence,
};
use super::{Marker, PathClass};
use crate::language::{Language, Text};
use pml_parser::Filter;

/// What rules may refer to.
pub(super) struct Known<'a> {
    pub actors: &'a Actors,
    pub codes: &'a Codes,
    pub names: &'a Names<'a>,
    pub phases: &'a [PhaseEntry],
    pub paths: &'a [PathClass],
    pub remedies: &'a [RemedyEntry],
    pub markers: &'a [Marker],
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) kind: RuleKind,
    pub(crate) status: RuleStatus,
    pub(crate) in_mail: bool,
    pub(crate) headline: Option<Text>,
    pub(crate) title: Text,
    pub(crate) text: Text,
    pub(crate) why: Text,
    pub(crate) remedies: Vec<String>,
    pub(crate) references: Vec<String>,
    pub(crate) fires_in: Vec<String>,
    pub(crate) silent_in: Vec<String>,
    pub(crate) when: Compiled,
}

/// A rule in the words of its file, for people.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RuleSummary<'a> {
    /// Its id.
    pub id: &'a str,
    /// The bucket that its findings belong to.
    pub bucket: &'a str,
    /// What it leads to.
    pub kind: RuleKind,
    /// How far it is trusted.
    pub status: RuleStatus,
    /// Its headline.
    pub title: &'a str,
    /// What it says; names in braces are filled in.
    pub text: &'a str,
    /// Why it concludes that.
    pub why: &'a str,
    /// What it wants, in words.
    pub conditions: Vec<String>,
    /// Ids of the remedies, in order.
    pub remedies: &'a [String],
    /// Where to read on.
    pub references: &'a [String],
    /// Scenarios in which it has to fire.
    pub fires_in: &'a [String],
    /// Scenarios in which it must not.
    pub silent_in: &'a [String],
}

/// When a rule fires, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub facts: Vec<FactCondition>,
    pub failure: Option<Filter>,
    pub failure_text: Option<String>,
    /// Position in the table of markers.
    pub marker: Option<usize>,
    pub kinds: Vec<String>,
    pub actors: ActorSet,
    pub actor_names: Vec<String>,
    pub phases: Vec<String>,
    pub any_phase: bool,
    pub paths: Vec<String>,
    pub taken_seriously: bool,
    pub unexplained: bool,
    pub last_resort: bool,
    pub even_if_later_successful: bool,
    pub at_least: u64,
    pub needs_rollback: bool,
    pub evidence_needed: usize,
    pub evidence: Vec<CompiledEvidence>,
    pub base: f64,
    pub at_most: f64,
    pub points: f64,
    pub outranks: Vec<String>,
    pub consequence_of: Vec<String>,
    pub one_finding: bool,
}

/// What supports a rule.
#[derive(Clone, Debug)]
pub(crate) struct CompiledEvidence {
    pub id: String,
    pub points: f64,
    pub required: bool,
    pub not: bool,
    pub counts: bool,
    pub is: Option<Property>,
    pub followed_by: Option<CompiledSequence>,
    pub preceded_by: Option<CompiledSequence>,
    pub facts: Option<FactCondition>,
    pub text: Text,
}

/// One more event around a failure.
#[derive(Clone, Debug)]
pub(crate) struct CompiledSequence {
    pub filter: Option<Filter>,
    pub actors: ActorSet,
    /// In 100 ns.
    pub within: u64,
    pub same: Vec<Same>,
    pub events: Option<u64>,
}

impl Rule {
    pub(super) fn new(
        mut file: RuleFile,
        known: &Known<'_>,
        inspection: &mut Inspection<'_>,
    ) -> Option<Self> {
        resolve_old_ids(&mut file, known, inspection);
        for remedy in &file.remedies {
            if !known.remedies.iter().any(|entry| &entry.id == remedy.get_ref()) {
                inspection.push(remedy.span(), format!("no remedy {:?}", remedy.get_ref()));
            }
        }
        for rule in file.score.outranks.iter().chain(&file.score.consequence_of) {
            if !known.names.rules.contains(rule.get_ref()) {
                inspection.push(rule.span(), format!("no rule {:?}", rule.get_ref()));
            }
        }
        let texts = |refs: &[Ref]| refs.iter().map(|text| text.get_ref().clone()).collect::<Vec<_>>();
        if file.silent_in.is_empty() && file.kind == RuleKind::Cause {
            let reason = "silent_in is missing or empty: name scenarios in which the rule must not fire";
            inspection.push(file.id.span(), reason);
        }
        let when = compiled(&mut file, known, inspection)?;
        Some(Self {
            id: file.id.into_inner(),
            bucket: file.bucket.into_inner(),
            kind: file.kind,
            status: file.status,
            in_mail: file.in_mail,
            headline: file.headline,
            title: file.title,
            text: file.text,
            why: file.why,
            remedies: texts(&file.remedies),
            references: file.references,
            fires_in: texts(&file.fires_in),
            silent_in: texts(&file.silent_in),
            when,
        })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it leads to.
    pub fn kind(&self) -> RuleKind {
        self.kind
    }

    /// Scenarios in which it has to fire, and in which it must not.
    pub fn scenarios(&self) -> (&[String], &[String]) {
        (&self.fires_in, &self.silent_in)
    }

    /// The rule in words.
    pub fn summary(&self, language: Language) -> RuleSummary<'_> {
        RuleSummary {
            id: &self.id,
            bucket: &self.bucket,
            kind: self.kind,
            status: self.status,
            title: self.title.get(language),
            text: self.text.get(language),
            why: self.why.get(language),
            conditions: self.when.in_words(language),
            remedies: &self.remedies,
            references: &self.references,
            fires_in: &self.fires_in,
            silent_in: &self.silent_in,
        }
    }
}

/// Replaces the old ids of a rule file, but for its own.
fn resolve_old_ids(file: &mut RuleFile, known: &Known<'_>, inspection: &mut Inspection<'_>) {
    let aliases = known.names.aliases;
    aliases.resolve(IdKind::Bucket, &mut file.bucket, inspection);
    for rule in file.score.outranks.iter_mut().chain(&mut file.score.consequence_of) {
        aliases.resolve(IdKind::Rule, rule, inspection);
    }
    for phase in &mut file.when.phases {
        aliases.resolve(IdKind::Phase, phase, inspection);
    }
}

fn compiled(file: &mut RuleFile, known: &Known<'_>, inspection: &mut Inspection<'_>) -> Option<Compiled> {
    known.names.check_conditions(&mut file.when.facts, inspection);
    for evidence in &mut file.when.evidence {
        known.names.check_conditions(evidence.facts.as_mut_slice(), inspection);
    }
    let when = &file.when;
    for kind in &when.kinds {
        known.codes.check_kind(kind, inspection);
    }
    for phase in &when.phases {
        if !known.phases.iter().any(|entry| entry.id.get_ref() == phase.get_ref()) {
            inspection.push(phase.span(), format!("no phase {:?}", phase.get_ref()));
        }
    }
    for path in &when.paths {
        if !known.paths.iter().any(|class| class.is(path.get_ref())) {
            inspection.push(path.span(), format!("no kind of path {:?}", path.get_ref()));
        }
    }
    let marker = match &when.marker {
        None => None,
        Some(marker) => {
            known.names.check_fact(marker, inspection);
            known.markers.iter().position(|entry| &entry.id == marker.get_ref())
        }
    };
    let wants_failure = when.failure.is_some() || !when.kinds.is_empty() || when.taken_seriously;
    if !wants_failure && when.facts.is_empty() && when.marker.is_none() {
        inspection.push(file.id.span(), "the rule wants nothing: give facts, a marker, a failure or kinds");
    }
    let texts = |refs: &[Ref]| refs.iter().map(|text| text.get_ref().clone()).collect::<Vec<_>>();
    let mut evidence = Vec::new();
    for entry in &when.evidence {
        evidence.push(compiled_evidence(entry, known, inspection, file)?);
    }
    Some(Compiled {
        facts: when.facts.clone(),
        failure: when.failure.as_ref().and_then(|filter| compile(filter, inspection)),
        failure_text: when.failure.as_ref().map(|text| text.get_ref().clone()),
        marker,
        kinds: texts(&when.kinds),
        actors: known.actors.set(&when.actors, inspection),
        actor_names: texts(&when.actors),
        phases: texts(&when.phases),
        any_phase: when.any_phase,
        paths: texts(&when.paths),
        taken_seriously: when.taken_seriously,
        unexplained: when.unexplained,
        last_resort: when.last_resort,
        even_if_later_successful: when.even_if_later_successful,
        at_least: when.at_least,
        needs_rollback: when.needs_rollback.unwrap_or(file.kind == RuleKind::Cause),
        evidence_needed: when.evidence_needed,
        evidence,
        base: file.score.base,
        at_most: file.score.at_most,
        points: file.score.points,
        outranks: texts(&file.score.outranks),
        consequence_of: texts(&file.score.consequence_of),
        one_finding: file.score.one_finding,
    })
}

fn compiled_evidence(
    entry: &Evidence,
    known: &Known<'_>,
    inspection: &mut Inspection<'_>,
    file: &RuleFile,
) -> Option<CompiledEvidence> {
    let given =
        [entry.is.is_some(), entry.followed_by.is_some(), entry.preceded_by.is_some(), entry.facts.is_some()];
    if given.iter().filter(|given| **given).count() != 1 {
        let reason = format!("evidence {:?} wants one of is, followed_by, preceded_by, facts", entry.id);
        inspection.push(file.id.span(), reason);
    }
    let mut sequence = |sequence: &Option<Sequence>| {
        sequence.as_ref().map(|sequence| CompiledSequence::new(sequence, known.actors, inspection))
    };
    Some(CompiledEvidence {
        id: entry.id.clone(),
        points: entry.points,
        required: entry.required,
        not: entry.not,
        counts: entry.counts,
        is: entry.is,
        followed_by: sequence(&entry.followed_by),
        preceded_by: sequence(&entry.preceded_by),
        facts: entry.facts.clone(),
        text: entry.text.clone(),
    })
}

impl CompiledSequence {
    pub(super) fn new(sequence: &Sequence, actors: &Actors, inspection: &mut Inspection<'_>) -> Self {
        if sequence.events == Some(0) {
            inspection.push(sequence.within.span(), "among 0 events there is none: want at least 1");
        }
        Self {
            filter: sequence.filter.as_ref().and_then(|filter| compile(filter, inspection)),
            actors: actors.set(&sequence.actors, inspection),
            within: length_of_time(&sequence.within, inspection),
            same: sequence.same.clone(),
            events: sequence.events,
        }
    }
}

impl FactCondition {
    /// The condition in words: `a and b and (c or d) and not e`.
    fn in_words(&self) -> String {
        let name = |fact: &Ref| fact.get_ref().clone();
        let mut words: Vec<String> = self.all.iter().map(name).collect();
        if !self.any.is_empty() {
            words.push(format!("({})", self.any.iter().map(name).collect::<Vec<_>>().join(" or ")));
        }
        words.extend(self.none.iter().map(|fact| format!("not {}", fact.get_ref())));
        words.join(" and ")
    }
}

impl Compiled {
    fn in_words(&self, language: Language) -> Vec<String> {
        let mut words = Vec::new();
        let mut list = |title: &str, names: &[String]| {
            if !names.is_empty() {
                words.push(format!("{title}: {}", names.join(", ")));
            }
        };
        list("by", &self.actor_names);
        list("status of the kinds", &self.kinds);
        list("in the phases", &self.phases);
        list("on paths of the kinds", &self.paths);
        if self.taken_seriously {
            words.push("failures that a program took seriously".to_owned());
        }
        if self.unexplained {
            words.push("the gravest failure, where no other rule explains it".to_owned());
        }
        if self.last_resort {
            words.push("only where no other rule finds a cause".to_owned());
        }
        if let Some(filter) = &self.failure_text {
            words.push(format!("failure: {}", filter.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        if !self.facts.is_empty() {
            let any: Vec<_> = self.facts.iter().map(FactCondition::in_words).collect();
            words.push(format!("facts: {}", any.join("; or ")));
        }
        for evidence in &self.evidence {
            let how = match (evidence.required, evidence.not) {
                (true, false) => "required",
                (true, true) => "must not be",
                (false, _) => "supports",
            };
            words.push(format!("{how} ({:+}): {}", evidence.points, evidence.text.get(language)));
        }
        if self.evidence_needed > 0 {
            words.push(format!("at least {} of what supports it", self.evidence_needed));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use crate::knowledge::Knowledge;

    /// A sequence that may look at no event would never be found.
    #[test]
    fn a_sequence_wants_at_least_one_event() {
        let rule = include_str!("../../knowledge/rules/RB-DELTA-FAILED.toml");
        let rule = rule.replacen("within = ", "events = 0, within = ", 1);
        let errors = Knowledge::with(&[("rules/own.toml".to_owned(), rule)]).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].reason.contains("at least 1"), "{errors:?}");
    }
}
