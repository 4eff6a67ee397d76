//! What Process Monitor's rules mean.
//!
//! An event is shown when no exclude rule matches it, and for every column that has include rules
//! at least one of them does. Texts are compared as Process Monitor shows them, case aside; less
//! than and more than compare the numbers that the texts show.

use super::error::{PmcError, PmcRule};
use super::lexer::Compare;
use super::pmc::RawRule;
use super::subject::Subject;
use super::test::{Check, Node, Test, TextCheck, folded};
use super::value::Value;
use crate::procmon::ProcmonColumn;

/// Columns by their numbers. Those without a cell are not shown for logs.
static COLUMNS: [(u32, &str, Option<ProcmonColumn>); 28] = [
    (40052, "Date & Time", Some(ProcmonColumn::DateAndTime)),
    (40053, "Process Name", Some(ProcmonColumn::ProcessName)),
    (40054, "PID", Some(ProcmonColumn::Pid)),
    (40055, "Operation", Some(ProcmonColumn::Operation)),
    (40056, "Result", Some(ProcmonColumn::Result)),
    (40057, "Detail", Some(ProcmonColumn::Detail)),
    (40058, "Sequence", Some(ProcmonColumn::Sequence)),
    (40064, "Company", Some(ProcmonColumn::Company)),
    (40065, "Description", Some(ProcmonColumn::Description)),
    (40066, "Command Line", Some(ProcmonColumn::CommandLine)),
    (40067, "User", Some(ProcmonColumn::User)),
    (40068, "Image Path", Some(ProcmonColumn::ImagePath)),
    (40069, "Session", Some(ProcmonColumn::Session)),
    (40071, "Path", Some(ProcmonColumn::Path)),
    (40072, "TID", Some(ProcmonColumn::Tid)),
    (40076, "Relative Time", Some(ProcmonColumn::RelativeTime)),
    (40077, "Duration", Some(ProcmonColumn::Duration)),
    (40078, "Time of Day", Some(ProcmonColumn::TimeOfDay)),
    (40081, "Version", Some(ProcmonColumn::Version)),
    (40082, "Event Class", Some(ProcmonColumn::EventClass)),
    (40083, "Authentication ID", Some(ProcmonColumn::AuthenticationId)),
    (40084, "Virtualized", Some(ProcmonColumn::Virtualized)),
    (40085, "Integrity", Some(ProcmonColumn::Integrity)),
    (40086, "Category", Some(ProcmonColumn::Category)),
    (40087, "Parent PID", Some(ProcmonColumn::ParentPid)),
    (40088, "Architecture", Some(ProcmonColumn::Architecture)),
    (40164, "Completion Time", Some(ProcmonColumn::CompletionTime)),
    (40178, "Process Start", None),
];

/// Relations, by their numbers.
static RELATIONS: [&str; 8] =
    ["is", "is not", "less than", "more than", "begins with", "ends with", "contains", "excludes"];

/// The filter of these rules.
pub(super) fn tree(rules: &[RawRule], slots: &mut usize) -> Result<Node, PmcError> {
    let mut excludes = Vec::new();
    let mut includes: Vec<(ProcmonColumn, Vec<Node>)> = Vec::new();
    for rule in rules {
        let (cell, node) = test(rule, slots)?;
        match rule.action {
            0 => excludes.push(node),
            1 => match includes.iter_mut().find(|entry| entry.0 == cell) {
                Some(entry) => entry.1.push(node),
                None => includes.push((cell, vec![node])),
            },
            other => {
                return Err(refused(rule, format!("it neither includes nor excludes, but asks for {other}")));
            }
        }
    }
    let mut nodes: Vec<_> = includes.into_iter().map(|entry| Node::any(entry.1)).collect();
    nodes.extend(excludes.into_iter().map(Node::not));
    Ok(Node::all(nodes))
}

fn test(rule: &RawRule, slots: &mut usize) -> Result<(ProcmonColumn, Node), PmcError> {
    let Some(&(_, _, cell)) = COLUMNS.iter().find(|entry| entry.0 == rule.column) else {
        return Err(refused(rule, "this column is unknown"));
    };
    let cell = cell.ok_or_else(|| refused(rule, "this column has no equivalent"))?;
    if rule.rest != 0 {
        return Err(refused(rule, format!("its last field, {:#x}, is unknown", rule.rest)));
    }
    let text = || folded(&rule.text);
    let (check, negated) = match rule.relation {
        0 => (Check::Text(TextCheck::Equals(text())), false),
        1 => (Check::Text(TextCheck::Equals(text())), true),
        2 => (Check::Number(Compare::Less, number(rule, cell)?), false),
        3 => (Check::Number(Compare::Greater, number(rule, cell)?), false),
        4 => (Check::Text(TextCheck::StartsWith(text())), false),
        5 => (Check::Text(TextCheck::EndsWith(text())), false),
        6 => (Check::Text(TextCheck::contains(&text())), false),
        7 => (Check::Text(TextCheck::contains(&text())), true),
        _ => return Err(refused(rule, "this relation is unknown")),
    };
    let slot = *slots;
    *slots += 1;
    Ok((cell, Node::Test(Test { subject: Subject::Procmon(cell), check, negated, slot })))
}

/// The number of a rule, for columns that have one.
fn number(rule: &RawRule, cell: ProcmonColumn) -> Result<Value, PmcError> {
    match cell {
        ProcmonColumn::Pid
        | ProcmonColumn::ParentPid
        | ProcmonColumn::Tid
        | ProcmonColumn::Duration
        | ProcmonColumn::Architecture => Ok(Value::new(rule.value.into())),
        // -1 is the session of processes without one.
        ProcmonColumn::Session => Ok(Value::new((rule.value as i32).into())),
        _ => Err(refused(rule, "there is no number to compare in this column")),
    }
}

fn refused(rule: &RawRule, message: impl Into<String>) -> PmcError {
    let column = COLUMNS.iter().find(|entry| entry.0 == rule.column);
    let relation = usize::try_from(rule.relation).ok().and_then(|at| RELATIONS.get(at));
    let named = PmcRule {
        number: rule.number,
        column: column.map_or_else(|| format!("column {}", rule.column), |entry| entry.1.to_owned()),
        relation: relation.map_or_else(|| format!("relation {}", rule.relation), |&name| name.to_owned()),
        text: rule.text.clone(),
    };
    PmcError { message: message.into(), offset: rule.offset, rule: Some(named) }
}
