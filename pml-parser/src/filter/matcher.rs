//! Decides, event by event, whether a filter selects it.

use super::column::Source;
use super::memo::{Answers, Text};
use super::test::{Check, Node, Test};
use crate::detail::{Decoded, Fidelity, Numbers, TextOptions, value};
use crate::log::event::Event;
use crate::log::process::Process;
use crate::procmon::ProcmonColumn;
use crate::text::WinStr;
use crate::time::{FileTime, Ticks};

/// Decides for the events of one set, in any order. One for each thread; once warm, it allocates
/// nothing.
#[derive(Clone, Debug)]
pub struct Matcher<'f> {
    root: &'f Node,
    state: State,
}

impl<'f> Matcher<'f> {
    pub(super) fn new(root: &'f Node, slots: usize, first: FileTime) -> Self {
        let mut answers = Vec::new();
        answers.resize_with(slots, Answers::default);
        let state = State {
            first,
            first_nanos: nanos(first.0),
            corrected: TextOptions::default(),
            procmon: TextOptions { fidelity: Fidelity::Procmon, ..TextOptions::default() },
            event: 0,
            log: None,
            process: (0, None),
            answers,
            numbers: None,
            texts: Texts::default(),
        };
        Self { root, state }
    }

    /// Whether the filter selects this event.
    pub fn matches(&mut self, event: &Event<'_>) -> bool {
        self.state.begin(event);
        self.state.holds(self.root, event)
    }
}

/// What is remembered.
#[derive(Clone, Debug)]
struct State {
    first: FileTime,
    first_nanos: i128,
    corrected: TextOptions,
    procmon: TextOptions,
    /// Number of the event at hand among those asked for, from 1.
    event: u64,
    /// Which log the event before was of: its part, and where its index stands.
    log: Option<(u16, usize)>,
    /// Process index of the event before, and its position in the process table.
    process: (u32, Option<u32>),
    /// By slot.
    answers: Vec<Answers>,
    /// Those of the event at hand, once they were asked for.
    numbers: Option<Numbers>,
    texts: Texts,
}

/// Texts of the event at hand that are dear enough to be kept, and one that is not.
#[derive(Clone, Debug, Default)]
struct Texts {
    path: Text,
    target_path: Text,
    detail: Text,
    registry_data: Text,
    cell_path: Text,
    cell_detail: Text,
    other: Text,
}

impl State {
    fn begin(&mut self, event: &Event<'_>) {
        self.event += 1;
        self.numbers = None;
        let view = event.log();
        let log = Some((view.part(), std::ptr::from_ref(view.index).addr()));
        if self.log != log {
            self.log = log;
            self.answers.iter_mut().for_each(Answers::forget_processes);
            self.process = (event.process_index(), event.process_position());
        } else if self.process.0 != event.process_index() {
            self.process = (event.process_index(), event.process_position());
        }
    }

    /// As deep as the tree, which the parser limits.
    fn holds(&mut self, node: &Node, event: &Event<'_>) -> bool {
        match node {
            Node::All(nodes) => nodes.iter().all(|node| self.holds(node, event)),
            Node::Any(nodes) => nodes.iter().any(|node| self.holds(node, event)),
            Node::Not(node) => !self.holds(node, event),
            Node::Test(test) => self.answer(test, event),
        }
    }

    /// The answer of a test, from memory where it depends on process or code alone.
    fn answer(&mut self, test: &Test, event: &Event<'_>) -> bool {
        if test.source.is_of_process() {
            let Some(position) = self.process.1 else { return self.decide(test, event) };
            let (count, tests) = (event.log().process_count(), self.answers.len());
            let place = self.answers.get_mut(test.slot);
            let place = place.and_then(|answers| answers.of_process(position, count, tests));
            if let Some(Some(answer)) = place {
                return *answer;
            }
            let answer = self.decide(test, event);
            let place = self.answers.get_mut(test.slot);
            if let Some(place) = place.and_then(|answers| answers.of_process(position, count, tests)) {
                *place = Some(answer);
            }
            return answer;
        }
        let code = match (&test.check, code(test.source, event)) {
            (Check::Text(_), Some(code)) => code,
            _ => return self.decide(test, event),
        };
        let place = self.answers.get_mut(test.slot).and_then(|answers| answers.of_code(code));
        if let Some(&mut Some((known, answer))) = place
            && known == code
        {
            return answer;
        }
        let answer = self.decide(test, event);
        if let Some(place) = self.answers.get_mut(test.slot).and_then(|answers| answers.of_code(code)) {
            *place = Some((code, answer));
        }
        answer
    }

    fn decide(&mut self, test: &Test, event: &Event<'_>) -> bool {
        let passes = match &test.check {
            Check::Missing => Some(self.is_missing(test.source, event)),
            Check::Error => Some(event.status().is_error()),
            Check::Text(check) => {
                self.text(test.source, event).get(check.is_raw()).map(|text| check.passes(text))
            }
            check => {
                let first = self.first_nanos;
                self.number(test.source, event).map(|number| check.number(number, first))
            }
        };
        // A comparison with a value that is missing is false, negated or not.
        passes.is_some_and(|passes| passes != test.negated)
    }

