//! `pml rules new`: writes a rule to be filled in, a scenario in which the rule fires, and a twin scenario in which
//! the rule must not fire.

use super::{KNOWLEDGE, scenarios_beside};
use crate::args::NewRuleArgs;
use crate::failure::Failure;
use crate::knowledge;
use crate::status::{Done, stdout_done};
use pml_analyzer::{Knowledge, RuleKind};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The files of a skeleton.
struct Skeleton {
    rule: &'static str,
    /// A scenario in which the rule fires, and the expected verdict.
    scenario: [&'static str; 2],
    /// A scenario in which the rule must not fire, and the expected verdict.
    twin: [&'static str; 2],
}

static CAUSE: Skeleton = Skeleton {
    rule: include_str!("skeleton/cause.toml"),
    scenario: [
        include_str!("skeleton/cause-scenario.toml"),
        include_str!("skeleton/cause-scenario.expect.toml"),
    ],
    twin: [include_str!("skeleton/cause-twin.toml"), include_str!("skeleton/cause-twin.expect.toml")],
};

static NOTE: Skeleton = Skeleton {
    rule: include_str!("skeleton/note.toml"),
    scenario: [
        include_str!("skeleton/note-scenario.toml"),
        include_str!("skeleton/note-scenario.expect.toml"),
    ],
    twin: [include_str!("skeleton/note-twin.toml"), include_str!("skeleton/note-twin.expect.toml")],
};

/// Runs the command.
pub(super) fn run(args: &NewRuleArgs) -> Result<Done, Failure> {
    let id = &args.id;
    let (kind, words) = parse(id)?;
    let directory = match &args.knowledge {
        Some(directory) => directory.clone(),
        None if Path::new(KNOWLEDGE).is_dir() => PathBuf::from(KNOWLEDGE),
        None => {
            return Err(Failure::new(format!("there is no directory {KNOWLEDGE} here"))
                .hint("name the knowledge directory with --knowledge DIR"));
        }
    };
    fs::create_dir_all(directory.join("rules")).map_err(|e| Failure::of_io(&directory, &e))?;
    refuse_known(id, &knowledge::read(Some(&directory))?)?;
    let skeleton = if kind == RuleKind::Cause { &CAUSE } else { &NOTE };
    let scenarios = scenarios_beside(&directory);
    let number = scenarios.as_deref().map(next_number).transpose()?;
    let number = number.map(|number| format!("S{number:02}"));
    let (fires, silent) = match &number {
        Some(number) => (format!("\"{number}\""), format!("\"S01\", \"{number}n\"")),
        None => (String::new(), "\"S01\"".to_owned()),
    };
    let bucket = match kind {
        RuleKind::Cause => format!("ROLLBACK_{}", words.replace('-', "_")),
        RuleKind::Note => id.replace('-', "_"),
    };
    let fill = |template: &str, scenario: &str| {
        template
            .replace("@ID@", id)
            .replace("@BUCKET@", &bucket)
            .replace("@FIRES@", &fires)
            .replace("@SILENT@", &silent)
            .replace("@SCENARIO@", scenario)
    };
    let mut files = vec![(directory.join("rules").join(format!("{id}.toml")), fill(skeleton.rule, ""))];
    let name = words.to_ascii_lowercase();
    let mut logs = Vec::new();
    if let (Some(folder), Some(number)) = (&scenarios, &number) {
        let twin = format!("{number}n");
        let pairs =
            [(number, name.clone(), skeleton.scenario), (&twin, format!("{name}-twin"), skeleton.twin)];
        for (scenario, name, [text, verdict]) in pairs {
            let file = folder.join(format!("{scenario}-{name}.toml"));
            files.push((file.with_extension("expect.toml"), fill(verdict, scenario)));
            files.push((file.clone(), fill(text, scenario)));
            logs.push((scenario.clone(), file));
        }
    }
    write_all(&files)?;
    let said = next_steps(&files, &directory, &logs, id);
    stdout_done(io::stdout().write_all(said.as_bytes()))
}

/// The kind of rule that an id names, and the words of the id after RB or INFO.
fn parse(id: &str) -> Result<(RuleKind, &str), Failure> {
    let parts = id.strip_prefix("RB-").map(|words| (RuleKind::Cause, words));
    let parts = parts.or_else(|| id.strip_prefix("INFO-").map(|words| (RuleKind::Note, words)));
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    parts.filter(|(_, words)| words.split('-').all(is_word)).ok_or_else(|| {
        Failure::new(format!("{id} is not a rule id"))
            .hint("an id is RB- for a cause, or INFO- for a note, and words in capitals: RB-MY-AGENT")
    })
}

/// Refuses the id of an existing rule, and the old id of a rule.
fn refuse_known(id: &str, knowledge: &Knowledge) -> Result<(), Failure> {
    match knowledge.rule(id) {
        None => Ok(()),
        Some(rule) if rule.id() == id => {
            Err(Failure::new(format!("there is a rule {id} already"))
                .hint(format!("pml rules {id} explains it")))
        }
        Some(rule) => Err(Failure::new(format!("{id} is the old id of {}", rule.id()))),
    }
}

/// The first number after those of all scenarios.
fn next_number(scenarios: &Path) -> Result<u32, Failure> {
    let failed = |e: io::Error| Failure::of_io(scenarios, &e);
    let mut highest = 0;
    for entry in fs::read_dir(scenarios).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        let digits: String = name.chars().skip(1).take_while(char::is_ascii_digit).collect();
        if let Ok(number) = digits.parse::<u32>()
            && name.starts_with('S')
        {
            highest = highest.max(number);
        }
    }
    Ok(highest.saturating_add(1))
}

/// Writes all files, or none: an existing file is not replaced.
fn write_all(files: &[(PathBuf, String)]) -> Result<(), Failure> {
    for (at, (path, text)) in files.iter().enumerate() {
        let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(error) = written {
            // A file that existed before must not be removed.
            let ours = at + usize::from(error.kind() != io::ErrorKind::AlreadyExists);
            for (path, _) in &files[..ours] {
                let _ = fs::remove_file(path);
            }
            return Err(Failure::of_io(path, &error));
        }
    }
    Ok(())
}

/// `this file`, or `these 5 files`.
fn these(count: usize) -> String {
    if count == 1 { "this file".to_owned() } else { format!("these {count} files") }
}

/// The list of written files, and the next steps.
fn next_steps(files: &[(PathBuf, String)], directory: &Path, logs: &[(String, PathBuf)], id: &str) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{text}");
    };
    for (path, _) in files {
        line(format!("wrote {}", path.display()));
    }
    let directory = directory.display();
    line(format!("If the id is not the right one, delete {} and begin again.", these(files.len())));
    line("\nNext:".to_owned());
    line(format!("1. Fill in every TODO. Check: pml rules {id} --knowledge {directory}"));
    match logs {
        [] => line(format!(
            "2. Try it, until it fires: pml triage --knowledge {directory} LOG\n   \
             Where it is silent: pml rules {id} --knowledge {directory} --why LOG\n   \
             It needs no entry in any list."
        )),
        logs => {
            line(format!("2. Try it, without building anything: {id} must fire in the first log only."));
            for (scenario, file) in logs {
                line(format!(
                    "   pml-samples scenario {} -o target/{scenario} --events 6K --force\n   \
                     pml triage --knowledge {directory} target/{scenario}/Bootlog.pml",
                    file.display()
                ));
            }
            if let Some((scenario, _)) = logs.first() {
                line(format!(
                    "   Where it is silent: pml rules {id} --knowledge {directory} --why target/{scenario}/Bootlog.pml"
                ));
            }
            line("3. Go on with CONTRIBUTING.md, \"Teach triage something\".".to_owned());
        }
    }
    out
}
