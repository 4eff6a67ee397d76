//! Compiles a scenario into a script: merges base, scenario and variant, and turns shares of the boot
//! into positions in the log.

use super::error::ScenarioError;
use super::model::{self, Body, Document, Step, Variant};
use super::names::Names;
use super::operations::{kinds, status};
use crate::boot::action::{Action, LogText};
use crate::boot::machine::MachineProfile;
use crate::boot::paths::Paths;
use crate::boot::progress::{Ppm, Stretch, WHOLE};
use crate::boot::roles::ROLES;
use crate::boot::script::{ExtraProcess, RoleChange, Script};
use pml_parser::{NtStatus, Ticks};
use std::collections::BTreeMap;

/// A share of the boot as a position in the log.
fn position(share: f64) -> Result<Ppm, String> {
    if (0.0..=1.0).contains(&share) {
        Ok((share * f64::from(WHOLE)).round() as Ppm)
    } else {
        Err(format!("{share} is not between 0 and 1"))
    }
}

fn ticks(seconds: Option<f64>) -> Result<Option<Ticks>, String> {
    match seconds {
        Some(seconds) if !(0.0..=86_400.0).contains(&seconds) => {
            Err(format!("{seconds} s is not between 0 s and a day"))
        }
        Some(seconds) => Ok(Some(Ticks((seconds * 1e7).round() as u64))),
        None => Ok(None),
    }
}

/// The machine. The variant takes precedence over the scenario, and the scenario over the defaults.
pub(crate) fn machine(document: &Document, variant: Option<&Variant>) -> MachineProfile {
    let empty = model::Machine::default();
    let (first, second) = (variant.map_or(&empty, |variant| &variant.machine), &document.machine);
    let build = first.build.or(second.build).unwrap_or(19_041);
    let reported = if build == 19_041 { 19_045 } else { build };
    let computer = first.computer.clone().or_else(|| second.computer.clone());
    MachineProfile {
        computer: computer.unwrap_or_else(|| "PC-ZHANGWEI".to_owned()),
        build,
        reported_build: first.reported_build.or(second.reported_build).unwrap_or(reported),
        revision: first.revision.or(second.revision).unwrap_or(5_122),
        older: first.older.or(second.older).unwrap_or(4_355),
        drive: first.drive.or(second.drive).unwrap_or('C'),
        users: first.users.clone().or_else(|| second.users.clone()).unwrap_or_default(),
        later: Ticks(u64::from(first.later.or(second.later).unwrap_or(0)) * 10_000_000),
    }
}

/// Whether a role, or an additional process of the script, has this name.
fn is_known(script: &Script, name: &str) -> bool {
    ROLES.iter().any(|role| role.name == name) || script.extras.iter().any(|extra| extra.name == name)
}

/// Compiles a scenario, or one of its variants.
pub(crate) struct Compiler<'a> {
    pub(crate) file: &'a str,
    pub(crate) document: &'a Document,
    pub(crate) variant: Option<&'a Variant>,
    pub(crate) paths: &'a Paths,
}

