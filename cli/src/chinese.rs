//! Messages in Chinese: one table for everything that a command prints to standard error, of whichever layer it comes.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether messages are Chinese. A process that runs several commands chooses again for each.
static IS_CHOSEN: AtomicBool = AtomicBool::new(false);

/// Chooses the language of the messages from here on.
pub(crate) fn choose(is_chinese: bool) {
    IS_CHOSEN.store(is_chinese, Ordering::Relaxed);
}

/// The message in the language that is chosen, line by line. What the table does not have stays as it is.
pub(crate) fn said(message: &str) -> Cow<'_, str> {
    if !IS_CHOSEN.load(Ordering::Relaxed) {
        return Cow::Borrowed(message);
    }
    let lines: Vec<Cow<'_, str>> = message.split('\n').map(|line| translated(line, DEPTH)).collect();
    Cow::Owned(lines.join("\n"))
}

/// How often what stands for a placeholder is looked up in turn: a warning about a file in an archive in a folder, with
/// a reason and a hint, needs six.
const DEPTH: u32 = 12;

const TABLE: &str = include_str!("chinese.tsv");

/// A message of the table.
struct Entry {
    english: Vec<Piece>,
    chinese: &'static str,
    /// Bytes of its own text: of two messages that fit, the one that says more is meant.
    own: usize,
}

impl Entry {
    /// Whether it is but a separator between two parts.
    fn joins(&self) -> bool {
        self.own <= 2
    }
}

#[derive(Clone, Copy)]
enum Piece {
    Text(&'static str),
    Any,
    Number,
}

/// The table, its most specific messages first.
fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        let mut entries: Vec<Entry> = lines
            .filter_map(|line| line.split_once('\t'))
            .map(|(english, chinese)| {
                let english = pieces(english);
                let own =
                    english.iter().map(|piece| if let Piece::Text(text) = piece { text.len() } else { 0 });
                Entry { own: own.sum(), english, chinese }
            })
            .collect();
        entries.sort_by_key(|entry| {
            // What begins with any text would take the beginning of another message for it.
            (!matches!(entry.english.first(), Some(Piece::Text(_))), std::cmp::Reverse(entry.own))
        });
        entries
    })
}

/// The pieces of a message of the table.
fn pieces(mut text: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let next = [("{}", Piece::Any), ("{n}", Piece::Number)];
        let next = next.iter().filter_map(|&(mark, piece)| text.find(mark).map(|at| (at, mark, piece)));
        let Some((at, mark, piece)) = next.min_by_key(|&(at, ..)| at) else {
            pieces.push(Piece::Text(text));
            break;
        };
        let (before, after) = text.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(piece);
        text = after.strip_prefix(mark).unwrap_or_default();
    }
    pieces
}

/// One line in Chinese.
fn translated(line: &str, depth: u32) -> Cow<'_, str> {
    let Some(deeper) = depth.checked_sub(1) else { return Cow::Borrowed(line) };
    let found = entries().iter().find_map(|entry| {
        let held = held(&entry.english, line)?;
        // The end of a line is the end of its last part alone.
        let is_part = !entry.joins() && held.first().is_some_and(|first| first.contains("; "));
        let begins = matches!(entry.english.first(), Some(Piece::Text(_)));
        (begins || !is_part).then_some((entry.chinese, held))
    });
    let Some((chinese, held)) = found else { return Cow::Borrowed(line) };
    let mut text = String::with_capacity(line.len());
    let mut rest = chinese;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((number, after)) = after.split_once('}') else { break };
        let held = number.parse::<usize>().ok().and_then(|number| held.get(number.checked_sub(1)?));
        text.push_str(&translated(held.copied().unwrap_or_default(), deeper));
        rest = after;
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// What stands for the placeholders of a message, if the line is that message.
fn held<'a>(pieces: &[Piece], mut line: &'a str) -> Option<Vec<&'a str>> {
    let mut held = Vec::new();
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        if let Piece::Text(text) = piece {
            line = line.strip_prefix(text)?;
            continue;
        }
        let end = match pieces.peek().copied() {
            None => line.len(),
            // The last text of a message ends the line, so that a path may have the same words in it.
            Some(Piece::Text(text)) if pieces.len() == 1 => line.strip_suffix(text)?.len(),
            Some(Piece::Text(text)) => line.find(text)?,
            Some(_) => return None,
        };
        let (own, rest) = line.split_at(end);
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
        if own.is_empty() || (matches!(piece, Piece::Number) && !is_number(own)) {
            return None;
        }
        held.push(own);
        line = rest;
    }
    line.is_empty().then_some(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn chinese(line: &str) -> String {
        translated(line, DEPTH).into_owned()
    }

    #[test]
    fn a_message_is_found_whole_and_what_it_holds_is_found_in_turn() {
        assert_eq!(chinese("pml: C:\\logs: is a directory"), "pml：C:\\logs: 是一个文件夹");
        assert_eq!(
            chinese("pml: warning: left out: a.zip: b.7z: the checksum is wrong"),
            "pml：警告：已略去: a.zip: b.7z: 校验和不对"
        );
        assert_eq!(
            chinese(
                "pml: warning: the file is cut short: 1,204 events kept (2 doubtful), at least 3 lost; 1 process unknown"
            ),
            "pml：警告：文件被截断: 保留 1,204 个事件（2 个可疑），至少丢失 3 个; 未知 1 个进程"
        );
        assert_eq!(
            chinese("1 event kept, none lost; 3 processes made out of events; 2 processes unknown"),
            "保留 1 个事件，无丢失; 根据事件重建 3 个进程; 未知 2 个进程"
        );
    }

    #[test]
    fn names_of_files_stay_as_they_are() {
        for path in ["/mnt/a: b; c/x", "C:\\is a directory: x", "D:\\3 events", "{}", "{1}", "}{"] {
            assert!(chinese(&format!("pml: {path}: is empty")).contains(path), "{path}");
        }
        assert_eq!(chinese("a line that the table does not have"), "a line that the table does not have");
    }

    #[test]
    fn deep_and_long_messages_end() {
        let long = format!("{}x", "a: ".repeat(50_000));
        assert_eq!(chinese(&long), long);
    }

    #[test]
    fn every_line_of_the_table_has_two_sides_with_the_same_placeholders() {
        let mut seen = BTreeSet::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let (english, chinese) = line.split_once('\t').unwrap_or_else(|| panic!("{line}"));
            assert!(seen.insert(english), "{english} is there twice");
            let count = pieces(english).iter().filter(|piece| !matches!(piece, Piece::Text(_))).count();
            for number in 1..=count {
                assert_eq!(chinese.matches(&format!("{{{number}}}")).count(), 1, "{line}");
            }
            assert_eq!(chinese.matches('{').count(), count, "{line}");
        }
    }
}
