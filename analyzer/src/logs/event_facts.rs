//! What events of Windows event logs say: updates, packages, disks, power, memory. Provider, number
//! and version identify an event; its message, which is in any language, never does.

use super::codes::{code_prefix, is_failure};
use super::encoding::repair_double_encoding;
use super::event::{EventFact, Sink, Topic, What};
use super::fields::{guid, kb};
use super::record::Record;
use super::signatures::EventEntry;
use super::time::LogTime;

/// Names of computers that are kept: a machine has few in its life.
const MOST_COMPUTERS: usize = 64;

/// Takes one event.
pub(crate) fn record(record: &Record<'_>, table: &[EventEntry], sink: &mut Sink) {
    let Some(event) = record.event else { return };
    if !event.computer.is_empty() && sink.computers.last() != Some(&event.computer) {
        sink.machine.computer = Some(event.computer.clone());
        if sink.computers.len() < MOST_COMPUTERS && !sink.computers.contains(&event.computer) {
            sink.computers.push(event.computer.clone());
        }
    }
    let known = table.iter().find(|entry| {
        entry.ids.contains(&event.id)
            && entry.providers.iter().any(|name| name.eq_ignore_ascii_case(record.component))
    });
    let Some(entry) = known else { return };
    let get =
        |names: &[&str]| names.iter().find_map(|name| event.get(name)).filter(|value| !value.is_empty());
    if let Some(field) = &entry.unless_zero {
        let value = get(&[field]).map(str::trim).and_then(|value| value.parse::<u32>().ok());
        if value == Some(0) {
            return;
        }
    }
    let title = get(&["updateTitle"]).map(|title| {
        let title: String = title.chars().filter(|c| *c != '\u{200E}').collect();
        repair_double_encoding(&title).unwrap_or(title)
    });
    let package = get(&["PackageIdentifier"]).map(str::to_owned);
    let code = get(&["errorCode", "ErrorCode"]).and_then(code_prefix).filter(|&code| is_failure(code));
    let kb_of = |text: &Option<String>| text.as_deref().and_then(kb);
    let item = entry.item.as_deref().and_then(|name| get(&[name])).or_else(|| {
        // Classic events have their data without names; the device comes first.
        entry
            .unnamed_item
            .then(|| event.data.iter().find(|datum| datum.0.is_empty()).map(|datum| datum.1.as_str()))?
    });
    if let Some(needed) = &entry.item_any
        && !item
            .is_some_and(|item| needed.iter().any(|name| item.to_ascii_lowercase().contains(name.as_str())))
    {
        return;
    }
    let number =
        entry.number.as_deref().and_then(|name| get(&[name])).and_then(|value| value.trim().parse().ok());
    let fact = EventFact {
        topic: entry.topic,
        provider: record.component.to_owned(),
        id: event.id,
        kb: kb_of(&title).or_else(|| kb_of(&package)),
        title,
        guid: get(&["updateGuid"]).and_then(guid),
        package: package.filter(|package| package.contains('~')),
        code,
        state: get(&["IntendedPackageState", "IntendedPackageStateTextized"]).map(str::to_owned),
        at_least: entry.at_least.unwrap_or(1),
        item: item.map(str::to_owned),
        number,
    };
    let text = format!("{} {}: {}", record.component, event.id, record.text());
    sink.push(record.line, record.time, &text, What::Event(Box::new(fact)));
    if fact_is_start(entry.topic)
        && let Some(start) = get(&["StartTime"]).and_then(super::time::date_time)
    {
        sink.push(record.line, record.time, &text, What::Booted { at: LogTime::utc(start) });
    }
}

fn fact_is_start(topic: Topic) -> bool {
    topic == Topic::Started
}
