//! What a report cites: events of the capture, lines of logs, and the codes of both.

use super::build::{Builder, shown_target, text_of};
use super::model::{EventReport, LineReport, StatusReport};
use crate::evidence::{Citation, Code, Position};
use crate::knowledge::StatusEntry;
use pml_parser::symbols::Symbols;
use pml_parser::{EventClass, EventId, NtStatus, Number, Resolution, TextOptions};

/// The upper half of an HRESULT that holds a Win32 error.
const HRESULT_OF_WIN32: u32 = 0x8007;

/// `0x0000001F`.
pub(super) fn hex(number: u32) -> String {
    format!("{number:#010X}").replacen("0X", "0x", 1)
}

/// What Process Monitor shows of a status.
pub(super) fn result(status: NtStatus) -> String {
    status.text().map_or_else(|| hex(status.0), str::to_owned)
}

/// The name of a status in the headers of Windows.
pub(super) fn symbol(entry: &StatusEntry) -> Option<String> {
    (!entry.symbol.is_empty()).then(|| entry.symbol.clone())
}

impl<B: AsRef<[u8]>> Builder<'_, B> {
    /// An NTSTATUS, in all the ways in which it is named.
    pub(super) fn status(&self, status: NtStatus) -> StatusReport {
        let entry = self.knowledge.codes.status(status);
        let is_error = status.is_error();
        StatusReport {
            status: hex(status.0),
            status_number: status.0,
            result: result(status),
            // Success needs no name.
            symbol: symbol(entry).filter(|_| status != NtStatus::SUCCESS),
            win32: self.knowledge.codes.win32(status).filter(|_| is_error),
            hresult: is_error.then(|| hex(self.knowledge.codes.hresult_of(status))),
        }
    }

    /// A code that a log gives, in all the ways in which it is named.
    pub(super) fn code(&self, code: Code) -> StatusReport {
        let code = match code {
            Code::Status(status) => return self.status(status),
            Code::Hresult(code) => code,
        };
        let symbol = self.knowledge.codes.hresult(code).map(|entry| entry.symbol.clone());
        StatusReport {
            status: hex(code),
            status_number: code,
            result: symbol.clone().unwrap_or_else(|| hex(code)),
            symbol,
            win32: (code >> 16 == HRESULT_OF_WIN32).then_some(code & 0xFFFF),
            hresult: Some(hex(code)),
        }
    }

    /// The exit status of a process; a small number is the program's own and no NTSTATUS.
    pub(super) fn exit(&self, exit: u32) -> StatusReport {
        let status = NtStatus(exit);
        let result = self.word(&self.texts().exit_status).replace("{exit}", &hex(exit));
        if status.is_error() {
            return StatusReport { result, ..self.status(status) };
        }
        StatusReport {
            status: hex(exit),
            status_number: exit,
            result,
            symbol: None,
            win32: None,
            hresult: None,
        }
    }

    /// An event of the capture that is cited.
    pub(super) fn cite_event(&self, id: EventId, role: &str) -> Option<EventReport> {
        let event = self.event(id)?;
        let process = self.process(&event);
        // The innermost frame of user mode: the code that made the call.
        let user = event.log().highest_user_address();
        let frame = event.stack().addresses().find(|&address| address <= user);
        let location = frame.and_then(|address| event.locate(address, Resolution::Corrected));
        let module = location.map(|location| {
            let path = location.module.path().to_string();
            let name = path.rsplit('\\').next().unwrap_or(&path);
            let symbols = self.origin.symbols.as_ref();
            match symbols.and_then(|symbols| symbols.function(location.module, location.offset)) {
                Some(function) => format!("{name}!{}+{:#x}", function.name, function.offset),
                None => format!("{name} + {:#x}", location.offset),
            }
        });
        Some(EventReport {
            event_id: id,
            time: event.time().to_string(),
            clock: self.clock.of_day(event.time()),
            seconds: self.seconds(event.time()),
            process: process.map(|process| process.name.clone()).unwrap_or_default(),
            pid: process.map_or(0, |process| process.pid),
            tid: event.tid(),
            operation: event.operation().name().to_owned(),
            path: text_of(|out| event.push_path(&TextOptions::default(), out)),
            target: shown_target(&event),
            value: (event.class() == EventClass::Registry)
                .then(|| {
                    text_of(|out| {
                        event.push_registry_data(out);
                    })
                })
                .filter(|data| !data.is_empty()),
            status: hex(event.status().0),
            result: match event.numbers().get(Number::ExitStatus) {
                // How a process ended matters, not that the event could be recorded.
                Some(exit) => self.word(&self.texts().exit_status).replace("{exit}", &hex(exit as u32)),
                None => result(event.status()),
            },
            module,
            role: role.to_owned(),
        })
    }

    /// A place in a log that is cited.
    fn cite_line(&self, citation: Citation, role: &str) -> Option<LineReport> {
        let (log, observation) = self.triage.observation(citation)?;
        let (line, record) = match observation.position {
            Position::Line(line) => (Some(line), None),
            Position::Record(record) => (None, Some(record)),
            Position::Event(_) => (None, None),
        };
        let code = observation.code.map(|code| self.code(code));
        Some(LineReport {
            log: log.name.clone(),
            line,
            record,
            time: observation.time.map(|time| time.at.to_string()),
            certainty: observation.time.map(|time| time.certainty),
            code: code.as_ref().map(|code| code.status.clone()),
            symbol: code.and_then(|code| code.symbol),
            text: observation.text.clone(),
            role: role.to_owned(),
        })
    }

    /// Events and lines that are cited, each with its role.
    pub(super) fn cite<'r>(
        &self,
        citations: impl Iterator<Item = (Citation, &'r str)>,
    ) -> (Vec<EventReport>, Vec<LineReport>) {
        let (mut events, mut lines) = (Vec::new(), Vec::new());
        for (citation, role) in citations {
            match citation.as_event() {
                Some(event) => events.extend(self.cite_event(event, role)),
                None => lines.extend(self.cite_line(citation, role)),
            }
        }
        (events, lines)
    }
}
