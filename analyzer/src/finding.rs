//! Causes: rules that fire, what they fire for, and in which order they stand.

use crate::component::Component;
use crate::facts::Facts;
use crate::failure::{Failure, Reason, wants_data};
use crate::knowledge::{CompiledEvidence, Knowledge, Property, Rule, RuleKind};
use crate::look::{Holder, Surroundings};
use crate::phase::Phase;
use crate::scan::Scan;
use crate::signal::{Rollback, RollbackClass};
use hashbrown::HashMap;
use pml_parser::EventId;

/// A cause that a rule names.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// Position in the list of rules.
    pub rule: usize,
    /// Positions in the list of failures, the main one first.
    pub failures: Vec<usize>,
    /// Events that are no failures: the main one first where there is no failure.
    pub events: Vec<Cited>,
    pub reasons: Vec<Reason>,
    /// 0 to 1.
    pub confidence: f64,
    /// Evidence of the rule that was looked for and is not there.
    pub missing: Vec<usize>,
    pub holders: Vec<Holder>,
    /// What followed from it: positions in the list of failures.
    pub consequences: Vec<usize>,
}

/// An event with the reason why it is cited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cited {
    pub event: EventId,
    /// Position in the evidence of the rule, if it is that.
    pub evidence: Option<usize>,
}

impl Finding {
    pub(crate) fn score(&self) -> f64 {
        self.reasons.iter().map(|reason| reason.points).sum()
    }

    /// The event it is about.
    pub(crate) fn event(&self, failures: &[Failure]) -> Option<EventId> {
        let failure = self.failures.first().and_then(|&at| failures.get(at)).map(|f| f.group.first);
        failure.or(self.events.first().map(|cited| cited.event))
    }
}

/// What rules are asked about.
pub(crate) struct Case<'a, B> {
    pub around: &'a Surroundings<'a, B>,
    pub facts: &'a Facts,
    pub scan: &'a Scan,
    pub phases: &'a [Phase],
    pub failures: &'a [Failure],
    pub rollback: &'a Rollback,
}

fn asks_holders(evidence: &CompiledEvidence) -> bool {
    matches!(evidence.is, Some(Property::HeldByOther | Property::TouchedByOther))
}

/// Failures that a rule is asked about, at most: those with the most points.
const MOST_ASKED: usize = 100;
/// Failures for which it is looked who else had their files open, at most.
const MOST_HELD: usize = 100;
/// Failures of one finding that are kept.
const MOST_KEPT: usize = 50;

