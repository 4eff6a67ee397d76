//! The 27 columns of Process Monitor, and the text of each cell (docs/format.md, "Values").

use crate::detail::value;
use crate::detail::{CELL_LIMIT, Decoded, TextOptions, cut};
use crate::log::event::Event;
use crate::log::process::{Process, Virtualized};
use crate::text::WinStr;
use crate::time::{FileTime, TICKS_PER_SECOND};

/// A column of Process Monitor's display and exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as Process Monitor names them, see ProcmonColumn::title")]
pub enum ProcmonColumn {
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
static TITLES: [(ProcmonColumn, &str); 27] = [
    (ProcmonColumn::TimeOfDay, "Time of Day"),
    (ProcmonColumn::ProcessName, "Process Name"),
    (ProcmonColumn::Pid, "PID"),
    (ProcmonColumn::Operation, "Operation"),
    (ProcmonColumn::Path, "Path"),
    (ProcmonColumn::Result, "Result"),
    (ProcmonColumn::Detail, "Detail"),
    (ProcmonColumn::DateAndTime, "Date & Time"),
    (ProcmonColumn::RelativeTime, "Relative Time"),
    (ProcmonColumn::Duration, "Duration"),
    (ProcmonColumn::CompletionTime, "Completion Time"),
    (ProcmonColumn::EventClass, "Event Class"),
    (ProcmonColumn::Sequence, "Sequence"),
    (ProcmonColumn::ImagePath, "Image Path"),
    (ProcmonColumn::Company, "Company"),
    (ProcmonColumn::Description, "Description"),
    (ProcmonColumn::Version, "Version"),
    (ProcmonColumn::User, "User"),
    (ProcmonColumn::AuthenticationId, "Authentication ID"),
    (ProcmonColumn::Session, "Session"),
    (ProcmonColumn::CommandLine, "Command Line"),
    (ProcmonColumn::Tid, "TID"),
    (ProcmonColumn::Virtualized, "Virtualized"),
    (ProcmonColumn::Integrity, "Integrity"),
    (ProcmonColumn::Category, "Category"),
    (ProcmonColumn::ParentPid, "Parent PID"),
    (ProcmonColumn::Architecture, "Architecture"),
];

impl ProcmonColumn {
    /// Number of columns.
    pub const COUNT: usize = 27;

    /// All columns, in the order in which Process Monitor exports them.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        TITLES.iter().map(|entry| entry.0)
    }

    /// The seven columns that Process Monitor shows by default, in its order.
    pub fn defaults() -> impl ExactSizeIterator<Item = Self> {
        Self::all().take(7)
    }

    /// Whether all events of a process have the same text in this column.
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

    /// The title of the column, as Process Monitor's exports spell it.
    pub fn title(self) -> &'static str {
        TITLES.get(self as usize).map_or("", |entry| entry.1)
    }
}

impl<'a> Event<'a> {
    /// Appends the text of a cell. Relative times count from `first`, the time of the first event of the set.
    ///
    /// The result is [`Decoded::Yes`] for every column but [`ProcmonColumn::Detail`].
    pub fn push_cell(
        &self,
        cell: ProcmonColumn,
        first: FileTime,
        options: &TextOptions,
        out: &mut String,
    ) -> Decoded {
        let start = out.len();
        let mut decoded = Decoded::Yes;
        let text = |out: &mut String, of: fn(Process<'a>) -> WinStr<'a>| {
            if let Some(process) = self.process() {
                of(process).push_to(out);
            }
        };
        let number = |of: fn(Process<'a>) -> i64| self.process().map_or(0, of);
        match cell {
            ProcmonColumn::TimeOfDay => time_of_day(out, self.time(), options),
            ProcmonColumn::ProcessName => text(out, Process::name),
            ProcmonColumn::Pid => value::signed(out, number(|p| p.pid().into())),
            ProcmonColumn::Operation if options.advanced => {
                out.push_str(self.operation().raw_name(self.is_fast_io()));
            }
            ProcmonColumn::Operation => out.push_str(self.operation().name()),
            ProcmonColumn::Path => self.push_path(options, out),
            ProcmonColumn::Result => match self.status().text() {
                Some(text) => out.push_str(text),
                None => value::upper_hex(out, self.status().0.into()),
            },
            ProcmonColumn::Detail => decoded = self.push_detail(options, out),
            ProcmonColumn::DateAndTime => value::date(out, self.time(), options),
            ProcmonColumn::RelativeTime => relative_time(out, self.time().0.wrapping_sub(first.0)),
            ProcmonColumn::Duration => self.duration().into_iter().for_each(|d| value::seconds(out, d.0)),
            ProcmonColumn::CompletionTime => {
                if let Some(duration) = self.duration() {
                    time_of_day(out, FileTime(self.time().0.wrapping_add(duration.0)), options);
                }
            }
            ProcmonColumn::EventClass => out.push_str(self.class().name()),
            ProcmonColumn::Sequence => out.push_str("n/a"),
            ProcmonColumn::ImagePath => text(out, Process::image_path),
            ProcmonColumn::Company => text(out, Process::company),
            ProcmonColumn::Description => text(out, Process::description),
            ProcmonColumn::Version => text(out, Process::version),
            ProcmonColumn::User => text(out, Process::user),
            ProcmonColumn::AuthenticationId => {
                value::luid(out, self.process().map_or(0, Process::authentication_id));
            }
            ProcmonColumn::Session => value::signed(out, number(|p| p.session().into())),
            ProcmonColumn::CommandLine => text(out, Process::command_line),
            ProcmonColumn::Tid => value::decimal(out, self.tid().into()),
            ProcmonColumn::Virtualized => out.push_str(match self.process().map(Process::virtualized) {
                Some(Virtualized::No) | None => "False",
                Some(Virtualized::Yes) => "True",
                Some(Virtualized::NotAvailable(_)) => "n/a",
            }),
            ProcmonColumn::Integrity => text(out, Process::integrity),
            ProcmonColumn::Category => out.push_str(self.category().name()),
            ProcmonColumn::ParentPid => value::signed(out, number(|p| p.parent_pid().into())),
            ProcmonColumn::Architecture => {
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

/// `h:mm:ss.fffffff AM`, or the signed number where the value is not a valid time.
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
    fn titles_are_in_the_order_of_their_columns() {
        for (position, cell) in ProcmonColumn::all().enumerate() {
            assert_eq!(cell as usize, position);
        }
        assert_eq!(ProcmonColumn::Architecture.title(), "Architecture");
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
