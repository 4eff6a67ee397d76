//! Every scenario, in every variant, gets the expected verdict, under several conditions.
//!
//! Each condition of a scenario is a test by itself: `cargo test -p pml-analyzer --test scenarios S07/`
//! runs all tests of S07 and its variants, and `verdict` as a filter runs the verdicts of all scenarios.

use libtest_mimic::{Arguments, Failed, Trial};
use pml_analyzer::case::{CaseOrigin, CaseReport};
use pml_analyzer::logs::case::{Case as Logs, CaseOutcome};
use pml_analyzer::logs::{LogFile, Signatures};
use pml_analyzer::{
    Format, Knowledge, Language, Origin, Paint, Report, RollbackClass, Triage, TriageOptions, triage,
};
use pml_parser::write::LogWriter;
use pml_parser::{Drives, Log, LogSet, NoProgress};
use pml_samples::boot::{Amount, Options};
use pml_samples::raw_boot;
use pml_samples::scenario::{self, Companions, Expectation, Finding, Rollback, Scenario, ScenarioError};
use serde_json::Value;
use std::io::Cursor;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| match Knowledge::embedded() {
    Ok(knowledge) => knowledge,
    Err(errors) => panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>()),
});

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| match Signatures::embedded() {
    Ok(signatures) => signatures,
    Err(errors) => panic!("{}", errors[0]),
});

/// A scenario or one of its variants, and the expectation for it.
struct Case {
    /// The id, with the variant: `S04/drive-d`.
    name: String,
    scenario: Scenario,
    expected: Expectation,
}

/// A scenario that cannot be tested: its id, and why.
type Untested = (String, String);

/// Every scenario and variant with its verdict, and those without one.
fn cases() -> Result<(Vec<Arc<Case>>, Vec<Untested>), ScenarioError> {
    let (mut cases, mut untested) = (Vec::new(), Vec::new());
    for scenario in scenario::all()? {
        let path = Path::new(scenario.file()).with_extension("expect.toml");
        let id = scenario.id().to_owned();
        if !path.exists() {
            let reason = format!(
                "{} has no verdict: write {} beside it (samples/README.md, \"Verdicts\")",
                scenario.file(),
                path.display()
            );
            untested.push((id, reason));
            continue;
        }
        match verdicts(&scenario, &path) {
            Ok(of_scenario) => cases.extend(of_scenario.into_iter().map(Arc::new)),
            Err(error) => untested.push((id, error.to_string())),
        }
    }
    Ok((cases, untested))
}

/// A scenario and its variants, each with its verdict.
fn verdicts(scenario: &Scenario, path: &Path) -> Result<Vec<Case>, ScenarioError> {
    let mut cases = Vec::new();
    for expected in scenario::expectations(path)? {
        let (name, scenario) = match &expected.variant {
            None => (scenario.id().to_owned(), scenario.clone()),
            Some(variant) => (format!("{}/{variant}", scenario.id()), scenario.variant(variant)?),
        };
        cases.push(Case { name, scenario, expected });
    }
    Ok(cases)
}

/// The capture. A capture that was never closed is recovered.
fn open(scenario: &Scenario, parts: Vec<Vec<u8>>) -> LogSet<Vec<u8>> {
    let open = if scenario.is_unclosed().unwrap() { Log::recover } else { Log::parse };
    LogSet::new(parts.into_iter().map(|bytes| open(bytes).unwrap()).collect())
}

/// A capture of a scenario, analyzed.
struct Judged {
    set: LogSet<Vec<u8>>,
    triage: Triage,
    report: Report,
}

fn judged(scenario: &Scenario, options: &Options, threads: usize) -> Judged {
    let parts = scenario.generate_in_memory(options).unwrap().parts;
    judged_set(open(scenario, parts), threads)
}

fn judged_set(set: LogSet<Vec<u8>>, threads: usize) -> Judged {
    let triage_options = TriageOptions { threads, parts_missing: false };
    let triage = triage(&set, &KNOWLEDGE, triage_options, &NoProgress).unwrap();
    let source =
        Origin { name: "Bootlog.pml".to_owned(), argument: "Bootlog.pml".to_owned(), ..Origin::default() };
    let report = Report::new(&set, &triage, &KNOWLEDGE, &source, Language::En);
    Judged { set, triage, report }
}

