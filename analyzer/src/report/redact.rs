//! Personal data in reports: names of computers and users, addresses and SIDs give way to numbered names, the same
//! name everywhere.

use serde_json::Value;
use std::collections::BTreeMap;

/// Folders whose next part is the name of a user.
const HOMES: [&str; 4] = [r"\users\", "/users/", "/home/", r"\documents and settings\"];

/// Names below these folders that are nobody's.
const NOBODY: [&str; 7] =
    ["public", "default", "default user", "all users", "administrator", "system", "defaultaccount"];

/// What begins before the name of a computer.
const HOSTS: [&str; 3] = ["://", r"\\", "//"];

/// Words before a number in the form of an address that is a version.
const VERSIONS: [&str; 5] = ["version ", "version: ", "版本: ", "版本 ", "version="];

/// Shortest name that is replaced: a shorter one occurs in words.
const SHORTEST: usize = 3;

/// Replaces personal data, the same by the same.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// Names in lower case, and what replaces each.
    names: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Redactor {
    /// Learns the names in a report, beside those of the computers that are known.
    ///
    /// # Errors
    /// When the report cannot be serialized, which is a mistake in the program.
    pub fn new(report: &impl serde::Serialize, computers: &[String]) -> Result<Self, String> {
        let mut redactor = Self::default();
        for computer in computers {
            redactor.learn("COMPUTER", computer);
            redactor.learn("COMPUTER", computer.split('.').next().unwrap_or_default());
        }
        redactor.read(&serde_json::to_value(report).map_err(|e| e.to_string())?);
        Ok(redactor)
    }

    /// The report without personal data.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn redacted(&self, report: &impl serde::Serialize) -> Result<Value, String> {
        let mut value = serde_json::to_value(report).map_err(|e| e.to_string())?;
        self.clean(&mut value);
        Ok(value)
    }

    fn learn(&mut self, kind: &'static str, name: &str) {
        let name = name.trim().to_lowercase();
        let is_number = name.bytes().all(|b| b.is_ascii_digit());
        if name.chars().count() < SHORTEST || is_number || self.names.contains_key(&name) {
            return;
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        self.names.insert(name, format!("{kind}-{count}"));
    }

    fn read(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.read_text(text),
            Value::Array(values) => values.iter().for_each(|value| self.read(value)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(name) if key == "computer" => self.learn("COMPUTER", name),
                        _ => self.read(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn read_text(&mut self, text: &str) {
        let lower = text.to_lowercase();
        let ends =
            |c: char| matches!(c, '\\' | '/' | '"' | '\'' | '<' | '>' | '|' | ':' | '*' | '?' | ',' | ';');
        for home in HOMES {
            for (at, _) in lower.match_indices(home) {
                let rest = lower.get(at + home.len()..).unwrap_or_default();
                let name = rest.split(ends).next().unwrap_or_default();
                if !NOBODY.contains(&name) && rest.len() > name.len() {
                    self.learn("USER", name);
                }
            }
        }
        for before in HOSTS {
            for (at, _) in lower.match_indices(before) {
                let rest = lower.get(at + before.len()..).unwrap_or_default();
                let host = rest
                    .split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)))
                    .next()
                    .unwrap_or_default();
                // `\\?\` is no computer, and pages of Microsoft are nobody's.
                if !host.ends_with("microsoft.com")
                    && !host.ends_with("windowsupdate.com")
                    && !host.is_empty()
                {
                    let followed = rest
                        .get(host.len()..)
                        .is_some_and(|rest| rest.starts_with(['\\', '/', ':', '"']) || rest.is_empty());
                    if followed && !HOMES.iter().any(|home| home.trim_matches(['\\', '/']) == host) {
                        self.learn("ADDRESS", host);
                    }
                }
            }
        }
        for token in lower.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.@+".contains(c))) {
            let token = token.trim_matches(['.', '-']);
            let is_mail =
                token.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
            if is_mail {
                self.learn("ADDRESS", token);
            } else if token.starts_with("s-1-5-21-") {
                self.learn("SID", token);
            }
        }
        for (at, token) in tokens(&lower, |c| c.is_ascii_digit() || c == '.') {
            let before = lower.get(..at).unwrap_or_default();
            let is_name = before.ends_with(|c: char| c.is_alphanumeric() || "~_-".contains(c));
            if is_ipv4(token) && !is_name && !VERSIONS.iter().any(|word| before.ends_with(word)) {
                self.learn("ADDRESS", token);
            }
        }
        for (_, token) in tokens(&lower, |c| c.is_ascii_hexdigit() || c == ':') {
            if token.matches(':').count() >= 4 && token.split(':').all(|part| part.len() <= 4) {
                self.learn("ADDRESS", token.trim_matches(':'));
            }
        }
    }

    fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.clean(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.clean(value)),
            _ => {}
        }
    }

    /// A text without personal data.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // Longer names first: one may be a part of another.
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, replacement) in names {
            text = replace_word(&text, name, replacement);
        }
        text
    }
}

