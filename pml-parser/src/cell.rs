//! The 27 columns of Process Monitor, and how each cell reads (docs/format.md, "Values").

use crate::detail::value;
use crate::detail::{CELL_LIMIT, Decoded, TextOptions, cut};
use crate::event::Event;
use crate::process::{Process, Virtualized};
use crate::text::WinStr;
use crate::time::{FileTime, TICKS_PER_SECOND};

/// A column of Process Monitor's display and exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as Process Monitor names them, see Cell::title")]
pub enum Cell {
    TimeOfDay,
    ProcessName,
    Pid,
    Operation,
    Path,
    Result,
    Detail,
    DateAndTime,
    RelativeTime,
    Duration,
    CompletionTime,
    EventClass,
    Sequence,
    ImagePath,
    Company,
    Description,
    Version,
    User,
    AuthenticationId,
    Session,
    CommandLine,
    Tid,
    Virtualized,
    Integrity,
    Category,
    ParentPid,
    Architecture,
}

/// Column and title, in the order of Process Monitor's own list.
static TITLES: [(Cell, &str); 27] = [
    (Cell::TimeOfDay, "Time of Day"),
    (Cell::ProcessName, "Process Name"),
    (Cell::Pid, "PID"),
    (Cell::Operation, "Operation"),
    (Cell::Path, "Path"),
    (Cell::Result, "Result"),
    (Cell::Detail, "Detail"),
    (Cell::DateAndTime, "Date & Time"),
    (Cell::RelativeTime, "Relative Time"),
    (Cell::Duration, "Duration"),
    (Cell::CompletionTime, "Completion Time"),
    (Cell::EventClass, "Event Class"),
    (Cell::Sequence, "Sequence"),
    (Cell::ImagePath, "Image Path"),
    (Cell::Company, "Company"),
    (Cell::Description, "Description"),
    (Cell::Version, "Version"),
    (Cell::User, "User"),
    (Cell::AuthenticationId, "Authentication ID"),
    (Cell::Session, "Session"),
    (Cell::CommandLine, "Command Line"),
    (Cell::Tid, "TID"),
    (Cell::Virtualized, "Virtualized"),
    (Cell::Integrity, "Integrity"),
    (Cell::Category, "Category"),
    (Cell::ParentPid, "Parent PID"),
    (Cell::Architecture, "Architecture"),
];

impl Cell {
    /// How many there are.
    pub const COUNT: usize = 27;

    /// All columns, in the order of an export with all of them.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TITLES.iter().map(|entry| entry.0)
    }

    /// The columns that Process Monitor shows by default.
    pub fn defaults() -> impl ExactSizeIterator<Item = Self> {
        Self::all().take(7)
    }

    /// Whether all events of a process have the same text here.
    pub fn is_of_process(self) -> bool {
        matches!(
            self,
            Self::ProcessName
                | Self::Pid
                | Self::ImagePath
                | Self::Company
                | Self::Description
                | Self::Version
                | Self::User
                | Self::AuthenticationId
                | Self::Session
                | Self::CommandLine
                | Self::Virtualized
                | Self::Integrity
                | Self::ParentPid
                | Self::Architecture
        )
    }

    /// The title, as exports have it.
    pub fn title(self) -> &'static str {
        TITLES.get(self as usize).map_or("", |entry| entry.1)
    }
}

