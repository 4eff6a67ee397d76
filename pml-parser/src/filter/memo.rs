//! What a matcher remembers: answers by process and by code, texts of the current event.

use super::test::fold;

/// Entries of a table of answers by code; few codes appear in one log.
const CODES: usize = 64;

/// Answers that all tests together may keep by process.
const PROCESS_ANSWERS: usize = 1 << 26;

/// The answers of one test. Tables are made when the test is first asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// By position of the process in its table.
    processes: Vec<Option<bool>>,
    /// By code, each at one place; a newer code replaces an older one.
    codes: Vec<Option<(u64, bool)>>,
}

impl Answers {
    /// The place for the answer about the process at `position`, one of `count`. A log with absurdly
    /// many processes gets no table.
    pub(super) fn of_process(
        &mut self,
        position: u32,
        count: u32,
        tests: usize,
    ) -> Option<&mut Option<bool>> {
        let count = count as usize;
        if self.processes.len() != count {
            if count.saturating_mul(tests) > PROCESS_ANSWERS {
                return None;
            }
            self.processes.clear();
            self.processes.resize(count, None);
        }
        self.processes.get_mut(position as usize)
    }

    /// Forgets everything about processes: those of another log follow.
    pub(super) fn forget_processes(&mut self) {
        self.processes.clear();
    }

    /// The place of a code.
    pub(super) fn of_code(&mut self, code: u64) -> Option<&mut Option<(u64, bool)>> {
        if self.codes.is_empty() {
            self.codes.resize(CODES, None);
        }
        // Codes differ in low bits as well as in high ones (severity, class).
        let mixed = (code ^ code >> 24).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        self.codes.get_mut(mixed as usize % CODES)
    }
}

/// A text of an event, made at most once.
#[derive(Clone, Debug, Default)]
pub(super) struct EventText {
    /// Number of the event it is of.
    event: u64,
    /// Whether that event has such a text.
    is_there: bool,
    /// Whether `raw` and `is_there` are of that event.
    is_made: bool,
    is_folded: bool,
    raw: String,
    folded: Vec<u8>,
}

impl EventText {
    /// Forgets the text of any other event.
    fn begin(&mut self, event: u64) {
        if self.event != event {
            (self.event, self.is_made, self.is_folded) = (event, false, false);
        }
    }

    /// Makes the text of event number `event`, unless it is the text held here; `write` appends the
    /// text and returns whether there is one.
    pub(super) fn fill(&mut self, event: u64, write: impl FnOnce(&mut String) -> bool) -> &mut Self {
        self.begin(event);
        if !self.is_made {
            self.is_made = true;
            self.raw.clear();
            self.is_there = write(&mut self.raw);
        }
        self
    }

    /// Whether the text of event number `event` is held here, folded.
    pub(super) fn is_folded(&self, event: u64) -> bool {
        self.event == event && self.is_folded
    }

    /// Folds the ASCII text of event number `event`. The text itself is not made.
    pub(super) fn fold_ascii(&mut self, event: u64, ascii: &[u8]) {
        self.begin(event);
        (self.is_folded, self.is_there) = (true, true);
        self.folded.clear();
        self.folded.extend_from_slice(ascii);
        self.folded.make_ascii_lowercase();
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// The text as it is.
    pub(super) fn raw(&self) -> Option<&str> {
        self.is_there.then_some(&self.raw)
    }

    /// The text, folded.
    pub(super) fn folded(&mut self) -> Option<&[u8]> {
        if !self.is_folded {
            self.is_folded = true;
            self.folded.clear();
            fold(&self.raw, &mut self.folded);
        }
        self.is_there.then_some(&self.folded)
    }

    /// The text will be made again even for the same event.
    pub(super) fn forget(&mut self) {
        self.event = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_share_places_without_harm() {
        let mut answers = Answers::default();
        for code in 0..1_000_u64 {
            *answers.of_code(code << 20).unwrap() = Some((code << 20, true));
            assert_eq!(answers.of_code(code << 20), Some(&mut Some((code << 20, true))));
        }
        assert_eq!(answers.codes.len(), CODES);
    }

    #[test]
    fn tables_of_processes_have_a_limit() {
        let mut answers = Answers::default();
        assert!(answers.of_process(0, u32::MAX, 1).is_none());
        assert!(answers.of_process(9, 10, 1).is_some());
        assert!(answers.of_process(10, 10, 1).is_none());
    }

    #[test]
    fn a_text_is_made_once() {
        let mut text = EventText::default();
        let write = |out: &mut String| {
            out.push('A');
            true
        };
        assert_eq!(text.fill(1, write).folded(), Some(&b"a"[..]));
        assert_eq!(text.fill(1, |_| panic!("made twice")).raw(), Some("A"));
        assert_eq!(text.fill(2, |_| false).folded(), None);
        text.fold_ascii(3, b"B");
        assert!(text.is_folded(3) && !text.is_folded(2));
        assert_eq!(text.folded(), Some(&b"b"[..]));
        assert_eq!(text.fill(3, write).raw(), Some("A"), "made where the text itself is wanted");
    }
}
