//! What a report must never say, whichever file of a bundle is missing.

use crate::support::{bundle, files_of, json, rules, without};
use serde_json::Value;

/// What must never be said of a bundle, whichever of its files are there.
struct Never {
    bundle: &'static str,
    /// Beginnings of rules.
    rules: &'static [&'static str],
    /// Codes that are no code of the case, of an update or of an attempt.
    codes: &'static [&'static str],
    /// Rollbacks that are claimed.
    classes: &'static [&'static str],
}

const NEVER: [Never; 6] = [
    Never {
        bundle: "case1",
        rules: &["TX-CBS", "TX-DISK", "TX-POWER", "TX-SHIFTING", "TX-ONE", "TX-SETUP", "RB-"],
        codes: &["0x80240022"],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case2",
        rules: &["TX-CBS", "TX-DISK", "TX-WU-DOWNLOAD", "TX-POWER", "TX-SHIFTING", "TX-ONE", "RB-"],
        codes: &[],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case3",
        rules: &["TX-WU-DOWNLOAD", "TX-DISK", "TX-POWER", "TX-CBS-STORE", "RB-"],
        codes: &["0x80240022", "0x8024200B", "0x80240FFF"],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case4",
        rules: &[
            "TX-DISK",
            "TX-CBS-PRIMITIVE",
            "TX-CBS-AI",
            "TX-CBS-DRIVER",
            "TX-POWER",
            "TX-CBS-STORE-DELTAS",
            "RB-",
        ],
        codes: &[],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case5",
        rules: &["TX-CBS-STORE", "TX-POWER", "TX-WU"],
        codes: &["0x80070BC2"],
        classes: &["none"],
    },
    Never {
        bundle: "trap-noise",
        rules: &["TX-", "RB-"],
        codes: &["0x80248007", "0x800F0805", "0x80070002", "0x80070020", "0x80070490"],
        classes: &["confirmed", "probable", "possible"],
    },
];

fn assert_never(never: &Never, report: &Value, what: &str) {
    if report["schema_version"] == 1 {
        return;
    }
    for rule in rules(report) {
        assert!(
            !never.rules.iter().any(|wrong| rule.starts_with(wrong)),
            "{what}: {rule}\n{}",
            report["headline"]
        );
    }
    let mut codes: Vec<&Value> = vec![&report["code"]["code"]];
    for update in report["updates"].as_array().unwrap() {
        codes.push(&update["code"]["code"]);
        codes.extend(update["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["code"]["code"]));
        assert_ne!(update["kb"], "KB2022010401", "{what}");
    }
    for code in codes.into_iter().filter_map(Value::as_str) {
        assert!(!never.codes.contains(&code), "{what}: {code}");
    }
    let class = report["rollback"]["class"].as_str().unwrap();
    let nothing_left = report["outcome"] == "nothing" || report["findings"].as_array().unwrap().is_empty();
    assert!(!never.classes.contains(&class) || nothing_left && class == "none", "{what}: {class}");
}

#[test]
fn nothing_wrong_is_said_whichever_file_is_missing() {
    for never in &NEVER {
        for language in ["en", "zh"] {
            assert_never(never, &json(&bundle(never.bundle), &["--lang", language]), never.bundle);
        }
        for left_out in files_of(never.bundle) {
            let folder = without(never.bundle, &left_out);
            assert_never(never, &json(folder.path(), &[]), &format!("{} without {left_out}", never.bundle));
        }
    }
}
