//! Fields of messages: the text after a marker, literals in quotes, KB numbers, identifiers.

/// What follows a marker.
pub(crate) fn after<'t>(text: &'t str, marker: &str) -> Option<&'t str> {
    let at = memchr::memmem::find(text.as_bytes(), marker.as_bytes())?;
    text.get(at + marker.len()..)
}

/// The text between a marker and the first of some ends, or the end of the line.
pub(crate) fn between<'t>(text: &'t str, marker: &str, ends: &[char]) -> Option<&'t str> {
    Some(until(after(text, marker)?, ends))
}

/// The beginning of a text: at most `most` bytes, and no part of a character.
pub(crate) fn prefix(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A text up to the first of some ends, or the end of the line, without blanks around it.
pub(crate) fn until<'t>(text: &'t str, ends: &[char]) -> &'t str {
    let end = text.find(|c| ends.contains(&c) || matches!(c, '\r' | '\n')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim()
}

/// The field `name: value` of a message whose fields are separated by commas.
pub(crate) fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = text;
    loop {
        let at = memchr::memmem::find(rest.as_bytes(), name.as_bytes())?;
        let begins = rest.get(..at).is_some_and(|before| {
            before.chars().next_back().is_none_or(|c| matches!(c, ' ' | ',' | '(' | '\n' | '\t'))
        });
        let next = rest.get(at + name.len()..)?;
        if let (true, Some(value)) = (begins, next.strip_prefix(": ").or_else(|| next.strip_prefix(':'))) {
            return Some(until(value, &[',', '[']));
        }
        rest = next;
    }
}

/// A counted literal of a CSI message, `[l:16]'text'` or `[l:88{44}]"text"`, after a place in it.
pub(crate) fn literal(text: &str) -> Option<&str> {
    let start = after(text, "[l:")?;
    let start = after(start, "]")?;
    let quote = start.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = start.get(1..)?;
    inner.get(..inner.find(quote)?)
}

/// All KB numbers in a text: `KB` and six or seven digits, with no letter or digit beside them. A vendor's
/// `CKB2022010401` is none.
pub(crate) fn kbs(text: &str) -> impl Iterator<Item = String> + '_ {
    text.match_indices(['K', 'k']).filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let is_kb = rest.get(..2)?.eq_ignore_ascii_case("KB");
        let before = text.get(..at)?.chars().next_back();
        let digits = rest.get(2..)?;
        let length = digits.bytes().take(8).take_while(u8::is_ascii_digit).count();
        let alone = before.is_none_or(|c| !c.is_ascii_alphanumeric());
        (is_kb && alone && (6..=7).contains(&length))
            .then(|| format!("KB{}", digits.get(..length).unwrap_or_default()))
    })
}

/// The first KB number in a text.
pub(crate) fn kb(text: &str) -> Option<String> {
    kbs(text).next()
}

/// The first GUID in a text, in capitals and without braces.
pub(crate) fn guid(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'-', bytes).find_map(|dash| {
        let start = dash.checked_sub(8)?;
        let candidate = text.get(start..start + 36)?;
        let fits = candidate.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
        let alone = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric());
        let ends = alone(bytes.get(start + 36)) && alone(start.checked_sub(1).and_then(|at| bytes.get(at)));
        (fits && ends).then(|| candidate.to_ascii_uppercase())
    })
}

/// `build.revision` of a version: `10.0.19044.3031`, or `19044.3031`.
pub(crate) fn build(text: &str) -> Option<(u32, u32)> {
    let numbers: Vec<Option<u32>> = text
        .trim()
        .split('.')
        .map(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            part.get(..digits)?.parse().ok()
        })
        .collect();
    match numbers[..] {
        [Some(_), Some(_), Some(build), Some(revision), ..] => Some((build, revision)),
        [Some(build), Some(revision)] if build > 1000 => Some((build, revision)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found() {
        let line = "WER: Generating failure report for package: P~1, status: 0x800f0921, failure source: CSI Other, start state: Staged, client id: X";
        assert_eq!(field(line, "package"), Some("P~1"));
        assert_eq!(field(line, "failure source"), Some("CSI Other"));
        assert_eq!(field(line, "client id"), Some("X"));
        assert_eq!(field(line, "source"), Some("CSI Other"));
        assert_eq!(field(line, "absent"), None);
        assert_eq!(field("Session: 1_2, Package: A [HRESULT = 0]", "Package"), Some("A"));
        assert_eq!(literal("on:[l:118]'\\??\\C:\\x'; a"), Some("\\??\\C:\\x"));
        assert_eq!(literal("[l:88{44}]\"text\" more"), Some("text"));
        assert_eq!(literal("[l:8 b:31bf]"), None);
    }

    #[test]
    fn kb_numbers_stand_alone() {
        let all: Vec<String> = kbs("CKB2022010401 (KB5032196) kb4494174,KB12345 KB12345678").collect();
        assert_eq!(all, ["KB5032196", "KB4494174"]);
        assert_eq!(kb("Package_2_for_KB5032196~31bf").as_deref(), Some("KB5032196"));
    }

    #[test]
    fn identifiers_and_builds() {
        let guid = |text| super::guid(text);
        assert_eq!(
            guid("{240b3ab9-0000-4111-9222-333344445555}.200").as_deref(),
            Some("240B3AB9-0000-4111-9222-333344445555")
        );
        assert_eq!(
            guid("idUpdate=AABBCCDD-0000-4000-8000-112233445566.200").as_deref(),
            Some("AABBCCDD-0000-4000-8000-112233445566")
        );
        assert_eq!(guid("a-b-c-é-"), None);
        assert_eq!(build("10.0.19044.3031"), Some((19044, 3031)));
        assert_eq!(build("17763.774"), Some((17763, 774)));
        assert_eq!(build("1.2"), None);
    }
}
