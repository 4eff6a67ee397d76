//! Reports rendered by templates. What comes from a log is escaped for where it goes: HTML by the
//! template engine, terminals by leaving out control characters.

use super::model::Report;
use super::printable::{printable, printable_lines};
use super::redact::Redactor;
use crate::knowledge::Knowledge;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error};
use serde::Serialize;
use std::collections::BTreeMap;

/// A format of reports that is made by a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For tickets.
    Markdown,
    /// One file for a browser, ready to be mailed.
    Html,
}

/// Whether a text has colours for a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// It has none.
    Plain,
    /// It has colours, by ANSI sequences.
    Ansi,
}

/// Columns of a text that does not go to a terminal.
const WIDTH: usize = 100;

/// The fewest columns that a text is laid out for: paths and labels need some room.
const NARROWEST: usize = 60;

/// Where a text goes to: what it may have, and how much of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Whether it has colours.
    pub paint: Paint,
    /// How many columns it is wide.
    pub columns: usize,
    /// Whether only the first screen of the report is wanted, which answers what most readers ask.
    pub is_short: bool,
}

impl From<Paint> for Screen {
    fn from(paint: Paint) -> Self {
        Self { paint, columns: WIDTH, is_short: false }
    }
}

impl Report {
    /// Renders the report.
    ///
    /// # Errors
    /// When the template fails, which is a mistake in the program or in custom labels.
    pub fn render(
        &self,
        knowledge: &Knowledge,
        format: Format,
        screen: impl Into<Screen>,
    ) -> Result<String, String> {
        self.render_redacted(knowledge, format, screen.into(), None)
    }

    /// Renders the report, without personal data where there is a redactor.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_redacted(
        &self,
        knowledge: &Knowledge,
        format: Format,
        screen: Screen,
        redactor: Option<&Redactor>,
    ) -> Result<String, String> {
        let (name, source) = match format {
            Format::Text => ("report.txt", include_str!("../../templates/report.txt")),
            Format::Markdown => ("report.md", include_str!("../../templates/report.md")),
            Format::Html => ("report.html", include_str!("../../templates/report.html")),
        };
        let label = |(key, text): (&String, &crate::language::Text)| {
            // Custom labels come from a file too.
            (key.clone(), printable_lines(text.get(self.language)))
        };
        let labels: BTreeMap<String, String> = knowledge.labels.templates.iter().map(label).collect();
        // Harmless failures, most of a report, are listed in HTML alone.
        let data = match format {
            Format::Html => value_of(self, redactor),
            Format::Text | Format::Markdown => {
                let failures =
                    self.failures.iter().filter(|failure| failure.noise.is_none()).cloned().collect();
                value_of(&Self { failures, ..self.clone() }, redactor)
            }
        };
        render((name, source), data?, labels, &[], format, screen)
    }
}

/// A report as data, without personal data where there is a redactor.
pub(super) fn value_of(
    report: &impl Serialize,
    redactor: Option<&Redactor>,
) -> Result<serde_json::Value, String> {
    match redactor {
        Some(redactor) => redactor.redacted(report),
        None => serde_json::to_value(report).map_err(|e| e.to_string()),
    }
}

/// Renders a template with data, labels, and pages that are whole already.
pub(super) fn render(
    (name, source): (&str, &str),
    mut data: serde_json::Value,
    labels: BTreeMap<String, String>,
    pages: &[String],
    format: Format,
    screen: Screen,
) -> Result<String, String> {
    make_printable(&mut data);
    let context = minijinja::context! { t => labels, pages => pages.to_vec(), is_short => screen.is_short, ..Value::from(minijinja::value::Serde(data)) };
    environment(format, screen).render_named_str(name, source, context).map_err(|e| e.to_string())
}

fn environment(format: Format, screen: Screen) -> Environment<'static> {
    let (paint, columns_wide) = (screen.paint, screen.columns.max(NARROWEST));
    let mut environment = Environment::new();
    let html = format == Format::Html;
    environment.set_auto_escape_callback(move |_| if html { AutoEscape::Html } else { AutoEscape::None });
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("wrap", move |text: &str, indent: usize| wrap(text, indent, columns_wide));
    environment.add_filter("rule", move |mark: &str| mark.repeat(columns_wide));
    environment.add_filter("pad", |text: &str, width: usize| {
        let missing = width.saturating_sub(columns(text));
        format!("{text}{}", " ".repeat(missing))
    });
    environment.add_filter("paint", move |text: &str, style: &str| match paint {
        Paint::Plain => text.to_owned(),
        Paint::Ansi => painted(text, style),
    });
    environment.add_filter("plain", |text: &str| printable(text));
    environment.add_filter("seconds", |number: Value| number_of(&number).map(|n| format!("{n:.1} s")));
    environment
        .add_filter("percent", |number: Value| number_of(&number).map(|n| format!("{:.0} %", n * 100.0)));
    environment.add_filter("count", |number: Value| number_of(&number).map(|n| grouped(n as u64)));
    environment.add_filter("bytes", |number: Value| number_of(&number).map(bytes));
    environment.add_filter("code", |text: &str| code(text));
    environment.add_filter("cell", |text: &str| cell(text));
    environment
}