impl Compiler<'_> {
    /// The script of the scenario.
    pub(crate) fn script(&self, machine: MachineProfile) -> Result<Script, ScenarioError> {
        self.check_machine(&machine)?;
        let mut bodies: Vec<(String, Body)> = Vec::new();
        for (number, body) in self.document.base.bodies()?.into_iter().enumerate() {
            bodies.push((format!("base[{number}]."), body));
        }
        bodies.push((String::new(), self.document.body()));
        if let Some(variant) = self.variant {
            bodies.push((format!("variant {}: ", variant.name), variant.body()));
        }
        let mut script = Script {
            machine,
            actions: Vec::new(),
            changes: BTreeMap::new(),
            extras: Vec::new(),
            stretches: Vec::new(),
            cut: WHOLE,
            is_unclosed: false,
        };
        let (mut names, mut spell) = (BTreeMap::new(), BTreeMap::new());
        for (at, body) in &bodies {
            self.add_processes(&mut script, at, body)?;
            names.extend(body.names.clone());
            spell.extend(body.spell.clone());
            if let Some(cut) = body.cut {
                script.cut = position(cut).map_err(|reason| self.error(format!("{at}cut"), reason))?;
            }
            script.is_unclosed = body.unclosed.unwrap_or(script.is_unclosed);
        }
        let mut without: Vec<&String> = self.document.without.iter().collect();
        without.extend(self.variant.iter().flat_map(|variant| &variant.without));
        for label in &without {
            let labels =
                bodies.iter().flat_map(|(_, body)| &body.step).filter_map(|step| step.label.as_ref());
            if !labels.into_iter().any(|known| known == *label) {
                return Err(self.error("without", format!("no step has the label {label:?}")));
            }
        }
        for (at, body) in &bodies {
            for (number, step) in body.step.iter().enumerate() {
                if step.label.as_ref().is_some_and(|label| without.contains(&label)) {
                    continue;
                }
                let key = format!("{at}step[{number}]");
                if at.starts_with("base") && script.is_absent(&step.process) {
                    continue;
                }
                self.add_step(&mut script, &key, step, &names, &spell)?;
            }
        }
        script.actions.sort_by_key(|action| action.at);
        Ok(script)
    }

    fn error(&self, key: impl Into<String>, reason: impl Into<String>) -> ScenarioError {
        ScenarioError::new(self.file, key, reason)
    }

    fn check_machine(&self, machine: &MachineProfile) -> Result<(), ScenarioError> {
        if !machine.drive.is_ascii_uppercase() {
            return Err(self.error("machine.drive", "not a letter from A to Z"));
        }
        if machine.computer.is_empty() || machine.computer.encode_utf16().count() > 15 {
            return Err(self.error("machine.computer", "not of 1 to 15 characters"));
        }
        if machine.revision < 100 || machine.older >= machine.revision {
            return Err(self.error("machine.revision", "must be greater than older, and at least 100"));
        }
        Ok(())
    }

    /// Adds the additional processes, the changes of roles and the stretches of a body.
    fn add_processes(&self, script: &mut Script, at: &str, body: &Body) -> Result<(), ScenarioError> {
        let position = |key: String, share: Option<f64>| {
            share.map(position).transpose().map_err(|reason| self.error(key, reason))
        };
        let exit = |key: String, text: &Option<String>| {
            let code = text.as_deref().map(|text| status(text).map(|status| status.0));
            code.transpose().map_err(|reason| self.error(key, reason))
        };
        for (number, extra) in body.process.iter().enumerate() {
            let key = format!("{at}process[{number}]");
            if !ROLES.iter().any(|role| role.name == extra.like) {
                return Err(self.error(format!("{key}.like"), format!("no role is called {:?}", extra.like)));
            }
            let change = RoleChange {
                starts: position(format!("{key}.starts"), extra.starts)?,
                ends: position(format!("{key}.ends"), extra.ends)?,
                exit: exit(format!("{key}.exit"), &extra.exit)?,
                absent: None,
                quiet: extra.quiet,
            };
            script.changes.insert(extra.name.clone(), change);
            let model::ExtraProcess { name, like, folder, arguments, parent, user, session, .. } =
                extra.clone();
            script.extras.push(ExtraProcess { name, like, folder, arguments, parent, user, session });
        }
        for (name, change) in &body.change {
            let key = format!("{at}change.{name:?}");
            if !is_known(script, name) {
                return Err(self.error(key, "no process is called that"));
            }
            let entry = script.changes.entry(name.clone()).or_default();
            entry.starts = position(format!("{key}.starts"), change.starts)?.or(entry.starts);
            entry.ends = position(format!("{key}.ends"), change.ends)?.or(entry.ends);
            entry.exit = exit(format!("{key}.exit"), &change.exit)?.or(entry.exit);
            entry.absent = change.absent.or(entry.absent);
            entry.quiet = change.quiet.or(entry.quiet);
        }
        for (number, stretch) in body.stretch.iter().enumerate() {
            let key = format!("{at}stretch[{number}]");
            let lasts = ticks(Some(stretch.seconds)).map_err(|e| self.error(format!("{key}.seconds"), e))?;
            script.stretches.push(Stretch {
                from: position(format!("{key}.from"), Some(stretch.from))?.unwrap_or(0),
                to: position(format!("{key}.to"), Some(stretch.to))?.unwrap_or(0),
                lasts: lasts.unwrap_or(Ticks(0)),
                quiet: stretch.quiet.clone(),
            });
        }
        Ok(())
    }

    /// Adds the actions of a step.
    fn add_step(
        &self,
        script: &mut Script,
        key: &str,
        step: &Step,
        names: &BTreeMap<String, String>,
        spell: &BTreeMap<String, String>,
    ) -> Result<(), ScenarioError> {
        if !is_known(script, &step.process) || script.is_absent(&step.process) {
            let reason = format!("{:?} does not run in this boot", step.process);
            return Err(self.error(format!("{key}.process"), reason));
        }
        let (from, to) = step.phase.map_or((0.0, 1.0), model::Phase::span);
        let once = [BTreeMap::new()];
        let each = if step.each.is_empty() { &once[..] } else { &step.each };
        for (turn, own) in each.iter().enumerate() {
            let names = Names { paths: self.paths, own: vec![own, names], spell };
            let share = from + step.at * (to - from) + turn as f64 * step.interval;
            let at = position(share).map_err(|reason| self.error(format!("{key}.at"), reason))?;
            for (number, action) in step.actions.iter().enumerate() {
                let actions = expand(action, &names).map_err(|(invalid, reason)| {
                    self.error(format!("{key}.actions[{number}].{invalid}"), reason)
                })?;
                script.actions.extend(actions.into_iter().map(|action| Action {
                    at,
                    role: step.process.clone(),
                    thread: step.thread,
                    ..action
                }));
            }
        }
        Ok(())
    }
}

