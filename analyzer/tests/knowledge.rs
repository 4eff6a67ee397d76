//! The files of knowledge agree with each other, with the program and with the scenarios; every slip is refused
//! with a sentence. No log is read: these tests take seconds.

use pml_analyzer::{Knowledge, KnowledgeError, Language};
use pml_samples::scenario;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge")
}

fn file(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn embedded() -> Knowledge {
    Knowledge::embedded().unwrap_or_else(|_| {
        panic!("analyzer/knowledge has mistakes; the test the_knowledge_of_the_program_has_no_mistakes lists them")
    })
}

/// Mistakes, a line each.
fn lines(errors: &[KnowledgeError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect()
}

/// The program's knowledge with files of a knowledge directory.
fn with(files: &[(&str, String)]) -> Result<Knowledge, Vec<KnowledgeError>> {
    let own: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    Knowledge::with(&own)
}

/// Every mistake of such files, as a user sees it.
fn mistakes(files: &[(&str, String)]) -> String {
    lines(&with(files).err().unwrap_or_default())
}

fn table(name: &str) -> toml::Table {
    file(name).parse().unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Names and texts of the rule files.
fn rule_files() -> BTreeMap<String, String> {
    let names = fs::read_dir(folder().join("rules")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.map(|name| (name.clone(), file(&format!("rules/{name}")))).collect()
}

#[test]
fn the_knowledge_of_the_program_has_no_mistakes() {
    if let Err(errors) = Knowledge::embedded() {
        panic!("analyzer/knowledge has mistakes:\n{}", lines(&errors));
    }
    // Of the files that come with the program, regular expressions and names of statuses are read when they are needed;
    // of a knowledge directory, at once.
    let tables = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap()).filter(|it| it.path().is_file());
    let tables = tables.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let tables = tables.map(|name| (name.clone(), file(&name)));
    let rules = rule_files().into_iter().map(|(name, text)| (format!("rules/{name}"), text));
    let own: Vec<_> = tables.chain(rules).collect();
    if let Err(errors) = Knowledge::with(&own) {
        panic!("as a knowledge directory, analyzer/knowledge has mistakes:\n{}", lines(&errors));
    }
}

#[test]
fn every_file_is_in_the_list_of_the_program() {
    let list = fs::read_to_string(folder().join("../src/knowledge/embedded.rs")).unwrap();
    let tables = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let tables = tables.filter(|path| path.is_file());
    let tables = tables.map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let rules = rule_files().into_keys().map(|name| format!("rules/{name}"));
    // An entry without a file does not compile.
    for name in tables.chain(rules) {
        assert!(
            list.matches(&format!("\"{name}\",\n")).count() == 1,
            "analyzer/knowledge/{name} has to be once in the list of analyzer/src/knowledge/embedded.rs: the order \
             of rules there is the order in which they are tried"
        );
    }
}

#[test]
fn every_rule_is_in_the_file_of_its_id() {
    for (name, text) in rule_files() {
        let rule: toml::Table = text.parse().unwrap_or_else(|e| panic!("{name}: {e}"));
        let id = rule["id"].as_str().unwrap();
        assert!(
            name == format!("{id}.toml"),
            "analyzer/knowledge/rules/{name} has the rule {id}: rename the file"
        );
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    let scenarios = fs::read_dir(scenario::directory()).unwrap().map(|entry| entry.unwrap().path());
    let scenarios = scenarios.filter(|path| path.is_file());
    let scenarios = scenarios.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()));
    for (name, text) in rule_files().into_iter().chain(scenarios) {
        let line = text.lines().position(|line| line.contains("TODO"));
        assert!(line.is_none(), "{name} has a TODO left in line {}", line.unwrap_or(0) + 1);
    }
}

#[test]
fn rules_name_only_scenarios_that_exist() {
    let mut known = BTreeSet::new();
    for scenario in scenario::all().unwrap() {
        known.extend(scenario.variants().map(|variant| format!("{}/{variant}", scenario.id())));
        known.insert(scenario.id().to_owned());
    }
    for rule in embedded().rules() {
        let (fires, silent) = rule.scenarios();
        for (key, names) in [("fires_in", fires), ("silent_in", silent)] {
            for name in names {
                assert!(
                    known.contains(name),
                    "{} names the scenario {name} in {key}: samples/scenarios has none of this id",
                    rule.id()
                );
            }
        }
    }
}

/// A remedy that boot logs and text logs both lead to is in remedies.toml alone.
#[test]
fn a_remedy_is_in_one_file() {
    let ids = |name: &str| -> BTreeSet<String> {
        let remedies = table(name)["remedy"].as_array().unwrap().clone();
        remedies.iter().map(|remedy| remedy["id"].as_str().unwrap().to_owned()).collect()
    };
    let (of_both, of_text_logs) = (ids("remedies.toml"), ids("signatures/remedies.toml"));
    let twice: Vec<_> = of_both.intersection(&of_text_logs).collect();
    assert!(twice.is_empty(), "take {twice:?} out of signatures/remedies.toml: remedies.toml has it");
}

/// Rules without a scenario, or without a twin. A scenario is one log, and cannot lack a part. A new rule has both.
const WITHOUT_SCENARIO: &[&str] = &["INFO-PARTS-MISSING"];
const WITHOUT_TWIN: &[&str] = &[];

/// The number of a scenario, which its variants and twins share: `S04` of `S04/drive-d`, `S04n` and `S04b`.
fn number(scenario: &str) -> &str {
    let end = scenario.find(|c: char| !c.is_ascii_digit() && c != 'S').unwrap_or(scenario.len());
    &scenario[..end]
}

/// What a rule lacks: a scenario that proves that it fires, or one that differs little and proves that it can be silent.
fn lacks(fires: &[String], silent: &[String]) -> Option<&'static str> {
    if fires.is_empty() {
        return Some("a scenario");
    }
    let is_twin = |name: &String| fires.iter().any(|other| number(other) == number(name));
    (!silent.iter().any(is_twin)).then_some("a twin")
}

#[test]
fn every_new_rule_has_a_scenario_and_a_twin() {
    let (mut without_scenario, mut without_twin) = (Vec::new(), Vec::new());
    let knowledge = embedded();
    for rule in knowledge.rules() {
        let (fires, silent) = rule.scenarios();
        let id = rule.id();
        match lacks(fires, silent) {
            Some("a scenario") if WITHOUT_SCENARIO.contains(&id) => without_scenario.push(id),
            Some("a twin") if WITHOUT_TWIN.contains(&id) => without_twin.push(id),
            Some(what) => panic!(
                "analyzer/knowledge/rules/{id}.toml has not {what}: name in fires_in a scenario in which the rule fires, \
                 and in silent_in its twin (S34n of S34) or a variant of it, in which the rule must not fire"
            ),
            None => {}
        }
    }
    without_scenario.sort_unstable();
    without_twin.sort_unstable();
    assert!(
        without_scenario == WITHOUT_SCENARIO && without_twin == WITHOUT_TWIN,
        "a rule has what it lacked, or is gone: take it out of the lists of this test, which hold now\n\
         {without_scenario:?}\n{without_twin:?}"
    );
}

#[test]
fn a_twin_has_the_number_of_its_scenario() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (fires, silent, lacking) in [
        (&[][..], &["S01"][..], Some("a scenario")),
        (&["S34"], &["S01", "S35n"], Some("a twin")),
        (&["S34"], &["S01"], Some("a twin")),
        (&["S34"], &["S01", "S34n"], None),
        (&["S04/drive-d"], &["S04/only-missing"], None),
        (&["S10b"], &["S10"], None),
    ] {
        assert_eq!(lacks(&names(fires), &names(silent)), lacking, "{fires:?} {silent:?}");
    }
}

