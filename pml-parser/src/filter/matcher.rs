//! Decides for each event whether a filter selects it.

use super::memo::{Answers, EventText};
use super::subject::Subject;
use super::test::{Check, Node, Test, TextCheck};
use crate::columns::{ProcessField, Source};
use crate::detail::{Decoded, Fidelity, Numbers, TextOptions, value};
use crate::log::event::Event;
use crate::log::process::Process;
use crate::module_map::Resolution;
use crate::procmon::ProcmonColumn;
use crate::resolve::Resolver;
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
            texts: EventTexts::default(),
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
    /// Number of the current event among all that the matcher was asked about, from 1.
    event: u64,
    /// The log of the event before: its part, and the address of its index.
    log: Option<(u16, usize)>,
    /// Process index of the event before, and its position in the process table.
    process: (u32, Option<u32>),
    /// By slot.
    answers: Vec<Answers>,
    /// Numbers of the current event, once a test has read one.
    numbers: Option<Numbers>,
    texts: EventTexts,
}

/// Texts of the current event: those that are expensive to decode are kept, all others share one
/// buffer.
#[derive(Clone, Debug, Default)]
struct EventTexts {
    path: EventText,
    target_path: EventText,
    detail: EventText,
    registry_data: EventText,
    procmon_path: EventText,
    procmon_detail: EventText,
    stack: EventText,
    other: EventText,
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
        if test.subject.is_of_process() {
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
        let code = match (&test.check, code(test.subject, event)) {
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
            Check::Missing => Some(self.is_missing(test.subject, event)),
            Check::Error => Some(event.status().is_error()),
            Check::Operations(operations) => Some(operations.contains(&event.operation())),
            Check::Text(check) => self.text_passes(test.subject, check, event),
            check => {
                let first = self.first_nanos;
                self.number(test.subject, event).map(|number| check.number(number, first))
            }
        };
        // A comparison with a value that is missing is false, negated or not.
        passes.is_some_and(|passes| passes != test.negated)
    }

    /// Whether the text of a subject passes; `None` where there is none.
    fn text_passes(&mut self, subject: Subject, check: &TextCheck, event: &Event<'_>) -> Option<bool> {
        let Some(expression) = check.expression() else {
            return self.folded(subject, event).map(|folded| check.passes(folded));
        };
        if expression.is_waiting() && !self.folded(subject, event).is_none_or(|it| expression.may_match(it)) {
            return Some(false);
        }
        self.text(subject, event).raw().map(|text| expression.is_match(text))
    }

    /// The text of a subject, folded; `None` where there is none.
    fn folded(&mut self, subject: Subject, event: &Event<'_>) -> Option<&[u8]> {
        let is_path = subject == Subject::Column(Source::Path);
        if is_path
            && !self.texts.path.is_folded(self.event)
            && let Some(ascii) = event.ascii_path()
        {
            self.texts.path.fold_ascii(self.event, ascii);
        }
        let text = match is_path && self.texts.path.is_folded(self.event) {
            true => &mut self.texts.path,
            false => self.text(subject, event),
        };
        text.folded()
    }

    fn is_missing(&mut self, subject: Subject, event: &Event<'_>) -> bool {
        match subject {
            Subject::Column(Source::TargetPath) => event.target_path().is_none(),
            Subject::Column(Source::Stack) => event.stack().is_empty(),
            Subject::Column(Source::Process(ProcessField::Start | ProcessField::End)) => {
                self.number(subject, event).is_none()
            }
            Subject::Column(Source::Detail | Source::RegistryData) => !self.text(subject, event).is_there(),
            _ if subject.is_of_process() => event.process().is_none(),
            _ => self.number(subject, event).is_none(),
        }
    }

    /// The number of a subject; nanoseconds for times and lengths of time, but for those of Process
    /// Monitor's rules, which count ticks.
    fn number(&mut self, subject: Subject, event: &Event<'_>) -> Option<i128> {
        match subject {
            Subject::Column(source) => self.column_number(source, event),
            Subject::Procmon(column) => procmon_number(column, event),
        }
    }

    fn column_number(&mut self, source: Source, event: &Event<'_>) -> Option<i128> {
        Some(match source {
            Source::EventId => event.id().into(),
            Source::Part => event.log().part().into(),
            Source::Sequence => event.sequence().into(),
            Source::Time => event.time().unix_nanos().map(|_| nanos(event.time().0))?,
            Source::Duration => event.duration().and_then(Ticks::nanos)?.into(),
            Source::RelativeTime => nanos(event.time().0) - self.first_nanos,
            Source::CompletionTime => nanos(event.time().0.checked_add(event.duration()?.0)?),
            Source::Process(ProcessField::AuthenticationId) => event.process()?.authentication_id().into(),
            Source::Process(ProcessField::Start) => {
                Some(event.process()?.start()).filter(|start| start.0 != 0).map(|start| nanos(start.0))?
            }
            Source::Process(ProcessField::End) => nanos(event.process()?.end()?.0),
            Source::ProcessIndex => event.process_index().into(),
            Source::Tid => event.tid().into(),
            Source::Result | Source::Status => event.status().0.into(),
            Source::Process(ProcessField::Pid) => event.process()?.pid().into(),
            Source::Process(ProcessField::ParentPid) => event.process()?.parent_pid().into(),
            Source::Process(ProcessField::Session) => event.process()?.session().into(),
            Source::Number(number) => {
                let value = self.numbers.get_or_insert_with(|| event.numbers()).get(number)?;
                if number.kind().signed_bits().is_some() { (value as i64).into() } else { value.into() }
            }
            _ => return None,
        })
    }

