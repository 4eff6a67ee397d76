//! Parses the TOML files of knowledge, so that the program does not do it at every start: `src/knowledge/parsed.rs` reads
//! what this writes, and says what it looks like. A file with a mistake is left out; the program then parses it, and
//! says what is wrong.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

#[path = "src/knowledge/encode.rs"]
mod encode;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/knowledge/encode.rs");
    println!("cargo::rerun-if-changed=knowledge");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("knowledge");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut names = Vec::new();
    for folder in ["", "rules", "signatures"] {
        for entry in fs::read_dir(root.join(folder))? {
            let name = Path::new(folder).join(entry?.file_name());
            names.extend(
                name.to_str().filter(|name| name.ends_with(".toml")).map(|name| name.replace('\\', "/")),
            );
        }
    }
    names.sort();
    let mut table = "&[\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        let text = fs::read_to_string(root.join(name))?;
        if let Some(bytes) = DeTable::parse(&text).ok().and_then(|parsed| encode::encode(&parsed, &text).ok())
        {
            fs::write(out.join(format!("{number}.bin")), bytes)?;
            writeln!(table, "    ({name:?}, include_bytes!(\"{number}.bin\")),")?;
        }
    }
    fs::write(out.join("parsed.rs"), table + "]\n")?;
    Ok(())
}