/// A short rule of a knowledge directory.
fn rule(id: &str, when: &str) -> String {
    let text = r#"{ en = "e", zh = "z" }"#;
    format!(
        "id = \"{id}\"\nbucket = \"B\"\nkind = \"note\"\nstatus = \"experimental\"\ntitle = {text}\ntext = {text}\n\
         why = {text}\n[when]\n{when}\n"
    )
}

#[test]
fn a_rule_of_a_knowledge_directory_needs_no_list_and_comes_last() {
    let knowledge = with(&[("rules/any.toml", rule("INFO-MINE", "marker = \"shutdown\""))]).unwrap();
    assert_eq!(knowledge.rules().last().map(|rule| rule.id()), Some("INFO-MINE"));
    assert_eq!(knowledge.own_rules(), ["INFO-MINE"]);
    let ids = |knowledge: &Knowledge| knowledge.rules().map(|r| r.id().to_owned()).collect::<Vec<_>>();
    let replaced = with(&[("rules/any.toml", rule("RB-HANG", "marker = \"shutdown\""))]).unwrap();
    assert_eq!(ids(&replaced), ids(&embedded()), "a rule takes the place of the one it replaces");
    assert_eq!(replaced.own_rules(), ["RB-HANG"]);
    let copy = with(&[("rules/any.toml", file("rules/RB-HANG.toml"))]).unwrap();
    assert!(copy.own_rules().is_empty(), "a copy of a rule is no custom rule");
}

