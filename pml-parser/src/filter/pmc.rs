//! The layout of Process Monitor's configuration files, as far as the list of rules.
//!
//! A configuration (`.PMC`) is a run of records, each with its size and its name. All but `FilterRules` are skipped. A
//! saved filter (`.PMF`) carries such a list alone, perhaps after a name.

use super::error::PmcError;
use crate::raw::bytes::Blob;
use crate::text::WinStr;

/// Size of the fixed part of a record, which each one states.
const FIXED: usize = 16;

/// Most rules that are taken; nobody has thousands.
const MAX_RULES: usize = 10_000;

/// A rule as the file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawRule {
    /// Position in the list, from 1.
    pub number: u32,
    /// Where it begins.
    pub offset: usize,
    pub column: u32,
    pub relation: u32,
    pub action: u8,
    pub text: String,
    /// The text as a number, in the unit of the column.
    pub value: u32,
    /// Zero in all that were seen.
    pub rest: u32,
}

/// The rules of the record `FilterRules`, or those of a saved filter.
pub(super) fn filter_rules(file: &[u8]) -> Result<Vec<RawRule>, PmcError> {
    if !file.is_empty() && file.u32_at(4).is_none_or(|fixed| fixed as usize != FIXED) {
        return saved_filter(file);
    }
    let mut rules = None;
    let mut at = 0;
    while at < file.len() {
        let record = Record::read(file, at)?;
        if record.name == "FilterRules" {
            if rules.is_some() {
                return Err(PmcError::new(at, "there is a second list of filter rules"));
            }
            rules = Some(read_rules(record.value, record.value_at)?);
        }
        at += record.size;
    }
    rules.ok_or_else(|| PmcError::new(file.len(), "there are no filter rules in this configuration"))
}

/// Bytes before the list of a saved filter, at most: those of its name.
const MOST_BEFORE: usize = 4_096;

/// The rules of a saved filter: the one place where a list begins that fills the rest of the file.
fn saved_filter(file: &[u8]) -> Result<Vec<RawRule>, PmcError> {
    let is_rule = |rule: &RawRule| {
        (40_000..41_000).contains(&rule.column) && rule.relation < 8 && rule.action < 2 && rule.rest == 0
    };
    // A list that something follows counts too: no rule is left out.
    let list = |at: usize| {
        let value = file.get(at..).filter(|value| value.u32_at(1).is_some_and(|count| count > 0))?;
        let (rules, end) = read_list(value, at).ok()?;
        rules.iter().all(is_rule).then_some((rules, value.get(end..).unwrap_or_default()))
    };
    let mut lists = (0..file.len().min(MOST_BEFORE)).filter_map(list);
    match (lists.next(), lists.next()) {
        (Some((rules, rest)), None) if rest.iter().all(|&byte| byte == 0) => Ok(rules),
        (Some(_), _) => Err(PmcError::new(0, "this holds more than one list of rules, or something unknown")),
        (None, _) => Err(PmcError::new(
            0,
            "this is neither a configuration (.PMC) nor a saved filter (.PMF) of Process Monitor",
        )),
    }
}

struct Record<'f> {
    size: usize,
    name: String,
    value: &'f [u8],
    value_at: usize,
}

impl<'f> Record<'f> {
    fn read(file: &'f [u8], at: usize) -> Result<Self, PmcError> {
        let rest = file.get(at..).unwrap_or_default();
        let field = |at| rest.u32_at(at).and_then(|value| usize::try_from(value).ok());
        let sizes = (field(0), field(4), field(8), field(12));
        let (Some(size), Some(FIXED), Some(value_at), Some(value_size)) = sizes else {
            return Err(PmcError::new(at, "a record is damaged"));
        };
        let record = rest.get(..size).filter(|_| size >= FIXED);
        let parts = record.and_then(|record| {
            let value_end = value_at.checked_add(value_size)?;
            Some((record.get(FIXED..value_at)?, record.get(value_at..value_end)?))
        });
        let Some((name, value)) = parts else {
            return Err(PmcError::new(at, "a record is cut off, or its sizes contradict each other"));
        };
        Ok(Self { size, name: WinStr::utf16(name).to_str().into_owned(), value, value_at: at + value_at })
    }
}

/// Reads the value of `FilterRules`, which begins at `base` in the file.
fn read_rules(value: &[u8], base: usize) -> Result<Vec<RawRule>, PmcError> {
    let (rules, end) = read_list(value, base)?;
    if value.get(end..).is_some_and(|rest| rest.iter().any(|&byte| byte != 0)) {
        return Err(PmcError::new(base + end, "something unknown follows the last rule"));
    }
    Ok(rules)
}

/// Reads a list of rules, and where it ends.
fn read_list(value: &[u8], base: usize) -> Result<(Vec<RawRule>, usize), PmcError> {
    let (Some(1), Some(count)) = (value.u8_at(0), value.u32_at(1)) else {
        return Err(PmcError::new(base, "the list of filter rules is of an unknown kind"));
    };
    let mut rules = Vec::new();
    let mut at = 5;
    for number in 1..=count {
        if rules.len() >= MAX_RULES {
            return Err(PmcError::new(base + at, format!("there are more than {MAX_RULES} rules")));
        }
        let cut_off = || PmcError::new(base + at, format!("rule {number} of {count} is cut off"));
        let (rule, next) = read_rule(value, at, number, base + at).ok_or_else(cut_off)?;
        rules.push(rule);
        at = next;
    }
    Ok((rules, at))
}

/// The rule at `at` of the list, and where the next one begins.
fn read_rule(value: &[u8], at: usize, number: u32, offset: usize) -> Option<(RawRule, usize)> {
    let rule = value.get(at..)?;
    let size = usize::try_from(rule.u32_at(9)?).ok()?;
    let text_end = 13_usize.checked_add(size)?;
    let text = rule.get(13..text_end)?;
    let rule = RawRule {
        number,
        offset,
        column: rule.u32_at(0)?,
        relation: rule.u32_at(4)?,
        action: rule.u8_at(8)?,
        text: WinStr::utf16(text).to_str().into_owned(),
        value: rule.u32_at(text_end)?,
        rest: rule.u32_at(text_end.checked_add(4)?)?,
    };
    Some((rule, at + text_end + 8))
}