fn number_of(value: &Value) -> Result<f64, Error> {
    match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()),
        _ => Err(Error::new(minijinja::ErrorKind::InvalidOperation, "not a number")),
    }
}

/// Leaves out of all texts what a terminal would obey, or what makes a name look like another.
fn make_printable(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = printable(text),
        serde_json::Value::Array(values) => values.iter_mut().for_each(make_printable),
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                // The only texts with several lines; the paths and names in them are printable.
                match value {
                    serde_json::Value::String(text) if key == "mail" => *text = printable_lines(text),
                    _ => make_printable(value),
                }
            }
        }
        _ => {}
    }
}

fn painted(text: &str, style: &str) -> String {
    let code = match style {
        "bad" => "1;31",
        "warn" => "33",
        "good" => "32",
        "bold" => "1",
        "dim" => "2",
        _ => return text.to_owned(),
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Columns that a character takes: ideographs and full-width forms take two.
fn width(c: char) -> usize {
    let wide = matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}' | '\u{20000}'..='\u{3FFFD}');
    1 + usize::from(wide)
}

fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Breaks a text into lines; the first begins at column `indent`, the others are indented as far. Words
/// are not broken, lines may break between any ideographs.
fn wrap(text: &str, indent: usize, columns_wide: usize) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
        }
        let mut column = indent;
        let mut word = String::new();
        let mut put = |out: &mut String, word: &mut String, space: bool| {
            if word.is_empty() {
                return;
            }
            let needed = columns(word) + usize::from(space);
            if column > indent && column + needed > columns_wide {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
            } else if space && column > indent {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += columns(word);
            word.clear();
        };
        let mut space = false;
        for c in line.chars() {
            if c == ' ' {
                put(&mut out, &mut word, space);
                space = true;
            } else if width(c) == 2 {
                let owed = space && word.is_empty();
                put(&mut out, &mut word, space);
                word.push(c);
                put(&mut out, &mut word, owed);
                space = false;
            } else {
                word.push(c);
            }
        }
        put(&mut out, &mut word, space);
    }
    out
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn bytes(number: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut number, mut unit) = (number, 0);
    while number >= 1024.0 && unit + 1 < UNITS.len() {
        number /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 { 0 } else { 2 };
    format!("{number:.digits$} {}", UNITS[unit])
}

/// A code span of Markdown: as many backticks around it as it takes.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    // A bar ends a cell even inside a code span.
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A text of Markdown in which nothing is markup, nor an address that becomes a link by itself.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' | '$' | '@' => {
                out.push('\\');
                out.push(c);
            }
            '/' if out.ends_with(':') => out.push_str("\\/"),
            '.' if out.ends_with("www") => out.push_str("\\."),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_a_terminal() {
        let text = "word ".repeat(60);
        for line in wrap(text.trim(), 4, WIDTH).lines() {
            assert!(columns(line) <= WIDTH, "{line}");
        }
        assert_eq!(wrap(text.trim(), 4, WIDTH).split_whitespace().count(), 60);
        assert_eq!(wrap("a b", 2, WIDTH), "a b");
        assert_eq!(wrap("a\nb", 2, WIDTH), "a\n  b");
        let ideographs = "更新已被回滚".repeat(20);
        assert!(wrap(&ideographs, 0, WIDTH).lines().all(|line| columns(line) <= WIDTH));
        assert_eq!(wrap(&ideographs, 0, WIDTH).replace('\n', ""), ideographs);
        assert_eq!(wrap("文件 a.dll 缺失", 0, WIDTH), "文件 a.dll 缺失");
        assert!(wrap(text.trim(), 4, 70).lines().all(|line| columns(line) <= 70));
        assert!(wrap(text.trim(), 4, 70).lines().count() > wrap(text.trim(), 4, 140).lines().count());
    }

    #[test]
    fn markdown_shows_text_as_it_is() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(cell("<b>|*"), "&lt;b&gt;\\|\\*");
        assert_eq!(cell("http://a www.b c@d"), "http:\\//a www\\.b c\\@d");
        assert_eq!(
            (grouped(1234567), grouped(12), bytes(1536.0)),
            ("1,234,567".into(), "12".into(), "1.50 KiB".into())
        );
    }
}
