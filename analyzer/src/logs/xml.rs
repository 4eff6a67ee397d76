//! The little of XML that Windows writes into event exports and pending.xml: tags, attributes, text.

use std::borrow::Cow;

/// A piece of an XML text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// `<name attributes>`; whether it closes itself.
    Open(&'a str, &'a str, bool),
    /// `</name>`
    Close(&'a str),
    /// The text between tags.
    Text(&'a str),
}

/// The pieces of an XML text in order. Comments, declarations and what is no XML are left out.
pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

/// Name without the prefix of a namespace.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Where a tag ends that begins at the start of a text: the `>` outside of quotes.
fn tag_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        at += memchr::memchr3(b'>', b'"', b'\'', bytes.get(at..)?)?;
        match *bytes.get(at)? {
            b'>' => return Some(at),
            quote => at += 2 + memchr::memchr(quote, bytes.get(at + 1..)?)?,
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let open = memchr::memchr(b'<', self.rest.as_bytes()).unwrap_or(self.rest.len());
            if open > 0 {
                let (text, rest) = self.rest.split_at(open);
                self.rest = rest;
                return Some(Token::Text(text));
            }
            let skipped = [("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">")]
                .into_iter()
                .find(|(start, _)| self.rest.starts_with(start));
            if let Some((start, end)) = skipped {
                let inner = self.rest.get(start.len()..)?;
                let length = inner.find(end)?;
                self.rest = inner.get(length + end.len()..)?;
                if start == "<![CDATA[" {
                    return Some(Token::Text(inner.get(..length)?));
                }
                continue;
            }
            let end = tag_end(self.rest)?;
            let inner = self.rest.get(1..end)?;
            self.rest = self.rest.get(end + 1..)?;
            if let Some(name) = inner.strip_prefix('/') {
                return Some(Token::Close(local(name.trim())));
            }
            let (inner, closes) = match inner.strip_suffix('/') {
                Some(inner) => (inner, true),
                None => (inner, false),
            };
            let length = inner.find(|c: char| c.is_ascii_whitespace()).unwrap_or(inner.len());
            let (name, attributes) = inner.split_at(length);
            return Some(Token::Open(local(name), attributes, closes));
        }
    }
}

/// The value of an attribute.
pub(crate) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut rest = attributes;
    loop {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let inner = value.get(1..)?;
        let end = inner.find(quote)?;
        if key.trim() == name {
            return inner.get(..end).map(unescape);
        }
        rest = inner.get(end + 1..)?;
    }
}

/// A text with its entities replaced; unknown ones stay.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let end = after.bytes().take(10).position(|b| b == b';');
        let c = end.and_then(|end| match after.get(..end)? {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            number => {
                let digits = number.strip_prefix('#')?;
                let code = match digits.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => digits.parse().ok()?,
                };
                char::from_u32(code)
            }
        });
        match (c, end) {
            (Some(c), Some(end)) => {
                plain.push(c);
                rest = after.get(end + 1..).unwrap_or_default();
            }
            _ => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_attributes_and_text() {
        let text = "<?xml version='1.0'?><a:E x='1>2' y = \"&amp;&#x41;\"><!-- <no> --><Data/>t&lt;</a:E> <![CDATA[<raw>]]>";
        let tokens: Vec<Token<'_>> = Tokens::new(text).collect();
        assert_eq!(
            tokens,
            [
                Token::Open("E", " x='1>2' y = \"&amp;&#x41;\"", false),
                Token::Open("Data", "", true),
                Token::Text("t&lt;"),
                Token::Close("E"),
                Token::Text(" "),
                Token::Text("<raw>"),
            ]
        );
        assert_eq!(attribute(" x='1>2' y = \"&amp;&#x41;\"", "y").as_deref(), Some("&A"));
        assert_eq!(attribute(" x='1'", "z"), None);
        assert_eq!(unescape("a&b;&unknown;&#0;&#xD800;&"), "a&b;&unknown;\0&#xD800;&");
    }

    #[test]
    fn what_is_no_xml_ends_somewhere() {
        for text in ["<", "<a", "<a b='", "<!--", "</", "<?", "a<b c=\"d>", "<>", "</>", "</ >"] {
            assert!(Tokens::new(text).count() < 4, "{text}");
        }
    }
}