#[test]
fn slips_are_refused_with_a_sentence() {
    let twice = [
        ("rules/a.toml", rule("INFO-MINE", "marker = \"shutdown\"")),
        ("rules/b.toml", rule("INFO-MINE", "marker = \"shutdown\"")),
    ];
    assert_eq!(mistakes(&twice), "rules/b.toml:1: a second rule INFO-MINE; the first is rules/a.toml\n");
    let cause = rule("RB-MINE", "kinds = [\"missing\"]").replace("\"note\"", "\"cause\"");
    let reason =
        "rules/a.toml:1: silent_in is missing or empty: name scenarios in which the rule must not fire\n";
    assert_eq!(mistakes(&[("rules/a.toml", cause)]), reason);
    for (when, reason) in [
        ("marker = \"shutdwon\"", "no marker or fact \"shutdwon\""),
        ("facts = [{ all = [\"worker-quite\"] }]", "no marker or fact \"worker-quite\""),
        ("facts = [{ any = [\"found:RB-NONE\"] }]", "no rule \"found:RB-NONE\""),
        ("facts = [{ none = [\"boot:backward\"] }]", "no kind of boot \"boot:backward\""),
        ("facts = [{ all = [\"rollback:sure\"] }]", "no class of a rollback \"rollback:sure\""),
        ("kinds = [\"mising\"]", "no kind of status \"mising\""),
        ("kinds = [\"missing\"]\nphases = [\"QUEUE\"]", "no phase \"QUEUE\""),
        ("kinds = [\"missing\"]\npaths = [\"paylod\"]", "no kind of path \"paylod\""),
        ("kinds = [\"missing\"]\nactors = [\"poqexce\"]", "no actor \"poqexce\""),
    ] {
        let said = mistakes(&[("rules/a.toml", rule("INFO-MINE", when))]);
        assert!(said.starts_with("rules/a.toml:") && said.contains(reason), "{when}: {said}");
    }
    for (name, old, new, reason) in [
        ("noise.toml", "kinds = [\"missing\"]", "kinds = [\"mising\"]", "no kind of status \"mising\""),
        ("engine.toml", "grave = [\"disk\"", "grave = [\"dsik\"", "no kind of status \"dsik\""),
        ("engine.toml", "\"RegLoadKey\"", "\"RegLodaKey\"", "no operation \"RegLodaKey\""),
        ("engine.toml", "\"Query*\"", "\"Qeury*\"", "no operation \"Qeury*\""),
        ("engine.toml", "STATUS_OBJECT_NAME_NOT_FOUND", "STATUS_NO", "no status \"STATUS_NO\""),
        ("engine.toml", "\"10s\"", "\"10\"", "want a length of time such as 250ms or 5s"),
        ("computed.toml", "\"30s\"", "\"30\"", "limit of servicing-ran-long: want a length of time"),
        ("computed.toml", "limit = \"0x70\"\n", "", "limit of package-installed: want a number"),
        (
            "computed.toml",
            "id = \"worker-quiet\"",
            "id = \"worker-still\"",
            "the engine computes no fact \"worker-still\"",
        ),
        (
            "computed.toml",
            "id = \"worker-quiet\"",
            "id = \"worker-still\"",
            "the fact \"worker-quiet\" is missing",
        ),
        ("remedies.toml", "dir /a \"{path}\"", "dir /a \"{foldr}\"", "a command of check-file has {foldr}"),
        ("labels.toml", "timeline = ", "time_line = ", "the label \"timeline\" is missing in [templates]"),
        ("labels.toml", "explain_rule = ", "explain_rules = ", "unknown field `explain_rules`"),
    ] {
        let text = file(name);
        assert!(text.contains(old), "{name} has no {old}");
        let said = mistakes(&[(name, text.replace(old, new))]);
        assert!(said.contains(&format!("{name}:")) && said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn old_ids_are_read_as_the_new_ones() {
    let aliases = table("aliases.toml");
    let knowledge = embedded();
    let summaries: Vec<_> = knowledge.rules().map(|rule| rule.summary(Language::En)).collect();
    let ids_of = |name: &str, key: &str| -> BTreeSet<String> {
        let entries = table(name)[key].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    };
    let ids = [
        ("rules", summaries.iter().map(|rule| rule.id.to_owned()).collect()),
        ("buckets", summaries.iter().map(|rule| rule.bucket.to_owned()).collect()),
        ("phases", ids_of("phases.toml", "phase")),
        ("signals", ids_of("signals.toml", "signal")),
    ];
    for (kind, ids) in ids {
        for (old, new) in aliases[kind].as_table().unwrap() {
            assert!(!ids.contains(old), "{old} of aliases.toml is in use");
            assert!(ids.contains(new.as_str().unwrap()), "{new:?} of aliases.toml is in use nowhere");
        }
    }
    for (old, new) in aliases["rules"].as_table().unwrap() {
        assert_eq!(knowledge.rule(old).map(|rule| rule.id()), new.as_str());
        assert_eq!(knowledge.rule(&old.to_lowercase()).map(|rule| rule.id()), new.as_str());
    }
}

/// Every table and every rule of a directory may have old ids: it loads, all of them are noted with their lines,
/// and the rules are the same.
#[test]
fn a_knowledge_directory_with_old_ids_loads_and_names_them() {
    let aliases = table("aliases.toml");
    let aged = |text: &str, kinds: &[&str]| {
        let mut text = text.to_owned();
        for (old, new) in kinds.iter().flat_map(|kind| aliases[*kind].as_table().unwrap()) {
            let new = new.as_str().unwrap();
            text = text.replace(&format!("\"{new}\""), &format!("\"{old}\""));
        }
        text
    };
    let mut own = vec![
        ("phases.toml".to_owned(), aged(&file("phases.toml"), &["phases"])),
        ("signals.toml".to_owned(), aged(&file("signals.toml"), &["signals"])),
    ];
    for rule in embedded().rules() {
        let name = format!("rules/{}.toml", rule.id());
        let text = aged(&file(&name), &["rules", "buckets", "phases"]);
        own.push((name, text));
    }
    let replaced: usize = own
        .iter()
        .map(|(name, text)| text.split('"').zip(file(name).split('"')).filter(|(a, b)| a != b).count())
        .sum();
    let knowledge = Knowledge::with(&own).unwrap_or_else(|errors| panic!("{}", lines(&errors)));
    assert_eq!(knowledge.old_ids().len(), replaced, "each old id is noted once");
    assert!(replaced > 60, "{replaced}");
    for (old, new) in knowledge.rules().zip(embedded().rules()) {
        assert_eq!(format!("{:?}", old.summary(Language::En)), format!("{:?}", new.summary(Language::En)));
    }
    let next = "\n[[next]]\nid = \"x\"\ntext = { en = \"e\", zh = \"z\" }\nwhen = [{ any = [\"found:RB-HANG\", \"found:RB-POQ-ACCESS\"] }]\n";
    let found = with(&[("limits.toml", file("limits.toml") + next)]).unwrap();
    assert_eq!(
        found.old_ids().iter().map(|old| old.new.as_str()).collect::<Vec<_>>(),
        ["RB-QUEUE-ACCESS-DENIED"]
    );
    let text = knowledge.old_ids().iter().map(|old| format!("{old}\n")).collect::<String>();
    assert!(
        text.contains("phases.toml:13: SMSS is now SESSION_MANAGER; version 0.2.0 drops the old id"),
        "{text}"
    );
    assert!(embedded().old_ids().is_empty());
}

/// The release that drops old ids cannot be made with them.
#[test]
fn old_ids_go_with_the_release_that_drops_them() {
    let aliases = table("aliases.toml");
    let numbers = |text: &str| text.split('.').map(|n| n.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let dropped_in = aliases["dropped_in"].as_str().unwrap();
    let is_due = numbers(env!("CARGO_PKG_VERSION")) >= numbers(dropped_in);
    let is_empty = aliases.values().filter_map(|kind| kind.as_table()).all(|kind| kind.is_empty());
    assert!(!is_due || is_empty, "version {dropped_in} drops old ids: empty the tables of aliases.toml");
}

/// Names in quotes right after a call.
fn names_after(text: &str, call: &str) -> BTreeSet<String> {
    let calls = text.split(call).skip(1).map(|rest| rest.trim_start());
    calls.filter_map(|rest| rest.strip_prefix('"')?.split('"').next()).map(str::to_owned).collect()
}

/// The sources of the engine.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { sources(&path) } else { fs::read_to_string(path).unwrap() })
        .collect()
}

#[test]
fn every_fact_that_the_engine_computes_is_described() {
    // Facts of text logs are conditions of signatures, which have a list of their own.
    let text: String =
        ["boot", "facts", "judge"].iter().map(|name| sources(&folder().join("../src").join(name))).collect();
    let calls = ["facts.note(", "facts.insert(", "conclusions.add_failure("];
    let mut noted: BTreeSet<String> = calls.into_iter().flat_map(|call| names_after(&text, call)).collect();
    // Each boot has it, in the table of phases alone.
    noted.insert("log-begins".to_owned());
    let knowledge = embedded();
    let described = knowledge.facts().filter(|fact| fact.1.is_some()).map(|fact| fact.0.to_owned());
    assert_eq!(
        noted,
        described.collect(),
        "computed.toml has the facts that the engine notes, and no others"
    );
}

#[test]
fn the_rule_of_the_documentation_loads() {
    let page = fs::read_to_string(folder().join("../../docs/triage.md")).unwrap();
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let knowledge =
        with(&[("rules/any.toml", example.to_owned())]).unwrap_or_else(|errors| panic!("{}", lines(&errors)));
    assert_eq!(knowledge.own_rules(), ["RB-MY-AGENT"]);
}

/// The part of docs/triage.md that comes from computed.toml. `UPDATE=1` writes it.
#[test]
fn the_table_of_computed_facts_is_fresh() {
    const BEGIN: &str =
        "   <!-- from computed.toml: UPDATE=1 cargo test -p pml-analyzer --test knowledge -->\n";
    const END: &str = "   <!-- end -->\n";
    let mut fresh = "   | fact | it holds when |\n   |---|---|\n".to_owned();
    for (name, meaning) in embedded().facts().filter_map(|(name, meaning)| Some((name.to_owned(), meaning?)))
    {
        fresh.push_str(&format!("   | `{name}` | {meaning} |\n"));
    }
    fresh.push_str("   | `boot:…`, `rollback:…`, `found:…` | this boot was captured, the rollback is of this class, this rule found something (for notes, limits and what to collect) |\n");
    let path = folder().join("../../docs/triage.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("docs/triage.md has the beginning of the table");
    let (table, after) = rest.split_once(END).expect("docs/triage.md has the end of the table");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{fresh}{END}{after}")).unwrap();
    } else {
        assert!(
            table == fresh,
            "the table of facts in docs/triage.md is stale: run UPDATE=1 cargo test -p pml-analyzer --test knowledge"
        );
    }
}