fn report(scenario: &Scenario, options: &Options, threads: usize) -> Report {
    judged(scenario, options, threads).report
}

impl Judged {
    /// The differences from the expectation, and why the rules are silent that it wants.
    fn differences(&self, expected: &Expectation) -> Vec<String> {
        let mut wrong = differences(&serde_json::to_value(&self.report).unwrap(), expected);
        if !wrong.is_empty() {
            let wanted = expected.finding.iter().filter_map(|finding| finding.id.as_deref());
            let wanted = wanted.chain(expected.notes.iter().map(String::as_str));
            wrong.extend(wanted.filter_map(|rule| self.why_silent(rule)));
        }
        wrong
    }

    /// Why a rule is silent, if it is.
    fn why_silent(&self, rule: &str) -> Option<String> {
        self.triage.why_silent(&self.set, &KNOWLEDGE, rule).map(|silence| silence.to_string())
    }
}

/// A finding of an expectation, as its file has it.
fn in_toml(finding: &Finding) -> String {
    let texts = [
        ("id", &finding.id),
        ("path", &finding.path),
        ("component", &finding.component),
        ("process", &finding.process),
        ("blames", &finding.blames),
    ];
    let texts = texts.into_iter().filter_map(|(key, text)| Some(format!("{key} = '{}'", text.as_ref()?)));
    let status =
        finding.status.map(|status| format!("status = 0x{:04X}_{:04X}", status >> 16, status & 0xFFFF));
    format!("{{ {} }}", texts.chain(status).collect::<Vec<_>>().join(", "))
}

/// Whether a finding of a report matches an expected one.
fn fits(finding: &Value, expected: &Finding) -> bool {
    let text = |key: &str| finding[key].as_str().unwrap_or_default().to_lowercase();
    let events = finding["events"].as_array().unwrap();
    let in_events = |part: &str| {
        events.iter().any(|e| {
            let path =
                format!("{} {}", e["path"].as_str().unwrap(), e["target"].as_str().unwrap_or_default());
            path.to_lowercase().contains(part)
        })
    };
    let id = expected
        .id
        .as_ref()
        .is_none_or(|id| finding["rule"] == id.as_str() || finding["bucket"] == id.as_str());
    let path = expected.path.as_ref().is_none_or(|path| {
        let path = path.to_lowercase();
        text("path").contains(&path) || text("target").contains(&path) || in_events(&path)
    });
    let component = expected.component.as_ref().is_none_or(|c| {
        finding["component"]["directory"].as_str().is_some_and(|d| d.eq_ignore_ascii_case(c))
    });
    let status = expected.status.is_none_or(|status| finding["status_number"] == status);
    let process = expected.process.as_ref().is_none_or(|process| finding["process"] == process.as_str());
    let blames = expected.blames.as_ref().is_none_or(|blamed| {
        finding["interfering"].as_array().unwrap().iter().any(|i| i["process"] == blamed.as_str())
    });
    id && path && component && status && process && blames
}

/// The differences between a report and the expectation.
fn differences(report: &Value, expected: &Expectation) -> Vec<String> {
    let mut differences = Vec::new();
    let boot = format!("{:?}", expected.boot).to_lowercase();
    if report["boot"] != boot.as_str() {
        differences.push(format!("boot {} instead of {boot}", report["boot"]));
    }
    let class = format!("{:?}", expected.rollback).to_lowercase();
    if report["rollback"]["class"] != class.as_str() {
        differences.push(format!(
            "rollback {} {} instead of {class}",
            report["rollback"]["class"], report["rollback"]["confidence"]
        ));
    }
    let findings = report["findings"].as_array().unwrap();
    for (rank, expected) in expected.finding.iter().enumerate() {
        if !findings.get(rank).is_some_and(|finding| fits(finding, expected)) {
            let wanted = in_toml(expected);
            differences.push(format!("finding {} of the report is not the wanted {wanted}", rank + 1));
        }
    }
    if expected.finding.is_empty() && !findings.is_empty() {
        differences.push("findings where there should be none".to_owned());
    }
    for never in &expected.never {
        if findings.iter().any(|finding| fits(finding, never)) {
            differences.push(format!("the report has a finding that `never` forbids: {}", in_toml(never)));
        }
    }
    let notes = report["notes"].as_array().unwrap();
    for note in &expected.notes {
        if !notes.iter().any(|known| known["rule"] == note.as_str()) {
            differences.push(format!("no note {note}"));
        }
    }
    if !differences.is_empty() {
        for finding in findings {
            differences.push(format!(
                "  found {} {} {} {} {} {}",
                finding["rule"],
                finding["score"],
                finding["process"],
                finding["path"],
                finding["result"],
                finding["interfering"]
            ));
        }
        let signals = report["rollback"]["signals"].as_array().unwrap();
        differences.push(format!(
            "  signals {:?}",
            signals.iter().map(|s| s["id"].as_str().unwrap()).collect::<Vec<_>>()
        ));
    }
    differences
}

