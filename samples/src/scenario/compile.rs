//! From a scenario as it is written to one that can be played: bases, scenes and variants become
//! one list of beats, shares of the boot become places in the log.

use super::error::ScenarioError;
use super::model::{self, Body, Document, Scene, Variant};
use super::names::Names;
use super::operations::{actions, status};
use crate::boot::beat::{Beat, Note};
use crate::boot::cast::{CAST, Ppm};
use crate::boot::paths::Paths;
use crate::boot::play::{Change, Extra, Play, Setting, Stretch};
use pml_parser::{NtStatus, Ticks};
use std::collections::BTreeMap;

/// A share of the boot as a place in the log.
fn place(share: f64) -> Result<Ppm, String> {
    if (0.0..=1.0).contains(&share) {
        Ok((share * 1e6).round() as Ppm)
    } else {
        Err(format!("{share} is not between 0 and 1"))
    }
}

fn ticks(seconds: Option<f64>) -> Result<Option<Ticks>, String> {
    match seconds {
        Some(seconds) if !(0.0..=86_400.0).contains(&seconds) => Err(format!("{seconds} s")),
        Some(seconds) => Ok(Some(Ticks((seconds * 1e7).round() as u64))),
        None => Ok(None),
    }
}

/// The machine: what the variant says, then what the scenario says, then the usual.
pub(crate) fn setting(document: &Document, variant: Option<&Variant>) -> Setting {
    let empty = model::Machine::default();
    let (first, second) = (variant.map_or(&empty, |variant| &variant.machine), &document.machine);
    let build = first.build.or(second.build).unwrap_or(19_041);
    let reported = if build == 19_041 { 19_045 } else { build };
    let computer = first.computer.clone().or_else(|| second.computer.clone());
    Setting {
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

/// Makes a play of a scenario.
pub(crate) struct Compiler<'a> {
    pub(crate) file: &'a str,
    pub(crate) document: &'a Document,
    pub(crate) variant: Option<&'a Variant>,
    pub(crate) paths: &'a Paths,
}

impl Compiler<'_> {
    /// All of it, with everything checked that can be.
    pub(crate) fn play(&self, setting: Setting) -> Result<Play, ScenarioError> {
        self.check_machine(&setting)?;
        let mut bodies: Vec<(String, Body)> = Vec::new();
        for (number, body) in self.document.base.bodies()?.into_iter().enumerate() {
            bodies.push((format!("base[{number}]."), body));
        }
        bodies.push((String::new(), self.document.body()));
        if let Some(variant) = self.variant {
            bodies.push((format!("variant {}: ", variant.name), variant.body()));
        }
        let mut play = Play {
            setting,
            beats: Vec::new(),
            changes: BTreeMap::new(),
            extras: Vec::new(),
            stretches: Vec::new(),
            cut: 1_000_000,
            is_unclosed: false,
        };
        let (mut names, mut spell) = (BTreeMap::new(), BTreeMap::new());
        for (at, body) in &bodies {
            self.add_cast(&mut play, at, body)?;
            names.extend(body.names.clone());
            spell.extend(body.spell.clone());
            if let Some(cut) = body.cut {
                play.cut = place(cut).map_err(|reason| self.error(format!("{at}cut"), reason))?;
            }
            play.is_unclosed = body.unclosed.unwrap_or(play.is_unclosed);
        }
        let mut without: Vec<&String> = self.document.without.iter().collect();
        without.extend(self.variant.iter().flat_map(|variant| &variant.without));
        for label in &without {
            let labels =
                bodies.iter().flat_map(|(_, body)| &body.scene).filter_map(|scene| scene.label.as_ref());
            if !labels.into_iter().any(|known| known == *label) {
                return Err(self.error("without", format!("no scene is labelled {label:?}")));
            }
        }
        for (at, body) in &bodies {
            for (number, scene) in body.scene.iter().enumerate() {
                if scene.label.as_ref().is_some_and(|label| without.contains(&label)) {
                    continue;
                }
                let key = format!("{at}scene[{number}]");
                let absent = |change: &Change| change.absent == Some(true);
                if at.starts_with("base") && play.changes.get(&scene.actor).is_some_and(absent) {
                    continue;
                }
                self.add_scene(&mut play, &key, scene, &names, &spell)?;
            }
        }
        play.beats.sort_by_key(|beat| beat.at);
        Ok(play)
    }

    fn error(&self, key: impl Into<String>, reason: impl Into<String>) -> ScenarioError {
        ScenarioError::new(self.file, key, reason)
    }

    fn check_machine(&self, setting: &Setting) -> Result<(), ScenarioError> {
        if !setting.drive.is_ascii_uppercase() {
            return Err(self.error("machine.drive", "not a letter from A to Z"));
        }
        if setting.computer.is_empty() || setting.computer.encode_utf16().count() > 15 {
            return Err(self.error("machine.computer", "not of 1 to 15 characters"));
        }
        if setting.revision < 100 || setting.older >= setting.revision {
            return Err(self.error("machine.revision", "must be greater than older, and at least 100"));
        }
        Ok(())
    }

    /// Changes of processes, processes and stretches.
    fn add_cast(&self, play: &mut Play, at: &str, body: &Body) -> Result<(), ScenarioError> {
        let place = |key: String, share: Option<f64>| {
            share.map(place).transpose().map_err(|reason| self.error(key, reason))
        };
        let exit = |key: String, text: &Option<String>| {
            let code = text.as_deref().map(|text| status(text).map(|status| status.0));
            code.transpose().map_err(|reason| self.error(key, reason))
        };
        for (number, extra) in body.process.iter().enumerate() {
            let key = format!("{at}process[{number}]");
            if !CAST.iter().any(|role| role.name == extra.like) {
                return Err(self.error(format!("{key}.like"), format!("nobody is called {:?}", extra.like)));
            }
            let change = Change {
                starts: place(format!("{key}.starts"), extra.starts)?,
                ends: place(format!("{key}.ends"), extra.ends)?,
                exit: exit(format!("{key}.exit"), &extra.exit)?,
                absent: None,
                quiet: extra.quiet,
            };
            play.changes.insert(extra.name.clone(), change);
            let model::Extra { name, like, folder, arguments, parent, user, session, .. } = extra.clone();
            play.extras.push(Extra { name, like, folder, arguments, parent, user, session });
        }
        for (name, change) in &body.change {
            let key = format!("{at}change.{name:?}");
            let is_known =
                CAST.iter().any(|role| role.name == name) || play.extras.iter().any(|e| e.name == *name);
            if !is_known {
                return Err(self.error(key, "nobody is called that"));
            }
            let entry = play.changes.entry(name.clone()).or_default();
            entry.starts = place(format!("{key}.starts"), change.starts)?.or(entry.starts);
            entry.ends = place(format!("{key}.ends"), change.ends)?.or(entry.ends);
            entry.exit = exit(format!("{key}.exit"), &change.exit)?.or(entry.exit);
            entry.absent = change.absent.or(entry.absent);
            entry.quiet = change.quiet.or(entry.quiet);
        }
        for (number, stretch) in body.stretch.iter().enumerate() {
            let key = format!("{at}stretch[{number}]");
            let lasts = ticks(Some(stretch.seconds)).map_err(|e| self.error(format!("{key}.seconds"), e))?;
            play.stretches.push(Stretch {
                from: place(format!("{key}.from"), Some(stretch.from))?.unwrap_or(0),
                to: place(format!("{key}.to"), Some(stretch.to))?.unwrap_or(0),
                lasts: lasts.unwrap_or(Ticks(0)),
                quiet: stretch.quiet.clone(),
            });
        }
        Ok(())
    }

    fn add_scene(
        &self,
        play: &mut Play,
        key: &str,
        scene: &Scene,
        names: &BTreeMap<String, String>,
        spell: &BTreeMap<String, String>,
    ) -> Result<(), ScenarioError> {
        let is_known = CAST.iter().any(|role| role.name == scene.actor)
            || play.extras.iter().any(|extra| extra.name == scene.actor);
        let is_absent = play.changes.get(&scene.actor).is_some_and(|change| change.absent == Some(true));
        if !is_known || is_absent {
            let reason = format!("{:?} does not take part", scene.actor);
            return Err(self.error(format!("{key}.actor"), reason));
        }
        let (from, to) = scene.phase.map_or((0.0, 1.0), model::Phase::span);
        let once = [BTreeMap::new()];
        let each = if scene.each.is_empty() { &once[..] } else { &scene.each };
        for (turn, own) in each.iter().enumerate() {
            let names = Names { paths: self.paths, own: vec![own, names], spell };
            let share = from + scene.at * (to - from) + turn as f64 * scene.step;
            let at = place(share).map_err(|reason| self.error(format!("{key}.at"), reason))?;
            for (number, beat) in scene.beats.iter().enumerate() {
                let told = tell(beat, &names).map_err(|(wrong, reason)| {
                    self.error(format!("{key}.beats[{number}].{wrong}"), reason)
                })?;
                play.beats.extend(told.into_iter().map(|beat| Beat {
                    at,
                    actor: scene.actor.clone(),
                    thread: scene.thread,
                    ..beat
                }));
            }
        }
        Ok(())
    }
}