/// The actions of the script for one action of a scenario, still without time and role.
fn expand(action: &model::Action, names: &Names<'_>) -> Result<Vec<Action>, (&'static str, String)> {
    let path = names.path(&action.path).map_err(|reason| ("path", reason))?;
    let to = action.to.as_deref().map(|to| names.path(to)).transpose().map_err(|reason| ("to", reason))?;
    let mut expanded = action.clone();
    let expand = |text: &String| names.expand(text).map_err(|reason| ("data", reason));
    match &mut expanded.data {
        Some(model::Data::Text(text)) => *text = expand(text)?,
        Some(model::Data::Texts(texts)) => *texts = texts.iter().map(expand).collect::<Result<_, _>>()?,
        _ => {}
    }
    let status = match &action.result {
        Some(text) => status(text).map_err(|reason| ("result", reason))?,
        None => NtStatus::SUCCESS,
    };
    let duration = ticks(action.takes).map_err(|reason| ("takes", reason))?;
    let pause = ticks(action.every).map_err(|reason| ("every", reason))?.unwrap_or(Ticks(0));
    let mut log_texts = Vec::new();
    for line in &action.cbs {
        let line = names.expand(line).map_err(|reason| ("cbs", reason))?;
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        let (Some(level), Some(source), Some(text)) = (words.next(), words.next(), words.next()) else {
            return Err(("cbs", "a line has a level, a source and a message".to_owned()));
        };
        log_texts.push(LogText::Cbs(level, source, text));
    }
    if let Some(line) = &action.poqexec {
        log_texts.push(LogText::Queue(names.expand(line).map_err(|reason| ("poqexec", reason))?));
    }
    let kinds = kinds(&expanded, &path, to.as_deref())?;
    let last = kinds.len().saturating_sub(1);
    let actions = kinds.into_iter().enumerate().map(|(number, (kind, path))| Action {
        at: 0,
        role: String::new(),
        thread: 0,
        kind,
        path,
        status,
        duration,
        repeat: action.repeat.unwrap_or(1),
        pause,
        log_texts: if number == last { std::mem::take(&mut log_texts) } else { Vec::new() },
    });
    Ok(actions.collect())
}