    /// The text of a subject.
    fn text(&mut self, subject: Subject, event: &Event<'_>) -> &mut EventText {
        let texts = &mut self.texts;
        let text = match subject {
            Subject::Column(Source::Path) => &mut texts.path,
            Subject::Column(Source::TargetPath) => &mut texts.target_path,
            Subject::Column(Source::Detail) => &mut texts.detail,
            Subject::Column(Source::RegistryData) => &mut texts.registry_data,
            Subject::Column(Source::Stack) => &mut texts.stack,
            Subject::Procmon(ProcmonColumn::Path) => &mut texts.procmon_path,
            Subject::Procmon(ProcmonColumn::Detail) => &mut texts.procmon_detail,
            _ => {
                texts.other.forget();
                &mut texts.other
            }
        };
        let (corrected, procmon, first) = (&self.corrected, &self.procmon, self.first);
        text.fill(self.event, |out| match subject {
            Subject::Column(source) => push_text(source, event, corrected, out),
            Subject::Procmon(column) => {
                event.push_cell(column, first, procmon, out);
                true
            }
        })
    }
}

/// Appends the text of a column, and returns whether there is one.
fn push_text(source: Source, event: &Event<'_>, options: &TextOptions, out: &mut String) -> bool {
    match source {
        Source::Class => out.push_str(event.class().name()),
        Source::Operation => out.push_str(event.operation().name()),
        Source::Category => out.push_str(event.category().name()),
        Source::Result | Source::Status => match event.status().text() {
            Some(text) => out.push_str(text),
            None => value::upper_hex(out, event.status().0.into()),
        },
        Source::Path => event.push_path(options, out),
        Source::TargetPath => return event.target_path().map(|target| target.push_to(out)).is_some(),
        Source::Detail => return event.push_detail(options, out) == Decoded::Yes,
        Source::RegistryData => return event.push_registry_data(out),
        Source::TimeOfDay => {
            event.push_cell(ProcmonColumn::TimeOfDay, FileTime(0), options, out);
        }
        Source::Stack => return push_stack(event, out),
        Source::Process(ProcessField::Is64Bit | ProcessField::Virtualized) if event.process().is_none() => {
            return false;
        }
        Source::Process(ProcessField::Is64Bit) => {
            event.push_cell(ProcmonColumn::Architecture, FileTime(0), options, out);
        }
        Source::Process(ProcessField::Virtualized) => {
            event.push_cell(ProcmonColumn::Virtualized, FileTime(0), options, out);
        }
        Source::Process(field) => {
            let text = event.process().and_then(|process| process.text(field));
            return text.map(|text| text.push_to(out)).is_some();
        }
        _ => return false,
    }
    true
}

/// Bytes after which the text of a stack ends: frames may share huge paths.
const STACK_TEXT: usize = 1 << 20;

/// Appends a line for each frame of the call stack, and returns whether there is one.
fn push_stack(event: &Event<'_>, out: &mut String) -> bool {
    let resolver = Resolver::new(event.log(), event.process_position(), Resolution::Corrected);
    for address in event.stack().addresses() {
        if out.len() > STACK_TEXT {
            break;
        }
        match resolver.locate(address, event.time()).map(|place| place.location()) {
            Some(location) => {
                location.module.path().push_to(out);
                out.push_str(" + ");
                value::hex(out, location.offset);
            }
            None => value::hex(out, address),
        }
        out.push('\n');
    }
    !event.stack().is_empty()
}

/// The number that a text of Process Monitor shows. Without a process it shows zeros.
fn procmon_number(column: ProcmonColumn, event: &Event<'_>) -> Option<i128> {
    let process = |of: fn(Process<'_>) -> i128| event.process().map_or(0, of);
    Some(match column {
        ProcmonColumn::Tid => event.tid().into(),
        ProcmonColumn::Pid => process(|p| p.pid().into()),
        ProcmonColumn::ParentPid => process(|p| p.parent_pid().into()),
        ProcmonColumn::Session => process(|p| p.session().into()),
        ProcmonColumn::Architecture => {
            if event.process().is_some_and(Process::is_64_bit) {
                64
            } else {
                32
            }
        }
        ProcmonColumn::Duration => event.duration().map_or(0, |ticks| ticks.0.into()),
        _ => return None,
    })
}

/// The code that the text of a subject depends on, if it depends on one.
fn code(subject: Subject, event: &Event<'_>) -> Option<u64> {
    Some(match subject {
        Subject::Column(Source::Class) | Subject::Procmon(ProcmonColumn::EventClass) => {
            event.class().code().into()
        }
        Subject::Column(Source::Operation) | Subject::Procmon(ProcmonColumn::Operation) => {
            let operation = event.operation();
            u64::from(operation.class.code()) << 24
                | u64::from(operation.code) << 8
                | u64::from(operation.sub)
        }
        Subject::Column(Source::Category) | Subject::Procmon(ProcmonColumn::Category) => {
            event.category() as u64
        }
        Subject::Column(Source::Result | Source::Status) | Subject::Procmon(ProcmonColumn::Result) => {
            event.status().0.into()
        }
        _ => return None,
    })
}

fn nanos(ticks: u64) -> i128 {
    i128::from(ticks) * 100
}