impl<'a> Event<'a> {
    /// Appends the text of a cell. `first` is the time that relative times count from: that of
    /// the first event of the set.
    ///
    /// Only [`Cell::Detail`] can be anything but [`Decoded::Yes`].
    pub fn push_cell(&self, cell: Cell, first: FileTime, options: &TextOptions, out: &mut String) -> Decoded {
        let start = out.len();
        let mut decoded = Decoded::Yes;
        let text = |out: &mut String, of: fn(Process<'a>) -> WinStr<'a>| {
            if let Some(process) = self.process() {
                of(process).push_to(out);
            }
        };
        let number = |of: fn(Process<'a>) -> i64| self.process().map_or(0, of);
        match cell {
            Cell::TimeOfDay => time_of_day(out, self.time(), options),
            Cell::ProcessName => text(out, Process::name),
            Cell::Pid => value::signed(out, number(|p| p.pid().into())),
            Cell::Operation if options.advanced => {
                out.push_str(self.operation().raw_name(self.is_fast_io()));
            }
            Cell::Operation => out.push_str(self.operation().name()),
            Cell::Path => self.push_path(options, out),
            Cell::Result => match self.status().text() {
                Some(text) => out.push_str(text),
                None => value::upper_hex(out, self.status().0.into()),
            },
            Cell::Detail => decoded = self.push_detail(options, out),
            Cell::DateAndTime => value::date(out, self.time(), options),
            Cell::RelativeTime => relative_time(out, self.time().0.wrapping_sub(first.0)),
            Cell::Duration => self.duration().into_iter().for_each(|d| value::seconds(out, d.0)),
            Cell::CompletionTime => {
                if let Some(duration) = self.duration() {
                    time_of_day(out, FileTime(self.time().0.wrapping_add(duration.0)), options);
                }
            }
            Cell::EventClass => out.push_str(self.class().name()),
            Cell::Sequence => out.push_str("n/a"),
            Cell::ImagePath => text(out, Process::image_path),
            Cell::Company => text(out, Process::company),
            Cell::Description => text(out, Process::description),
            Cell::Version => text(out, Process::version),
            Cell::User => text(out, Process::user),
            Cell::AuthenticationId => {
                if let Some(process) = self.process() {
                    value::luid(out, process.authentication_id());
                }
            }
            Cell::Session => value::signed(out, number(|p| p.session().into())),
            Cell::CommandLine => text(out, Process::command_line),
            Cell::Tid => value::decimal(out, self.tid().into()),
            Cell::Virtualized => out.push_str(match self.process().map(Process::virtualized) {
                Some(Virtualized::No) => "False",
                Some(Virtualized::Yes) => "True",
                Some(Virtualized::NotAvailable(_)) => "n/a",
                None => "",
            }),
            Cell::Integrity => text(out, Process::integrity),
            Cell::Category => out.push_str(self.category().name()),
            Cell::ParentPid => value::signed(out, number(|p| p.parent_pid().into())),
            Cell::Architecture => {
                let wide = self.process().is_some_and(Process::is_64_bit);
                out.push_str(if wide { "64-bit" } else { "32-bit" });
            }
        }
        if options.is_procmon() && out.len() - start > CELL_LIMIT {
            cut(out, start);
        }
        decoded
    }
}

/// `h:mm:ss.fffffff AM`, or the signed number where it is no time.
fn time_of_day(out: &mut String, time: FileTime, options: &TextOptions) {
    match options.zone.local(time).civil() {
        Some(civil) => value::clock(out, &civil, true),
        None => value::signed(out, time.0 as i64),
    }
}

/// `hh:mm:ss.fffffff`; a time before the first one wraps around.
fn relative_time(out: &mut String, ticks: u64) {
    let seconds = ticks / TICKS_PER_SECOND;
    value::padded(out, seconds / 3_600, 2);
    out.push(':');
    value::padded(out, seconds / 60 % 60, 2);
    out.push(':');
    value::padded(out, seconds % 60, 2);
    out.push('.');
    value::padded(out, ticks % TICKS_PER_SECOND, 7);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_stand_in_the_order_of_their_columns() {
        for (position, cell) in Cell::all().enumerate() {
            assert_eq!(cell as usize, position);
        }
        assert_eq!(Cell::Architecture.title(), "Architecture");
    }

    #[test]
    fn relative_times_wrap() {
        let text = |ticks| {
            let mut out = String::new();
            relative_time(&mut out, ticks);
            out
        };
        assert_eq!(text(0), "00:00:00.0000000");
        assert_eq!(text(345_599_999_990_000), "9599:59:59.9990000");
        assert_eq!(text(u64::MAX), "512409557:36:10.9551615");
    }
}
