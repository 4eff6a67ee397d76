//! The text for a mail or a ticket: four paragraphs, a greeting and the number of the case before them.

use super::case::CaseReport;
use super::model::Report;
use super::printable::printable;
use crate::knowledge::{Knowledge, MailTexts};
use crate::language::Language;

/// What a text for a mail begins with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Letter<'a> {
    /// The words before it, such as `Dear Ms Li,`.
    pub greeting: Option<&'a str>,
    /// The number of the case in the system of its owner.
    pub case_number: Option<&'a str>,
}

impl Letter<'_> {
    fn address(self, mail: &mut String, knowledge: &Knowledge, language: Language) {
        let label = knowledge.labels.report.mail.case_number.get(language);
        let greeting = self.greeting.map(|greeting| format!("{}\n\n", printable(greeting)));
        let number = self.case_number.map(|number| format!("【{label}】\n{}\n", printable(number)));
        let before: String = greeting.into_iter().chain(number).collect();
        mail.insert_str(0, &before);
    }
}

impl Report {
    /// Puts greeting and number of the case before the text for a mail.
    pub fn address(&mut self, letter: Letter<'_>, knowledge: &Knowledge) {
        letter.address(&mut self.mail, knowledge, self.language);
    }
}

impl CaseReport {
    /// Puts greeting and number of the case before the text for a mail.
    pub fn address(&mut self, letter: Letter<'_>, knowledge: &Knowledge) {
        letter.address(&mut self.mail, knowledge, self.language);
    }
}

/// The four paragraphs: problem, analysis, next steps, conclusion.
pub(super) fn paragraphs(texts: &MailTexts, language: Language, paragraphs: [&str; 4]) -> String {
    let names = [&texts.problem, &texts.analysis, &texts.next_steps, &texts.conclusion];
    let paragraph =
        |(name, text): (&&crate::language::Text, &str)| format!("【{}】\n{text}", name.get(language));
    names.iter().zip(paragraphs).map(paragraph).collect::<Vec<_>>().join("\n")
}