/// Runs of characters, each with its place.
fn tokens(text: &str, is_part: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(move |c| !is_part(c)).filter_map(move |token| {
        let begin = at;
        let after = text.get(begin + token.len()..)?;
        at = begin + token.len() + after.chars().next().map_or(1, char::len_utf8);
        (!token.is_empty()).then_some((begin, token))
    })
}

fn is_ipv4(token: &str) -> bool {
    let parts: Vec<&str> = token.trim_end_matches('.').split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

/// Replaces a name in lower case where it is no part of a longer word.
fn replace_word(text: &str, name: &str, replacement: &str) -> String {
    let lower = text.to_lowercase();
    // Lower case may have other lengths: such a text is compared as it is.
    let searched = if lower.len() == text.len() { lower.as_str() } else { text };
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (at, _) in searched.match_indices(name) {
        let end = at + name.len();
        let is_in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let before = searched.get(..at).and_then(|text| text.chars().next_back());
        let after = searched.get(end..).and_then(|text| text.chars().next());
        if at < done || is_in_word(before) || is_in_word(after) {
            continue;
        }
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(replacement);
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(texts: &[&str]) -> Vec<String> {
        let redactor = Redactor::new(&texts, &["BRANCH-PC.example.com".to_owned()]).unwrap_or_default();
        texts.iter().map(|text| redactor.text(text)).collect()
    }

    #[test]
    fn the_same_name_is_replaced_by_the_same() {
        let texts = redacted(&[
            r"C:\Users\zhang.san\AppData\Local\x.log",
            "branch-pc says: Zhang.San logged on to BRANCH-PC.example.com",
            "http://wsus01.corp.example:8530/ClientWebService from 192.0.2.22 and S-1-5-21-1-2-3-1001",
            r"\\fileserver\share and wsus01.corp.example, mail li@example.com, fe80::1:2:3:4",
        ]);
        assert_eq!(texts[0], r"C:\Users\USER-1\AppData\Local\x.log");
        assert_eq!(texts[1], "COMPUTER-2 says: USER-1 logged on to COMPUTER-1");
        assert_eq!(texts[2], "http://ADDRESS-1:8530/ClientWebService from ADDRESS-2 and SID-1");
        assert_eq!(texts[3], r"\\ADDRESS-3\share and ADDRESS-1, mail ADDRESS-4, ADDRESS-5");
    }

    #[test]
    fn versions_times_and_paths_of_windows_stay() {
        for text in [
            "Package_2_for_KB5032196~31bf3856ad364e35~amd64~~10.0.1.11",
            "10.0.17763.1879 at 2024/8/1:03:02:56.604, 11:02:50",
            r"\\?\C:\Windows\WinSxS\x, \??\C:\Windows, C:\Users\Public\x",
            "Version: 10.0.1.1",
            "https://learn.microsoft.com/windows-server/x",
        ] {
            assert_eq!(redacted(&[text]), [text]);
        }
    }
}
