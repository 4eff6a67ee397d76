//! pending.xml, the queue of pending operations: how many of which kind, for which transaction.

use super::event::{Sink, What};
use super::record::Record;
use super::xml::{Token, Tokens, attribute};
use std::collections::BTreeMap;

/// Kinds of operations that are counted separately at most.
const MOST_KINDS: usize = 64;

/// The queue, as far as it was read.
#[derive(Default)]
pub(crate) struct Queue {
    line: u32,
    operations: BTreeMap<String, u32>,
    in_queue: bool,
    identifier: Option<String>,
}

impl Queue {
    /// Takes one line, which may hold any number of elements.
    pub(crate) fn record(&mut self, record: &Record<'_>) {
        if self.line == 0 {
            self.line = record.line;
        }
        for token in Tokens::new(&record.text()) {
            match token {
                Token::Open("PendingTransaction", attributes, _) => {
                    self.identifier = attribute(attributes, "Identifier").map(|value| value.into_owned());
                }
                Token::Open("POQ", _, closes) => self.in_queue = !closes,
                Token::Close("POQ") => self.in_queue = false,
                Token::Open(name, _, _) if self.in_queue && self.operations.len() < MOST_KINDS => {
                    *self.operations.entry(name.to_owned()).or_default() += 1;
                }
                _ => {}
            }
        }
    }

    /// Hands over what was read.
    pub(crate) fn finish(&mut self, sink: &mut Sink) {
        if self.line == 0 {
            return;
        }
        let counts: Vec<String> =
            self.operations.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let identifier = self.identifier.take().unwrap_or_default();
        let text = format!("PendingTransaction {identifier}: {}", counts.join(", "));
        let operations = self.operations.values().sum();
        sink.push(self.line, None, &text, What::Pending { operations });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{Encoding, Kind, read};

    #[test]
    fn operations_are_counted_by_kind() {
        let text = "<?xml version='1.0'?>\r\n<PendingTransaction Version='3.1' Identifier='{A}'>\r\n<POQ postAction=\"reboot\">\r\n\
            <HardlinkFile source='a' destination='b'/><HardlinkFile source='c' destination='d'/>\r\n<SetFileInformation path='x'/>\r\n</POQ>\r\n<InstallerQueue><x/></InstallerQueue></PendingTransaction>";
        let mut queue = Queue::default();
        read(text.as_bytes(), Kind::Pending, Encoding::Utf8, None, |record| queue.record(record));
        let mut sink = Sink::default();
        queue.finish(&mut sink);
        let event = sink.events.first().cloned().unwrap_or_else(|| panic!("an event"));
        assert_eq!(
            (event.what, event.quote.as_str()),
            (What::Pending { operations: 3 }, "PendingTransaction {A}: 2 HardlinkFile, 1 SetFileInformation")
        );
    }
}