/// The beats that one beat of a scenario comes to, still without time and actor.
fn tell(beat: &model::Beat, names: &Names<'_>) -> Result<Vec<Beat>, (&'static str, String)> {
    let path = names.path(&beat.path).map_err(|reason| ("path", reason))?;
    let to = beat.to.as_deref().map(|to| names.path(to)).transpose().map_err(|reason| ("to", reason))?;
    let mut expanded = beat.clone();
    let expand = |text: &String| names.expand(text).map_err(|reason| ("data", reason));
    match &mut expanded.data {
        Some(model::Data::Text(text)) => *text = expand(text)?,
        Some(model::Data::Texts(texts)) => *texts = texts.iter().map(expand).collect::<Result<_, _>>()?,
        _ => {}
    }
    let status = match &beat.result {
        Some(text) => status(text).map_err(|reason| ("result", reason))?,
        None => NtStatus::SUCCESS,
    };
    let takes = ticks(beat.takes).map_err(|reason| ("takes", reason))?;
    let every = ticks(beat.every).map_err(|reason| ("every", reason))?.unwrap_or(Ticks(0));
    let mut notes = Vec::new();
    for line in &beat.cbs {
        let line = names.expand(line).map_err(|reason| ("cbs", reason))?;
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        let (Some(level), Some(source), Some(text)) = (words.next(), words.next(), words.next()) else {
            return Err(("cbs", "a line has a level, a source and a message".to_owned()));
        };
        notes.push(Note::Cbs(level, source, text));
    }
    if let Some(line) = &beat.poqexec {
        notes.push(Note::Queue(names.expand(line).map_err(|reason| ("poqexec", reason))?));
    }
    let actions = actions(&expanded, &path, to.as_deref())?;
    let last = actions.len().saturating_sub(1);
    let told = actions.into_iter().enumerate().map(|(number, (action, path))| Beat {
        at: 0,
        actor: String::new(),
        thread: 0,
        action,
        path,
        status,
        takes,
        repeat: beat.repeat.unwrap_or(1),
        every,
        notes: if number == last { std::mem::take(&mut notes) } else { Vec::new() },
    });
    Ok(told.collect())
}
