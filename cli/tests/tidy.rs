//! Promises that hold for the whole workspace: documents name only existing paths, files say what they
//! are for, generated pages are fresh. `layers.rs` tests the layers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file of the workspace, with its text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = [
        "pml-parser",
        "analyzer",
        "cli",
        "benches",
        "samples",
        "fuzz/src",
        "fuzz/fuzz_targets",
        "fuzz/examples",
    ]
    .iter()
    .map(|f| root().join(f))
    .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string().replace('\\', "/");
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 40);
    found
}

/// Words in backticks that look like a path of this repository.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|word| {
        let is_path = word.contains('/') || [".rs", ".md", ".toml"].iter().any(|end| word.ends_with(end));
        let has_place =
            !word.contains([' ', '*', '<', '\\', ':', '(']) && !word.starts_with(['-', '.', '/', '~']);
        is_path && has_place
    })
}

#[test]
fn the_architecture_names_only_what_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let named: Vec<_> = paths(&text).collect();
    assert!(named.len() > 25, "{named:?}");
    let missing: Vec<_> = named.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names paths that do not exist: {missing:?}");
}

#[test]
fn the_architecture_names_every_module_of_the_libraries() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for folder in ["pml-parser/src", "analyzer/src", "cli/src", "benches/src", "benches"] {
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if folder == "benches" && !name.ends_with(".py") {
                continue;
            }
            let is_named =
                text.contains(&format!("`{folder}/{name}")) || name == "lib.rs" || name == "main.rs";
            assert!(is_named, "ARCHITECTURE.md does not name {folder}/{name}");
        }
    }
}

#[test]
fn the_page_on_reliability_names_only_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let is_test = |word: &&str| {
        word.matches('_').count() > 2 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let named: Vec<_> = text.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 10, "{named:?}");
    let all: String = sources().into_iter().map(|(_, text)| text).collect();
    let missing: Vec<_> = named.into_iter().filter(|name| !all.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "docs/reliability.md names tests that do not exist: {missing:?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "{name} does not begin with a //! line");
    }
}

#[test]
fn libraries_do_not_print_exit_or_read_the_environment() {
    let forbidden = ["println!", "eprintln!", "process::exit", "std::env::var"];
    for (name, text) in sources() {
        let is_library = (name.starts_with("pml-parser/src") || name.starts_with("analyzer/src"))
            && !name.ends_with("lib.rs");
        // Tests may do all of this, so they are cut off.
        let text = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
        let text = text.split("\n#[cfg(all(test,").next().unwrap_or_default();
        // Examples in documentation may, too.
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for word in forbidden {
            assert!(!is_library || !code.contains(word), "{name} uses {word}");
        }
    }
}

/// The files that may have unsafe code.
const UNSAFE: [&str; 2] = ["pml-parser/src/open/map.rs", "cli/duckdb/src/host.rs"];

#[test]
fn unsafe_code_is_only_where_files_are_mapped_and_duckdb_is_called() {
    // The compiler forbids unsafe code in every package except one, where it is denied, and allowed by one line.
    let manifest = |folder: &str| fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let lints = |text: &str, section: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| *line != section).skip(1);
        lines
            .take_while(|line| !line.starts_with('['))
            .filter(|l| l.contains('='))
            .map(str::to_owned)
            .collect()
    };
    let workspace = manifest("");
    let rust = lints(&workspace, "[workspace.lints.rust]");
    assert!(rust.contains(&"unsafe_code = \"forbid\"".to_owned()));
    for folder in ["analyzer", "cli", "benches", "samples"] {
        assert_eq!(lints(&manifest(folder), "[lints]"), ["workspace = true"], "{folder}");
    }
    let parser = manifest("pml-parser");
    let but_one: Vec<_> = rust.iter().map(|lint| lint.replace("forbid", "deny")).collect();
    assert_eq!(lints(&parser, "[lints.rust]"), but_one);
    assert_eq!(lints(&parser, "[lints.clippy]"), lints(&workspace, "[workspace.lints.clippy]"));
    // The manifests do not cover the tests of that package, nor that only one line allows unsafe code.
    for (name, text) in sources() {
        let allows = text.lines().filter(|line| line.contains("unsafe_code") && line.contains("allow("));
        let expected = usize::from(UNSAFE.contains(&name.as_str()));
        assert!(allows.count() == expected || name.ends_with("tests/tidy.rs"), "{name} allows unsafe code");
        assert!(
            !is_test_crate(&name) || text.contains("\n#![forbid(unsafe_code)]\n"),
            "{name} does not forbid unsafe code: add the line #![forbid(unsafe_code)] after the //! lines at its \
             beginning"
        );
    }
    assert!(manifest("cli/duckdb").contains("unsafe_code = \"deny\""));
    let names: Vec<String> = sources().into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().filter(|name| is_test_crate(name)).count() > 5);
    // A lint of a crate's root holds in its modules too.
    assert!(is_test_crate("pml-parser/tests/recovery/main.rs"));
    assert!(!is_test_crate("pml-parser/tests/recovery/logs.rs"));
}

/// Whether a file is the root of a test crate of the parser, and no module of one.
fn is_test_crate(name: &str) -> bool {
    name.strip_prefix("pml-parser/tests/").is_some_and(|rest| {
        !rest.contains('/') || rest.split_once('/').is_some_and(|(_, file)| file == "main.rs")
    })
}

/// Compares a generated page with the output of its generator. `UPDATE=1` writes the page.
fn check_page(name: &str, args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_pml")).args(args).output().unwrap();
    let fresh = String::from_utf8(output.stdout).unwrap();
    let path = root().join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == fresh, "{name} is stale: run UPDATE=1 cargo test -p pml-cli --test tidy");
}

#[test]
fn the_schema_page_is_fresh() {
    check_page("docs/schema.md", &["schema"]);
}

#[test]
fn the_page_of_rules_is_fresh() {
    check_page("docs/rules.md", &["rules", "--format", "md"]);
}