impl<'a, B: AsRef<[u8]>> Case<'a, B> {
    fn knowledge(&self) -> &'a Knowledge {
        self.around.knowledge
    }

    /// All findings, ranked, and the notes.
    pub(crate) fn findings(&self) -> (Vec<Finding>, Vec<Finding>) {
        let (mut causes, mut notes) = (Vec::new(), Vec::new());
        let least = self.knowledge().engine.cause_gravity;
        let mut order: Vec<usize> =
            (0..self.failures.len()).filter(|&at| self.failures[at].gravity >= least).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.failures[a], &self.failures[b]);
            b.score().total_cmp(&a.score()).then(a.group.first.cmp(&b.group.first))
        });
        let holders = self.all_holders(&order);
        for (at, rule) in self.knowledge().rules.iter().enumerate() {
            let findings = self.fire(at, rule, &order, &holders);
            match rule.kind {
                RuleKind::Cause => causes.extend(findings),
                RuleKind::Note => notes.extend(findings),
            }
        }
        (self.rank(causes), notes)
    }

    /// Who else had the files open of those failures for which a rule wants to know.
    fn all_holders(&self, order: &[usize]) -> HashMap<usize, Vec<Holder>> {
        let rules = self.knowledge().rules.iter();
        let asking: Vec<&Rule> = rules
            .filter(|rule| rule.when.evidence.iter().any(asks_holders))
            .filter(|rule| !rule.when.needs_rollback || self.rollback.class >= RollbackClass::Possible)
            .collect();
        let concerned = |at: &&usize| asking.iter().any(|rule| self.concerns(rule, &self.failures[**at]));
        let asked: Vec<usize> = order.iter().filter(concerned).take(MOST_HELD).copied().collect();
        let events: Vec<_> =
            asked.iter().map(|&at| &self.failures[at].group).map(|g| (g.first, g.last)).collect();
        asked.into_iter().zip(self.around.holders(&events)).collect()
    }

    /// The findings of one rule.
    fn fire(
        &self,
        number: usize,
        rule: &Rule,
        order: &[usize],
        holders: &HashMap<usize, Vec<Holder>>,
    ) -> Vec<Finding> {
        let when = &rule.when;
        if when.needs_rollback && self.rollback.class < RollbackClass::Possible {
            return Vec::new();
        }
        let mut fact_events = Vec::new();
        if !when.facts.is_empty() {
            let Some(found) = self.facts.holds_one(&when.facts) else { return Vec::new() };
            fact_events = found.iter().filter_map(|fact| self.facts.first(fact)).collect();
        }
        if when.failure.is_none() && when.kinds.is_empty() {
            return self.fire_for_marker(number, rule, fact_events).into_iter().collect();
        }
        let mut matcher = when.failure.as_ref().map(|filter| filter.matcher(self.around.first));
        let mut findings: Vec<(Option<String>, Finding)> = Vec::new();
        let mut asked = 0;
        for &at in order {
            let failure = &self.failures[at];
            if !self.concerns(rule, failure) {
                continue;
            }
            let Some(event) = self.around.event(failure.group.first) else { continue };
            if matcher.as_mut().is_some_and(|matcher| !matcher.matches(&event)) {
                continue;
            }
            asked += 1;
            if asked > MOST_ASKED {
                break;
            }
            let Some(mut finding) = self.support(number, rule, at, holders) else { continue };
            // One finding for a component, or for all of them where the rule says so.
            let place = (!rule.when.one_finding).then(|| {
                let mut path = String::new();
                event.push_path(&pml_parser::TextOptions::default(), &mut path);
                // A manifest is not a file of the folder.
                match Component::in_path(&path) {
                    Some(component) if !path.ends_with(".manifest") => component.directory.to_lowercase(),
                    _ => path.to_lowercase(),
                }
            });
            match findings.iter_mut().find(|known| known.0 == place) {
                Some((_, known)) => {
                    if known.failures.len() < MOST_KEPT {
                        known.failures.push(at);
                    }
                    known.events.append(&mut finding.events);
                }
                None => findings.push((place, finding)),
            }
        }
        let mut findings: Vec<Finding> = findings.into_iter().map(|finding| finding.1).collect();
        for finding in &mut findings {
            self.put_first_failure_first(finding);
            let extra = fact_events.iter().map(|&event| Cited { event, evidence: None });
            finding.events.extend(extra);
            finding.events.sort_by_key(|cited| (cited.event, cited.evidence));
            finding.events.dedup_by_key(|cited| cited.event);
        }
        findings
    }

    /// What began it is what it is about: the earliest failure of the servicing stack among those with
    /// nearly as many points as the best one.
    fn put_first_failure_first(&self, finding: &mut Finding) {
        const NEARLY: f64 = 30.0;
        let servicing = self.knowledge().actors.group("servicing");
        let own = |at: usize| servicing >> self.failures[at].group.actor & 1 == 1;
        let Some(best) = finding.failures.iter().map(|&at| self.failures[at].score()).reduce(f64::max) else {
            return;
        };
        let any_own = finding.failures.iter().any(|&at| own(at));
        let first = (0..finding.failures.len())
            .filter(|&at| {
                let failure = finding.failures[at];
                (own(failure) || !any_own) && self.failures[failure].score() >= best - NEARLY
            })
            .min_by_key(|&at| self.failures[finding.failures[at]].group.first);
        if let Some(first) = first {
            finding.failures[..=first].rotate_right(1);
        }
    }

    /// Whether a rule is about such a failure at all.
    fn concerns(&self, rule: &Rule, failure: &Failure) -> bool {
        let (knowledge, when, group) = (self.knowledge(), &rule.when, &failure.group);
        let harmless = failure.noise.is_some() && !when.even_if_later_successful;
        if harmless
            || (group.later.is_some() && !when.even_if_later_successful)
            || group.count < when.at_least
        {
            return false;
        }
        if when.actors >> group.actor & 1 == 0 {
            return false;
        }
        let kind = &knowledge.codes.status(group.key.status).kind;
        if !when.kinds.is_empty() && !when.kinds.contains(kind) {
            return false;
        }
        let phase =
            failure.phase.and_then(|at| self.phases.get(at)).and_then(|p| knowledge.phases.get(p.entry));
        let in_phase = when.any_phase
            || phase.is_some_and(|phase| match when.phases.is_empty() {
                true => phase.work,
                false => when.phases.contains(phase.id.get_ref()),
            });
        let class = failure.path_class.and_then(|at| knowledge.paths.get(at));
        in_phase && (when.paths.is_empty() || class.is_some_and(|class| when.paths.contains(&class.id)))
    }

    /// A finding for a rule that is about facts or a marker.
    fn fire_for_marker(&self, number: usize, rule: &Rule, facts: Vec<EventId>) -> Option<Finding> {
        let mut events: Vec<EventId> = Vec::new();
        if let Some(marker) = rule.when.marker {
            let seen = self.scan.markers.get(marker).filter(|seen| seen.count >= rule.when.at_least)?;
            events.extend(seen.events.iter().copied().take(5));
        }
        events.extend(facts.into_iter().filter(|event| !events.contains(event)).collect::<Vec<_>>());
        let main = events.first().copied();
        let children = self.children_alive();
        let mut finding = Finding {
            rule: number,
            failures: Vec::new(),
            events: events.into_iter().map(|event| Cited { event, evidence: None }).collect(),
            reasons: self.rule_points(rule),
            confidence: 0.0,
            missing: Vec::new(),
            holders: Vec::new(),
            consequences: Vec::new(),
        };
        let fires = self.weigh(rule, &mut finding, |evidence| match (main, evidence) {
            (_, CompiledEvidence { is: Some(Property::ChildAlive), .. }) => {
                (!children.is_empty()).then(|| children.iter().map(|child| child.event).collect())
            }
            (main, evidence) => self.shown(main.map(|main| (main, main)), evidence),
        });
        if rule.when.evidence.iter().any(|evidence| evidence.is == Some(Property::ChildAlive)) {
            finding.holders = children;
        }
        fires.then_some(finding)
    }

    /// Processes that the stack had started and that lived on while the worker did nothing.
    fn children_alive(&self) -> Vec<Holder> {
        let pause = self.facts.get("worker-quiet").or(self.facts.get("hang-noted"));
        let Some((start, end)) =
            pause.and_then(|seen| seen.events.first().copied().zip(seen.events.last().copied()))
        else {
            return Vec::new();
        };
        let child = self.knowledge().actors.group("child");
        let time = |event| self.around.event(event).map(|event| event.time());
        let mut alive = Vec::new();
        for (process, info) in self.around.processes.all.iter().enumerate() {
            let process = process as crate::processes::ProcessId;
            let exit = self.scan.exits.get(&process).map(|exit| exit.1);
            let lives_on = exit.is_none_or(|exit| exit > end);
            if child >> info.actor & 1 == 1 && lives_on && time(start).is_some_and(|at| info.start <= at) {
                alive.push(Holder { process, held: false, touched: false, event: exit.unwrap_or(end) });
            }
        }
        alive
    }

    /// A finding for a failure, if enough supports the rule.
    fn support(
        &self,
        number: usize,
        rule: &Rule,
        at: usize,
        holders: &HashMap<usize, Vec<Holder>>,
    ) -> Option<Finding> {
        let failure = &self.failures[at];
        let group = &failure.group;
        let mut finding = Finding {
            rule: number,
            failures: vec![at],
            events: Vec::new(),
            reasons: failure.reasons.clone(),
            confidence: 0.0,
            missing: Vec::new(),
            holders: Vec::new(),
            consequences: Vec::new(),
        };
        finding.reasons.extend(self.rule_points(rule));
        let known = if rule.when.evidence.iter().any(asks_holders) { holders.get(&at) } else { None };
        let known: &[Holder] = known.map_or(&[], Vec::as_slice);
        let fires = self.weigh(rule, &mut finding, |evidence| match evidence.is {
            Some(Property::HeldByOther) => known.iter().any(|h| h.held).then(Vec::new),
            Some(Property::TouchedByOther) => known.iter().any(|h| h.touched).then(Vec::new),
            Some(property) => self.has(failure, property),
            None => self.shown(Some((group.first, group.last)), evidence),
        });
        let wants = |property| rule.when.evidence.iter().any(|e| e.is == Some(property) && !e.not);
        finding.holders = known
            .iter()
            .filter(|h| {
                (h.held && wants(Property::HeldByOther)) || (h.touched && wants(Property::TouchedByOther))
            })
            .cloned()
            .collect();
        fires.then_some(finding)
    }

    /// Asks for all evidence of a rule, and adds it up; whether it is enough.
    fn weigh(
        &self,
        rule: &Rule,
        finding: &mut Finding,
        mut ask: impl FnMut(&CompiledEvidence) -> Option<Vec<EventId>>,
    ) -> bool {
        let (mut points, mut held) = (rule.when.base, 0);
        for (at, evidence) in rule.when.evidence.iter().enumerate() {
            let found = ask(evidence);
            if found.is_some() == evidence.not {
                if evidence.required {
                    return false;
                }
                finding.missing.push(at);
                continue;
            }
            points += evidence.points;
            held += usize::from(!evidence.required && evidence.counts);
            let cited = found.into_iter().flatten().map(|event| Cited { event, evidence: Some(at) });
            finding.events.extend(cited);
            if evidence.points != 0.0 {
                let (id, text) = (evidence.id.clone(), evidence.text.clone());
                finding.reasons.push(Reason { id, points: evidence.points, text });
            }
        }
        // Not clamp: limits of one's own may be any numbers.
        let share = points.min(rule.when.at_most).max(0.0) / 100.0;
        let rollback = if rule.when.needs_rollback { self.rollback.confidence } else { 1.0 };
        finding.confidence = (share * rollback * 1_000.0).round() / 1_000.0;
        held >= rule.when.evidence_needed
    }

    fn rule_points(&self, rule: &Rule) -> Vec<Reason> {
        let text = self.knowledge().ranking.text.rule.clone();
        let reason = Reason { id: "rule".to_owned(), points: rule.when.points, text };
        if rule.when.points == 0.0 { Vec::new() } else { vec![reason] }
    }

    /// Events that show the evidence: those of facts, or those that follow or precede the first and the
    /// last event it is about.
    fn shown(&self, ends: Option<(EventId, EventId)>, evidence: &CompiledEvidence) -> Option<Vec<EventId>> {
        if let Some(condition) = &evidence.facts {
            let found = self.facts.holds(condition)?;
            return Some(found.iter().filter_map(|fact| self.facts.first(fact)).collect());
        }
        let (sequence, forward) = match (&evidence.followed_by, &evidence.preceded_by) {
            (Some(sequence), _) => (sequence, true),
            (None, Some(sequence)) => (sequence, false),
            (None, None) => return None,
        };
        let (first, last) = ends?;
        let ends = std::iter::once(first).chain((last != first).then_some(last));
        ends.into_iter().find_map(|event| self.around.find(event, sequence, forward)).map(|event| vec![event])
    }

    /// What the engine knows of a failure.
    fn has(&self, failure: &Failure, property: Property) -> Option<Vec<EventId>> {
        let group = &failure.group;
        let event = self.around.event(group.first)?;
        let components = &self.scan.components;
        let folder = || crate::canonical::component_folder(event.path()).map(crate::canonical::name_key);
        match property {
            Property::NeverLater => group.later.is_none().then(Vec::new),
            Property::Repeated => (group.count > 1).then(Vec::new),
            Property::Slow => {
                let limit = self.knowledge().ranking.slow_seconds * pml_parser::TICKS_PER_SECOND as f64;
                (group.longest.0 as f64 > limit).then(Vec::new)
            }
            Property::DataWanted => wants_data(&event).then(Vec::new),
            Property::SiblingsSeen => {
                folder().and_then(|folder| components.get(&folder)).map(|seen| vec![seen.event])
            }
            Property::OtherVersionSeen => {
                let name = crate::canonical::component_folder(event.path()).map(|name| name.to_string());
                let name = name.or_else(|| {
                    let mut path = String::new();
                    event.push_path(&pml_parser::TextOptions::default(), &mut path);
                    Component::in_path(&path).map(|component| component.directory)
                })?;
                let (own, version) = crate::component::identity(&name)?;
                let own = crate::canonical::name_key(pml_parser::WinStr::Latin1(own.as_bytes()));
                let mut others: Vec<EventId> = components
                    .values()
                    .filter(|seen| seen.identity == own && seen.version != version)
                    .map(|seen| seen.event)
                    .collect();
                others.sort_unstable();
                others.first().map(|&event| vec![event])
            }
            Property::ExitStatus => {
                let exit =
                    self.scan.exits.get(&group.key.process).filter(|exit| exit.0 == group.key.status.0);
                exit.map(|exit| vec![exit.1])
            }
            Property::ExitFailed => {
                let exit = self.scan.exits.get(&group.key.process).filter(|exit| exit.0 != 0);
                exit.map(|exit| vec![exit.1])
            }
            Property::SystemVolume => {
                // A device path does not say which drive it is; only another letter speaks against it.
                let drive = |text: &str| {
                    text.get(1..2)
                        .filter(|colon| *colon == ":")
                        .and_then(|_| text.get(..1))
                        .map(str::to_ascii_uppercase)
                };
                let path = event.path().to_string();
                let below = path.strip_prefix(r"\??\").or(path.strip_prefix(r"\\?\"));
                let own = drive(below.unwrap_or(&path));
                let windows = drive(&event.log().system_root().to_str());
                (own.is_none() || windows.is_none() || own == windows).then(Vec::new)
            }
            Property::HeldByOther | Property::TouchedByOther | Property::ChildAlive => None,
        }
    }

    /// Puts findings in order: by points, then as rules outrank each other; those of one bucket become
    /// one, and consequences go to what they are consequences of.
    fn rank(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        let rules = &self.knowledge().rules;
        let id = |finding: &Finding| rules[finding.rule].id.clone();
        let at = |finding: &Finding| finding.event(self.failures).unwrap_or(0);
        findings.sort_by(|a, b| {
            b.score().total_cmp(&a.score()).then(at(a).cmp(&at(b))).then(a.rule.cmp(&b.rule))
        });
        // Failures that a better finding explains are not found again.
        let mut taken: Vec<usize> = Vec::new();
        let mut ranked: Vec<Finding> = Vec::new();
        for mut finding in findings {
            let rule = &rules[finding.rule];
            let cause = ranked.iter_mut().find(|other| {
                rule.when.consequence_of.contains(&id(other))
                    || rules[other.rule].when.consequence_of.contains(&rule.id)
            });
            match cause {
                // It was found to have more points than its own cause: they change places.
                Some(other) if rules[other.rule].when.consequence_of.contains(&rule.id) => {
                    std::mem::swap(other, &mut finding);
                    let consequences = finding.failures.clone();
                    other.consequences.extend(consequences);
                    taken.extend(finding.failures);
                    continue;
                }
                Some(other) => {
                    other.consequences.extend(&finding.failures);
                    taken.extend(finding.failures);
                    continue;
                }
                None => {}
            }
            let same_bucket = ranked.iter_mut().find(|other| {
                rules[other.rule].bucket == rule.bucket
                    && (other.rule != finding.rule || rule.when.one_finding)
            });
            if let Some(other) = same_bucket {
                if rule.when.outranks.contains(&rules[other.rule].id) {
                    std::mem::swap(other, &mut finding);
                }
                let new: Vec<usize> =
                    finding.failures.iter().filter(|f| !other.failures.contains(f)).copied().collect();
                other.failures.extend(new);
                other.events.extend(finding.events);
                continue;
            }
            finding.failures.retain(|failure| !taken.contains(failure));
            if finding.failures.is_empty() && finding.events.iter().all(|cited| cited.evidence.is_some()) {
                continue;
            }
            taken.extend(&finding.failures);
            ranked.push(finding);
        }
        // What outranks another stands before it, however many points that has.
        let mut ordered: Vec<Finding> = Vec::with_capacity(ranked.len());
        for finding in ranked {
            let outranks = &rules[finding.rule].when.outranks;
            let before = ordered.iter().position(|other| outranks.contains(&rules[other.rule].id));
            ordered.insert(before.unwrap_or(ordered.len()), finding);
        }
        ordered
    }
}
