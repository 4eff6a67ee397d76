//! Reports on cases, rendered by templates. A page for a browser holds the pages of its boot logs.

use super::model::CaseReport;
use crate::knowledge::Knowledge;
use crate::logs::Signatures;
use crate::report::printable::printable_lines;
use crate::report::render::{Format, Paint, render};
use std::collections::BTreeMap;

impl CaseReport {
    /// Renders the report.
    ///
    /// # Errors
    /// When a template fails, which is a mistake in the program or in custom labels.
    pub fn render(
        &self,
        signatures: &Signatures,
        knowledge: &Knowledge,
        format: Format,
        paint: Paint,
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
        let pages = self.captures.iter().map(|capture| capture.render(knowledge, format, paint));
        let pages = pages.collect::<Result<Vec<_>, _>>()?;
        // The pages are whole: they hold the data of the boot logs.
        let data =
            serde_json::to_value(Self { captures: Vec::new(), ..self.clone() }).map_err(|e| e.to_string())?;
        render(template, data, labels, &pages, format, paint)
    }
}