fn sized(scenario: &Scenario, events: u64, parts: u32, seed: u64) -> Options {
    Options { amount: Amount::Events(events), parts, seed, ..scenario.options() }
}

/// Fails with the differences, if there are any.
fn none(differences: Vec<String>) -> Result<(), Failed> {
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// Fails if the report of this capture is not as expected.
fn check(scenario: &Scenario, options: &Options, expected: &Expectation) -> Result<(), Failed> {
    none(judged(scenario, options, 2).differences(expected))
}

/// The report is as expected, and rules fire and are silent in the scenarios that they name.
fn verdict(case: &Case) -> Result<(), Failed> {
    let judged = judged(&case.scenario, &sized(&case.scenario, 6_000, 1, 1), 2);
    let mut wrong = judged.differences(&case.expected);
    for rule in KNOWLEDGE.rules() {
        let (fires, silent) = rule.scenarios();
        let (id, name) = (rule.id(), &case.name);
        if !fires.contains(name) && !silent.contains(name) {
            continue;
        }
        let file = format!("analyzer/knowledge/rules/{id}.toml");
        match judged.why_silent(id) {
            Some(why) if fires.contains(name) => {
                wrong.push(format!("{file} names {name} in fires_in, but {id} does not fire there"));
                if !wrong.contains(&why) {
                    wrong.push(why);
                }
            }
            None if silent.contains(name) => {
                wrong.push(format!("{file} names {name} in silent_in, but {id} fires there"));
            }
            _ => {}
        }
    }
    none(wrong)
}

/// Seeds in addition to the usual ones: `SEEDS=60 cargo test --release -p pml-analyzer` tries 60.
fn seeds() -> std::ops::Range<u64> {
    let count = std::env::var("SEEDS").ok().and_then(|number| number.parse::<u64>().ok()).unwrap_or(2);
    2..2 + count.max(1)
}

/// Another seed and three parts, in sparse logs, dense ones, and those between.
fn other_seed(case: &Case, seed: u64) -> Result<(), Failed> {
    let events = match seed {
        2 | 3 => 7_000,
        _ => [5_000, 30_000, 150_000][(seed % 3) as usize],
    };
    check(&case.scenario, &sized(&case.scenario, events, 3, seed), &case.expected)
}

/// Ten times the background activity.
fn dense(case: &Case) -> Result<(), Failed> {
    check(&case.scenario, &sized(&case.scenario, 60_000, 2, 4), &case.expected)
}

/// Windows on another drive.
fn other_drive(case: &Case) -> Result<(), Failed> {
    let scenario = case.scenario.clone().on_drive('E');
    check(&scenario, &sized(&scenario, 6_000, 1, 5), &case.expected)
}

/// Device paths, and folders in capitals.
fn other_spelling(case: &Case) -> Result<(), Failed> {
    let scenario = case.scenario.clone().spelled(&[
        (r"C:\", r"\Device\HarddiskVolume3\"),
        (r"C:\Windows\WinSxS", r"\Device\HarddiskVolume3\WINDOWS\WINSXS"),
        (r"C:\Windows", r"\Device\HarddiskVolume3\WINDOWS"),
    ]);
    check(&scenario, &sized(&scenario, 6_000, 1, 6), &case.expected)
}

/// The raw boot log of the boot gives the verdict of the boot's log, and the same report as the log that it becomes.
fn raw_boot_log(case: &Case) -> Result<(), Failed> {
    let options = sized(&case.scenario, 6_000, 2, 8);
    let capture = open(&case.scenario, case.scenario.generate_in_memory(&options).unwrap().parts);
    let mut bytes = Vec::new();
    raw_boot::write(&capture, 1, &mut bytes).unwrap();
    // The log says which volume Windows is on, and nothing of other drives, which a user knows.
    let mut drives = Drives::default();
    for (number, letter) in ('D'..='Z').enumerate() {
        assert!(drives.add(letter, &format!(r"\Device\HarddiskVolume{}", number + 4)));
    }
    let raw = Log::read_raw_boot(bytes, &drives, &NoProgress).unwrap();
    let mut pml = LogWriter::like(Cursor::new(Vec::new()), raw.view()).unwrap();
    for event in raw.view().events(0..raw.view().event_count()) {
        pml.copy_event(&event.unwrap(), |index| index).unwrap();
    }
    for process in raw.view().processes() {
        let modules: Vec<_> = process.modules().collect();
        pml.copy_process(process.index(), process.parent_index(), process, &modules);
    }
    let pml = Log::parse(pml.finish().unwrap().into_inner()).unwrap();
    let [of_raw, of_pml] = [raw, pml].map(|log| {
        let judged = judged_set(LogSet::new(vec![log]), 2);
        let mut report = serde_json::to_value(&judged.report).unwrap();
        // The files differ in size.
        report["input"] = Value::Null;
        report["capture"]["bytes"] = Value::Null;
        (judged, report)
    });
    // Other conditions check the verdict itself, at sizes at which each step keeps its time.
    let of_capture = judged_set(capture, 2).differences(&case.expected);
    let mut wrong = of_raw.0.differences(&case.expected);
    wrong.retain(|difference| !of_capture.contains(difference));
    if of_raw.1 != of_pml.1 {
        wrong.push("the report on the raw boot log differs from that on the log that it becomes".to_owned());
        for (key, value) in of_raw.1.as_object().unwrap() {
            if of_pml.1[key] != *value {
                wrong.push(format!("{key}: {value} and {}", of_pml.1[key]));
            }
        }
    }
    none(wrong)
}

/// The last 20 seconds are lost. The findings stay, at a lower confidence and with a warning; no
/// finding is added.
fn cut_short(case: &Case) -> Result<(), Failed> {
    let options = sized(&case.scenario, 6_000, 1, 7);
    let whole = report(&case.scenario, &options, 1);
    let was_cut = whole.notes.iter().any(|note| note.rule == "INFO-LOG-TRUNCATED");
    let before = whole.rollback.confidence;
    let scenario = case.scenario.clone().cut_at(1.0 - 20.0 / whole.capture.seconds);
    let report = serde_json::to_value(report(&scenario, &options, 2)).unwrap();
    let class = report["rollback"]["class"].as_str().unwrap_or_default();
    let mut expected = case.expected.clone();
    // All evidence may have been in the lost seconds. Then nothing may be reported.
    if class == "none" && !matches!(expected.rollback, Rollback::Confirmed | Rollback::None) {
        let findings = report["findings"].as_array().unwrap().iter();
        return none(findings.map(|finding| format!("found {} from nothing", finding["rule"])).collect());
    }
    let mut wrong = Vec::new();
    // The class may be weaker, but a rollback neither appears nor disappears.
    if (class == "none") != (expected.rollback == Rollback::None) {
        wrong.push(format!("rollback {class}, {} of {before}", report["rollback"]["confidence"]));
    }
    let now = report["rollback"]["confidence"].as_f64().unwrap();
    let is_warned = report["notes"].as_array().unwrap().iter().any(|n| n["rule"] == "INFO-LOG-TRUNCATED");
    let is_lower = now < before || (was_cut && now == before);
    if class != "none" && !(is_lower && is_warned) {
        wrong.push(format!("confidence {now} of {before}, warned: {is_warned}"));
    }
    expected.rollback = match class {
        "confirmed" => Rollback::Confirmed,
        "probable" => Rollback::Probable,
        "possible" => Rollback::Possible,
        _ => Rollback::None,
    };
    expected.notes.clear();
    wrong.extend(differences(&report, &expected));
    none(wrong)
}

/// The logs of all kinds that tell the same story, together with the boot log: nothing that the boot log shows is lost,
/// nothing is invented, and the update has its name.
fn whole_case(case: &Case) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let options = sized(&case.scenario, 6_000, 1, 9);
    let paths = case.scenario.generate(&options, Companions::OfAllKinds(60_000), directory.path())?;
    let (mut files, mut reports) = (Vec::new(), Vec::new());
    for path in paths {
        let bytes = std::fs::read(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match name.ends_with(".pml") {
            true => reports.push(judged_set(open(&case.scenario, vec![bytes]), 2).report),
            false => files.extend(LogFile::read(&name, &bytes, &SIGNATURES)),
        }
    }
    let read = Logs::new(files, &SIGNATURES);
    let damaged = read.files.iter().filter(|file| file.reading.damage.count() > 0);
    let mut wrong: Vec<String> = damaged.map(|file| format!("{} is damaged", file.name)).collect();
    let boot = reports[0].clone();
    let origin = CaseOrigin { name: case.name.clone(), ..CaseOrigin::default() };
    let report = CaseReport::new(&read, reports, &origin, &SIGNATURES, &KNOWLEDGE, Language::En);
    let is_of_case = |kb: &str| report.updates.iter().any(|update| update.kb.as_deref() == Some(kb));
    if boot.rollback.class >= RollbackClass::Probable {
        if report.rollback.class < boot.rollback.class || report.outcome != CaseOutcome::Failed {
            wrong.push(format!(
                "{:?} {:?} of {:?}",
                report.outcome, report.rollback.class, boot.rollback.class
            ));
        }
        if is_of_case("KB5046613") && !report.headline.contains("KB5046613") {
            wrong.push(format!("the update has no name: {}", report.headline));
        }
    } else if report.outcome == CaseOutcome::Failed && case.scenario.ends_well() {
        wrong.push(format!("a failure is invented: {}", report.headline));
    }
    let told = serde_json::to_string(&report.findings)?;
    for finding in boot.findings.iter().filter(|finding| finding.rank == 1) {
        if !told.contains(&finding.rule) {
            wrong.push(format!("{} of the boot log is lost", finding.rule));
        }
    }
    none(wrong)
}

/// The report renders in every format and language, and names the rules of its findings.
fn rendering(case: &Case) -> Result<(), Failed> {
    let parts = case.scenario.generate_in_memory(&sized(&case.scenario, 6_000, 1, 1)).unwrap().parts;
    let set = open(&case.scenario, parts);
    let triage =
        triage(&set, &KNOWLEDGE, TriageOptions { threads: 1, parts_missing: false }, &NoProgress).unwrap();
    for language in [Language::En, Language::Zh] {
        let report = Report::new(&set, &triage, &KNOWLEDGE, &Origin::default(), language);
        for format in [Format::Text, Format::Markdown, Format::Html] {
            let text = report.render(&KNOWLEDGE, format, Paint::Plain).map_err(|e| e.to_string())?;
            for finding in &report.findings {
                assert!(text.contains(&finding.rule), "{language:?} {format:?}: {}", finding.rule);
            }
            let ideographs = text.chars().filter(|c| ('\u{4E00}'..'\u{9FFF}').contains(c)).count();
            assert_eq!(ideographs > 200, language == Language::Zh, "{format:?}");
            assert!(!text.contains("{{") && !text.contains("{path}"), "{format:?}");
        }
    }
    Ok(())
}

/// The number of threads does not change the report.
fn threads() -> Result<(), Failed> {
    let scenario = scenario::load(&scenario::directory().join("S04-disk-and-missing.toml")).unwrap();
    let options = sized(&scenario, 300_000, 2, 1);
    let text = |threads| serde_json::to_string(&report(&scenario, &options, threads)).unwrap();
    let one = text(1);
    assert!(one == text(2) && one == text(5));
    Ok(())
}

/// The test of a rule that is silent says which failure is nearest, and what that failure lacks.
fn silence_is_explained() -> Result<(), Failed> {
    let scenario = scenario::load(&scenario::directory().join("S13-driver.toml")).unwrap();
    let judged = judged(&scenario, &sized(&scenario, 6_000, 1, 1), 2);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/knowledge/rules/RB-DRIVER-QUEUE.toml");
    let rule = std::fs::read_to_string(file).unwrap();
    assert!(judged.why_silent("RB-DRIVER-QUEUE").is_none(), "the rule fires here");
    for (change, said) in [
        (
            "phases = [\"PENDING_OPERATIONS\", \"INSTALLER_STARTUP\"]",
            "phases: the failure lies in DRIVER_QUEUE, a sub-phase that counts instead of INSTALLER_STARTUP; the rule \
             wants PENDING_OPERATIONS, INSTALLER_STARTUP",
        ),
        ("phases = [\"KERNEL\"]", "phases: the failure lies in DRIVER_QUEUE"),
        ("kinds = [\"disk\"]", "kinds: the status is of the kind"),
        ("actors = [\"session-manager\"]", "actors: the process is"),
        ("paths = [\"boot-files\"]", "paths: the path is of"),
        ("at_least = 1000", "at_least: it happened"),
        ("evidence_needed = 9", "evidence_needed is 9"),
        ("facts = [{ all = [\"same-failure-again\"] }]", "facts: same-failure-again does not hold"),
        ("facts = [{ none = [\"worker-active\"] }]", "facts: worker-active holds"),
        ("failure = \"path contains no-such-path\"", "no failure that was kept passes the filter"),
    ] {
        let key = change.split(' ').next().unwrap();
        let is_other = |line: &&str| !line.starts_with(&format!("{key} ="));
        let (head, tail) = rule.split_once("[when]\n").unwrap();
        let (keys, evidence) = tail.split_once("[[when.evidence]]").unwrap_or((tail, ""));
        let keys: Vec<&str> = keys.lines().filter(is_other).collect();
        let text = format!("{head}[when]\n{change}\n{}\n[[when.evidence]]{evidence}", keys.join("\n"));
        let knowledge = Knowledge::with(&[("rules/RB-DRIVER-QUEUE.toml".to_owned(), text.clone())]);
        let knowledge = knowledge.map_err(|errors| format!("{errors:?}\n{text}"))?;
        let options = TriageOptions { threads: 1, parts_missing: false };
        let triage = triage(&judged.set, &knowledge, options, &NoProgress).unwrap();
        let why = triage.why_silent(&judged.set, &knowledge, "RB-DRIVER-QUEUE");
        let why = why.ok_or_else(|| format!("{change}: the rule fires"))?.to_string();
        assert!(why.contains(said), "{change}: {why}");
    }
    Ok(())
}

/// What a verdict file lacks is said in sentences of its own words.
fn differences_are_sentences() -> Result<(), Failed> {
    let scenario = scenario::load(&scenario::directory().join("S01-healthy.toml")).unwrap();
    let path = Path::new(scenario.file()).with_extension("expect.toml");
    let mut case = verdicts(&scenario, &path)?.remove(0);
    case.expected.finding =
        vec![Finding { id: Some("RB-HANG".to_owned()), status: Some(0xC000_0034), ..Finding::default() }];
    let options = sized(&case.scenario, 6_000, 1, 1);
    let said = judged(&case.scenario, &options, 1).differences(&case.expected).join("\n");
    for part in [
        "finding 1 of the report is not the wanted { id = 'RB-HANG', status = 0xC000_0034 }",
        "RB-HANG does not fire",
    ] {
        assert!(said.contains(part), "{said}");
    }
    Ok(())
}

/// A condition under which every scenario is tested: its name, and the test.
type Condition = (&'static str, fn(&Case) -> Result<(), Failed>);

const CONDITIONS: [Condition; 8] = [
    ("verdict", verdict),
    ("dense", dense),
    ("other-drive", other_drive),
    ("other-spelling", other_spelling),
    ("raw-boot-log", raw_boot_log),
    ("cut-short", cut_short),
    ("whole-case", whole_case),
    ("rendering", rendering),
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let (cases, untested) = match cases() {
        Ok(found) => found,
        Err(error) => {
            eprintln!("no scenario is tested, because one cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    for (id, reason) in untested {
        trials.push(Trial::test(format!("{id}/verdict-file"), move || Err(reason.into())));
    }
    for case in &cases {
        for (name, test) in CONDITIONS {
            let tested = Arc::clone(case);
            trials.push(Trial::test(format!("{}/{name}", case.name), move || test(&tested)));
        }
        for seed in seeds() {
            let tested = Arc::clone(case);
            trials.push(Trial::test(format!("{}/seed-{seed}", case.name), move || other_seed(&tested, seed)));
        }
    }
    trials.push(Trial::test("S04/threads", threads));
    trials.push(Trial::test("silence-is-explained", silence_is_explained));
    trials.push(Trial::test("differences-are-sentences", differences_are_sentences));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
