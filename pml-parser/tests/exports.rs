//! Compares exports with those of Process Monitor 3.93, byte by byte. data/synthetic has small synthetic
//! logs: every operation once, escaping, a capture in three parts. data/minimal has a small log for each fault that
//! real logs showed, older versions of the format among them. Where the corpus is available, the CSV and
//! XML of real logs are compared too.
#![forbid(unsafe_code)]

use libtest_mimic::{Arguments, Failed, Trial};
use pml_parser::NoProgress;
use pml_parser::export::ScanOptions;
use pml_parser::export::csv::write_csv;
use pml_parser::export::xml::{TextExport, write_xml};
use pml_parser::{Fidelity, Log, LogSet, ProcmonColumn, TextOptions};
use pml_samples::corpus;
use std::process::ExitCode;

/// A file of data/synthetic.
fn synthetic(name: &str) -> Vec<u8> {
    packed("synthetic", name)
}

/// Logs of data/minimal and the endings of Process Monitor's exports of them.
const MINIMAL: [(&str, &[&str]); 11] = [
    ("modules_overlap", &["csv", "xml"]),
    ("modules_210_cases", &["xml"]),
    ("fffd", &["csv", "xml"]),
    ("no_events", &["csv", "xml"]),
    ("nothing", &["csv", "xml"]),
    ("no_process", &["csv", "xml"]),
    ("version4", &["csv"]),
    ("version5", &["csv"]),
    ("version6", &["csv", "xml"]),
    ("version7", &["csv", "xml", "stacks.xml"]),
    ("version8", &["csv", "xml"]),
];

/// A file of a folder of data.
fn packed(folder: &str, name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{folder}/{name}.zst", env!("CARGO_MANIFEST_DIR"));
    let packed = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    zstd::decode_all(packed.as_slice()).expect("whole test data")
}

#[derive(Clone, Copy)]
enum Kind {
    Csv,
    Xml,
    XmlWithStacks,
}

fn export(logs: Vec<Vec<u8>>, kind: Kind, text: &TextOptions, threads: usize) -> Result<Vec<u8>, Failed> {
    let logs = logs.into_iter().map(Log::parse).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let set = LogSet::new(logs);
    let export = TextExport {
        scan: ScanOptions { threads, ..ScanOptions::default() },
        columns: ProcmonColumn::all().collect(),
        text: text.clone(),
    };
    let mut out = Vec::new();
    let done = match kind {
        Kind::Csv => write_csv(&set, &mut out, &export, false, &NoProgress),
        Kind::Xml => write_xml(&set, &mut out, &export, false, &NoProgress),
        Kind::XmlWithStacks => write_xml(&set, &mut out, &export, true, &NoProgress),
    };
    let counts = done.map_err(|e| e.to_string())?;
    assert!(counts.damage.is_empty());
    Ok(out)
}

/// The export equals Process Monitor's, for any number of threads.
fn equals(logs: Vec<Vec<u8>>, kind: Kind, text: &TextOptions, theirs: &[u8]) -> Result<(), Failed> {
    for threads in [1, 3] {
        let ours = export(logs.clone(), kind, text, threads)?;
        if ours != theirs {
            let at =
                ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
            let near = |bytes: &[u8]| {
                let (from, to) = (at.saturating_sub(200).min(bytes.len()), (at + 100).min(bytes.len()));
                String::from_utf8_lossy(&bytes[from..to]).into_owned()
            };
            return Err(format!(
                "differs at byte {at}:\n  ours    {}\n  procmon {}",
                near(&ours),
                near(theirs)
            )
            .into());
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    use Kind::{Csv, Xml, XmlWithStacks};
    // All synthetic exports but one were made with addresses as numbers.
    let numeric =
        TextOptions { fidelity: Fidelity::Procmon, numeric_addresses: true, ..TextOptions::default() };
    let advanced = TextOptions { advanced: true, ..numeric.clone() };
    let resolved = TextOptions { numeric_addresses: false, ..numeric.clone() };
    let cases: [(&[&str], &str, Kind, &TextOptions); 9] = [
        (&["all_ops_64.pml"], "all_ops_64.csv", Csv, &numeric),
        (&["all_ops_64.pml"], "all_ops_64.adv.csv", Csv, &advanced),
        (&["all_ops_64.pml"], "all_ops_64.resolve.csv", Csv, &resolved),
        (&["all_ops_64.pml"], "all_ops_64.xml", Xml, &numeric),
        (&["all_ops_64.pml"], "all_ops_64.stacks.xml", XmlWithStacks, &numeric),
        (&["escapes.pml"], "escapes.csv", Csv, &numeric),
        (&["escapes.pml"], "escapes.xml", Xml, &numeric),
        (&["escapes.pml"], "escapes.stacks.xml", XmlWithStacks, &numeric),
        (&["set.pml", "set-1.pml", "set-2.pml"], "set.csv", Csv, &numeric),
    ];
    let mut trials: Vec<Trial> = cases
        .into_iter()
        .map(|(logs, theirs, kind, text)| {
            let text = text.clone();
            Trial::test(theirs, move || {
                equals(logs.iter().map(|log| synthetic(log)).collect(), kind, &text, &synthetic(theirs))
            })
        })
        .collect();
    for (log, endings) in MINIMAL {
        for ending in endings {
            let kind = match *ending {
                "csv" => Csv,
                "xml" => Xml,
                _ => XmlWithStacks,
            };
            let text = resolved.clone();
            trials.push(Trial::test(format!("{log}.{ending}"), move || {
                let theirs = packed("minimal", &format!("{log}.procmon.{ending}"));
                equals(vec![packed("minimal", &format!("{log}.pml"))], kind, &text, &theirs)
            }));
        }
    }
    let missing = corpus::directory().is_none();
    if missing {
        eprintln!("no corpus found (set {}): exports of real logs are ignored", corpus::VARIABLE);
    }
    const REAL: &str = "LogFileUTC64Process";
    for (ending, kind) in [("xml", Xml), ("stacks.xml", XmlWithStacks)] {
        let text = resolved.clone();
        let trial = Trial::test(format!("{REAL}.{ending}"), move || {
            let theirs = corpus::read(&format!("{REAL}.{ending}"))?;
            equals(vec![corpus::read(&format!("{REAL}.pml"))?], kind, &text, &theirs)
        });
        trials.push(trial.with_ignored_flag(missing));
    }
    for name in corpus::LOGS {
        let text = resolved.clone();
        let trial = Trial::test(format!("{name}.csv"), move || {
            let theirs = corpus::read(&format!("{name}.csv"))?;
            equals(vec![corpus::read(&format!("{name}.pml"))?], Csv, &text, &theirs)
        });
        trials.push(trial.with_ignored_flag(missing));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
