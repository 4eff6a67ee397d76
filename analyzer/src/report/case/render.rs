//! Reports on cases, rendered by templates. A page for a browser holds the pages of its boot logs.

use super::model::CaseReport;
use crate::knowledge::Knowledge;
use crate::logs::Signatures;
use crate::report::printable::printable_lines;
use crate::report::redact::Redactor;
use crate::report::render::{Format, Screen, render, value_of};
use std::collections::BTreeMap;

impl CaseReport {
    /// Renders the report, without personal data where there is a redactor.
    ///
    /// # Errors
    /// When a template fails, which is a mistake in the program or in custom labels.
    pub fn render(
        &self,
        signatures: &Signatures,
        knowledge: &Knowledge,
        format: Format,
        screen: Screen,
        redactor: Option<&Redactor>,
    ) -> Result<String, String> {
        let template = match format {
            Format::Text => ("case.txt", include_str!("../../../templates/case.txt")),
            Format::Markdown => ("case.md", include_str!("../../../templates/case.md")),
            Format::Html => ("case.html", include_str!("../../../templates/case.html")),
        };
        let labels: BTreeMap<String, String> = signatures
            .labels()
            .map(|(key, text)| (key.to_owned(), printable_lines(text.get(self.language))))
            .collect();
        let pages =
            self.captures.iter().map(|capture| capture.render_redacted(knowledge, format, screen, redactor));
        let pages = pages.collect::<Result<Vec<_>, _>>()?;
        // The pages are whole: they hold the data of the boot logs.
        let data = value_of(&Self { captures: Vec::new(), ..self.clone() }, redactor)?;
        render(template, data, labels, &pages, format, screen)
    }
}
