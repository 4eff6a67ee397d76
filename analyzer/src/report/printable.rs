//! Makes untrusted text safe to print on a terminal or in a ticket.

/// Replaces characters that a terminal obeys or that make one text look like another: control characters
/// (line feeds too), marks that change the direction of writing, and Unicode's line separators.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { '\u{FFFD}' } else { c }).collect()
}

fn is_obeyed(c: char) -> bool {
    let changes_direction = matches!(
        c,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    );
    // C0, DEL and C1 are control characters.
    c.is_control() || changes_direction || matches!(c, '\u{2028}' | '\u{2029}')
}

/// [`printable`] for each line of a text: line feeds are kept.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(printable("a\u{1b}[31mb\r\u{202E}c"), "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}c");
        assert_eq!(printable_lines("a\nb\u{8}\n"), "a\nb\u{FFFD}\n");
        let replaced: Vec<u32> =
            (0..=0x10_FFFF).filter_map(char::from_u32).filter(|&c| is_obeyed(c)).map(u32::from).collect();
        let wanted = (0..0x20).chain(0x7F..0xA0).chain([0x61C, 0x200E, 0x200F, 0x2028, 0x2029]);
        let wanted = wanted.chain(0x202A..0x202F).chain(0x2066..0x206A);
        assert_eq!(replaced, wanted.collect::<Vec<_>>());
    }
}
