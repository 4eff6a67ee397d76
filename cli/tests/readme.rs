//! Runs the README's console blocks unchanged. Figures that depend on the machine (seconds, rates) are
//! compared by their form only.

use std::fs;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Commands and the output shown below each, of all console blocks.
fn transcripts(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line.trim() {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => found.push((command.to_owned(), String::new())),
                (None, Some((_, output))) => {
                    output.push_str(line);
                    output.push('\n');
                }
                (None, None) => panic!("output before a command: {line}"),
            },
        }
    }
    found
}

/// Replaces figures that depend on the machine: those of `in 0.02 s (357,766 events/s, 335.74 MiB/s)`.
fn without_speed(text: &str) -> String {
    let speed = |line: &str| {
        let (before, after) = line.split_once(" in ")?;
        let (seconds, rest) = after.split_once(" s")?;
        seconds.parse::<f64>().ok()?;
        let rest = match rest.split_once("events/s") {
            Some((_, rates)) => rates.split_once(')')?.1,
            None => rest,
        };
        Some(format!("{before} in # s{rest}"))
    };
    text.lines().map(|line| speed(line).unwrap_or(line.to_owned()) + "\n").collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_readme_shows_real_output() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let transcripts = transcripts(&text);
    assert!(transcripts.len() >= 2, "the README has console blocks");
    let folder = tempfile::tempdir().unwrap();
    // Commands name inputs from the workspace's root; outputs go into a folder of the test.
    for inputs in ["samples/logs", "analyzer/tests/data/bundles"] {
        copy(&root().join(inputs), &folder.path().join(inputs));
    }
    for (command, shown) in transcripts {
        // Splits the command into words, and keeps quoted words together.
        let quoted = command.split('"').enumerate();
        let mut words = quoted.flat_map(|(i, text)| match i % 2 {
            0 => text.split_whitespace().collect(),
            _ => vec![text],
        });
        assert_eq!(words.next(), Some("pml"), "{command}");
        // `| head -n 30` shows only the first lines.
        let words: Vec<&str> = words.collect();
        let (words, lines) = match words.iter().position(|word| *word == "|") {
            Some(at) => (&words[..at], words[at + 1..].join(" ")),
            None => (&words[..], String::new()),
        };
        let lines: usize = match lines.strip_prefix("head -n ") {
            Some(number) => number.parse().unwrap(),
            None => usize::MAX,
        };
        let output =
            Command::new(env!("CARGO_BIN_EXE_pml")).args(words).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
        let said: String = said.lines().take(lines).map(|line| format!("{line}\n")).collect();
        assert_eq!(without_speed(&said), without_speed(&shown), "{command}");
    }
}
