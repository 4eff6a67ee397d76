//! Files of knowledge as `parsed` reads them: parsed TOML in the format that `parsed.rs` describes. The build of the
//! program uses this file, too.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a file has no such form, and where. Knowledge has neither dates nor numbers of more than 64 bits.
pub(crate) type Mistake = (Range<usize>, &'static str);

/// A file. The text is what was parsed.
pub(crate) fn encode(parsed: &Spanned<DeTable<'_>>, text: &str) -> Result<Vec<u8>, Mistake> {
    let mut out = Vec::new();
    push_table(parsed.span(), parsed.get_ref(), text, &mut out)?;
    Ok(out)
}

fn push_table(span: Range<usize>, table: &DeTable<'_>, text: &str, out: &mut Vec<u8>) -> Result<(), Mistake> {
    push_head(b'm', span, out);
    push_number(table.len() as u64, out);
    for (key, value) in table {
        push_text(key.span(), key.get_ref(), text, out);
        push_value(value.span(), value.get_ref(), text, out)?;
    }
    Ok(())
}

fn push_value(span: Range<usize>, value: &DeValue<'_>, text: &str, out: &mut Vec<u8>) -> Result<(), Mistake> {
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
            let number = i64::from_str_radix(value.as_str(), value.radix());
            let number = number.map_err(|_| (span.clone(), "the number does not fit into 64 bits"))?;
            push_head(b'i', span, out);
            out.extend(number.to_le_bytes());
        }
        DeValue::Float(value) => {
            let number = value.as_str().parse::<f64>().map_err(|_| (span.clone(), "this is no number"))?;
            push_head(b'f', span, out);
            out.extend(number.to_le_bytes());
        }
        DeValue::Boolean(value) => {
            push_head(b'b', span, out);
            out.push(u8::from(*value));
        }
        DeValue::Datetime(_) => return Err((span, "files of knowledge have no dates")),
    }
    Ok(())
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
