//! Parses the TOML files of knowledge, so that the program does not do it at every start: `src/knowledge/parsed.rs` reads
//! what this writes, and says what it looks like. A file with a mistake is left out; the program then parses it, and
//! says what is wrong.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
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
        if let Some(bytes) = DeTable::parse(&text).ok().and_then(|parsed| encode(&parsed, &text)) {
            fs::write(out.join(format!("{number}.bin")), bytes)?;
            writeln!(table, "    ({name:?}, include_bytes!(\"{number}.bin\")),")?;
        }
    }
    fs::write(out.join("parsed.rs"), table + "]\n")?;
    Ok(())
}

/// A file. `None` where it has what knowledge never has: dates, and numbers that do not fit.
fn encode(parsed: &toml::Spanned<DeTable<'_>>, text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    push_table(parsed.span(), parsed.get_ref(), text, &mut out)?;
    Some(out)
}

fn push_table(span: Range<usize>, table: &DeTable<'_>, text: &str, out: &mut Vec<u8>) -> Option<()> {
    push_head(b'm', span, out);
    push_number(table.len() as u64, out);
    for (key, value) in table {
        push_text(key.span(), key.get_ref(), text, out);
        push_value(value.span(), value.get_ref(), text, out)?;
    }
    Some(())
}

fn push_value(span: Range<usize>, value: &DeValue<'_>, text: &str, out: &mut Vec<u8>) -> Option<()> {
    match value {
        DeValue::Table(table) => push_table(span, table, text, out)?,
        DeValue::Array(items) => {
            push_head(b'a', span, out);
            push_number(items.len() as u64, out);
            for item in items {
                push_value(item.span(), item.get_ref(), text, out)?;
            }
        }
        DeValue::String(value) => push_text(span, value, text, out),
        DeValue::Integer(value) => {
            push_head(b'i', span, out);
            let value = i64::from_str_radix(value.as_str(), value.radix()).ok()?;
            out.extend(value.to_le_bytes());
        }
        DeValue::Float(value) => {
            push_head(b'f', span, out);
            out.extend(value.as_str().parse::<f64>().ok()?.to_le_bytes());
        }
        DeValue::Boolean(value) => {
            push_head(b'b', span, out);
            out.push(u8::from(*value));
        }
        DeValue::Datetime(_) => return None,
    }
    Some(())
}

/// A text: its place in the file where it is written there as it is, else the text itself.
fn push_text(span: Range<usize>, value: &str, text: &str, out: &mut Vec<u8>) {
    match text.get(span.clone()).and_then(|written| written.find(value)) {
        Some(at) => {
            push_head(b't', span, out);
            push_number(at as u64, out);
            push_number(value.len() as u64, out);
        }
        None => {
            push_head(b's', span, out);
            push_number(value.len() as u64, out);
            out.extend(value.bytes());
        }
    }
}

fn push_head(kind: u8, span: Range<usize>, out: &mut Vec<u8>) {
    out.push(kind);
    push_number(span.start as u64, out);
    push_number(span.len() as u64, out);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn push_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