    fn is_missing(&mut self, source: Source, event: &Event<'_>) -> bool {
        match source {
            Source::TargetPath => event.target_path().is_none(),
            Source::Detail | Source::RegistryData => !self.text(source, event).is_there(),
            _ if source.is_of_process() => event.process().is_none(),
            _ => self.number(source, event).is_none(),
        }
    }

    /// The number a column holds; nanoseconds for times and lengths of time, but for those of
    /// Process Monitor's rules, which count ticks.
    fn number(&mut self, source: Source, event: &Event<'_>) -> Option<i128> {
        let process = |of: fn(Process<'_>) -> i128| event.process().map(of);
        Some(match source {
            Source::EventId => event.id().into(),
            Source::Part => event.log().part().into(),
            Source::Sequence => event.sequence().into(),
            Source::Time => event.time().unix_nanos().map(|_| nanos(event.time().0))?,
            Source::Duration => event.duration().and_then(Ticks::nanos)?.into(),
            Source::ProcessIndex => event.process_index().into(),
            Source::Tid | Source::ProcmonColumn(ProcmonColumn::Tid) => event.tid().into(),
            Source::Result => event.status().0.into(),
            Source::Pid => process(|p| p.pid().into())?,
            Source::ParentPid => process(|p| p.parent_pid().into())?,
            Source::Session => process(|p| p.session().into())?,
            Source::Number(number) => {
                let value = self.numbers.get_or_insert_with(|| event.numbers()).get(number)?;
                if super::column::is_signed(number) { (value as i64).into() } else { value.into() }
            }
            // Where there is no process, Process Monitor shows zeros.
            Source::ProcmonColumn(ProcmonColumn::Pid) => process(|p| p.pid().into()).unwrap_or(0),
            Source::ProcmonColumn(ProcmonColumn::ParentPid) => {
                process(|p| p.parent_pid().into()).unwrap_or(0)
            }
            Source::ProcmonColumn(ProcmonColumn::Session) => process(|p| p.session().into()).unwrap_or(0),
            Source::ProcmonColumn(ProcmonColumn::Architecture) => {
                if event.process().is_some_and(Process::is_64_bit) { 64 } else { 32 }
            }
            Source::ProcmonColumn(ProcmonColumn::Duration) => {
                event.duration().map_or(0, |ticks| ticks.0.into())
            }
            _ => return None,
        })
    }

    /// The text a column holds.
    fn text<'e>(&mut self, source: Source, event: &Event<'e>) -> &mut Text {
        let texts = &mut self.texts;
        let text = match source {
            Source::Path => &mut texts.path,
            Source::TargetPath => &mut texts.target_path,
            Source::Detail => &mut texts.detail,
            Source::RegistryData => &mut texts.registry_data,
            Source::ProcmonColumn(ProcmonColumn::Path) => &mut texts.cell_path,
            Source::ProcmonColumn(ProcmonColumn::Detail) => &mut texts.cell_detail,
            _ => {
                texts.other.forget();
                &mut texts.other
            }
        };
        let (corrected, procmon, first) = (&self.corrected, &self.procmon, self.first);
        text.fill(self.event, |out| {
            let process = |out: &mut String, of: fn(Process<'e>) -> WinStr<'e>| {
                event.process().map(|process| of(process).push_to(out)).is_some()
            };
            match source {
                Source::Class => out.push_str(event.class().name()),
                Source::Operation => out.push_str(event.operation().name()),
                Source::Category => out.push_str(event.category().name()),
                Source::Result => match event.status().text() {
                    Some(text) => out.push_str(text),
                    None => value::upper_hex(out, event.status().0.into()),
                },
                Source::Path => event.push_path(corrected, out),
                Source::TargetPath => {
                    return event.target_path().map(|target| target.push_to(out)).is_some();
                }
                Source::Detail => return event.push_detail(corrected, out) == Decoded::Yes,
                Source::RegistryData => return event.push_registry_data(out),
                Source::ProcessName => return process(out, Process::name),
                Source::ImagePath => return process(out, Process::image_path),
                Source::CommandLine => return process(out, Process::command_line),
                Source::User => return process(out, Process::user),
                Source::Integrity => return process(out, Process::integrity),
                Source::Company => return process(out, Process::company),
                Source::Version => return process(out, Process::version),
                Source::Description => return process(out, Process::description),
                Source::ProcmonColumn(cell) => {
                    event.push_cell(cell, first, procmon, out);
                }
                _ => return false,
            }
            true
        })
    }
}

/// What the text of a column depends on, where that is a code.
fn code(source: Source, event: &Event<'_>) -> Option<u64> {
    Some(match source {
        Source::Class | Source::ProcmonColumn(ProcmonColumn::EventClass) => event.class().code().into(),
        Source::Operation | Source::ProcmonColumn(ProcmonColumn::Operation) => {
            let operation = event.operation();
            u64::from(operation.class.code()) << 24
                | u64::from(operation.code) << 8
                | u64::from(operation.sub)
        }
        Source::Category | Source::ProcmonColumn(ProcmonColumn::Category) => event.category() as u64,
        Source::Result | Source::ProcmonColumn(ProcmonColumn::Result) => event.status().0.into(),
        _ => return None,
    })
}

fn nanos(ticks: u64) -> i128 {
    i128::from(ticks) * 100
}
