//! From the text of an expression to its words.

/// What a piece of an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lexeme<'t> {
    /// A word without quotes: a column, an operator, or a simple value.
    Word(&'t str),
    /// A text in quotes, without them.
    Quoted(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Compare(Compare),
    Open,
    Close,
    Comma,
    End,
}

/// An operator made of signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Operators that are words, but for those that join comparisons.
pub(super) static OPERATORS: [&str; 7] =
    ["is", "in", "between", "contains", "starts_with", "ends_with", "matches"];

/// A piece of an expression and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub lexeme: Lexeme<'t>,
    pub position: usize,
}

/// A text that does not end, or a sign that means nothing: its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LexError {
    OpenQuote(usize),
    Exclamation(usize),
}

/// The signs, longest first.
static SIGNS: [(&str, Lexeme<'static>); 11] = [
    ("<=", Lexeme::Compare(Compare::LessOrEqual)),
    (">=", Lexeme::Compare(Compare::GreaterOrEqual)),
    ("<>", Lexeme::Compare(Compare::NotEqual)),
    ("!=", Lexeme::Compare(Compare::NotEqual)),
    ("==", Lexeme::Compare(Compare::Equal)),
    ("=", Lexeme::Compare(Compare::Equal)),
    ("<", Lexeme::Compare(Compare::Less)),
    (">", Lexeme::Compare(Compare::Greater)),
    ("(", Lexeme::Open),
    (")", Lexeme::Close),
    (",", Lexeme::Comma),
];

/// Cuts an expression into tokens; the last one is [`Lexeme::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, LexError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let position = text.len() - rest.len();
        let sign = SIGNS.iter().find_map(|(sign, lexeme)| Some((lexeme, rest.strip_prefix(sign)?)));
        let (lexeme, tail) = match (sign, first) {
            (Some((lexeme, tail)), _) => (lexeme.clone(), tail),
            (None, '\'' | '"') => quoted(rest, first).ok_or(LexError::OpenQuote(position))?,
            (None, '!') => return Err(LexError::Exclamation(position)),
            (None, _) => {
                let (word, tail) = rest.split_at_checked(word_length(rest)).unwrap_or((rest, ""));
                (Lexeme::Word(word), tail)
            }
        };
        tokens.push(Token { lexeme, position });
        rest = tail.trim_start();
    }
    tokens.push(Token { lexeme: Lexeme::End, position: text.trim_end().len() });
    Ok(tokens)
}

/// Bytes up to what ends a word. An exclamation mark does not, unless it begins `!=`.
fn word_length(text: &str) -> usize {
    text.char_indices()
        .find(|&(at, c)| {
            c.is_whitespace()
                || matches!(c, '(' | ')' | ',' | '\'' | '"' | '=' | '<' | '>')
                || c == '!' && text.get(at..).is_some_and(|rest| rest.starts_with("!="))
        })
        .map_or(text.len(), |entry| entry.0)
}

/// The text in quotes that `text` begins with, and what follows it. A doubled quote means one
/// quote. A backslash means itself, because paths are full of backslashes.
fn quoted(text: &str, quote: char) -> Option<(Lexeme<'static>, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix(quote)?;
    loop {
        let (part, tail) = rest.split_once(quote)?;
        value.push_str(part);
        match tail.strip_prefix(quote) {
            Some(more) => {
                value.push(quote);
                rest = more;
            }
            None => return Some((Lexeme::Quoted(value), tail)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexemes(text: &str) -> Vec<Lexeme<'_>> {
        tokens(text).unwrap().into_iter().map(|t| t.lexeme).collect()
    }

    #[test]
    fn words_signs_and_texts() {
        use Lexeme::{Close, Comma, Compare as Sign, End, Open, Quoted, Word};
        assert_eq!(lexemes(" "), [End]);
        assert_eq!(
            lexemes(r"path=C:\a-b.dll"),
            [Word("path"), Sign(Compare::Equal), Word(r"C:\a-b.dll"), End]
        );
        assert_eq!(
            lexemes("a!=(1,0x2)"),
            [Word("a"), Sign(Compare::NotEqual), Open, Word("1"), Comma, Word("0x2"), Close, End]
        );
        assert_eq!(
            lexemes("<=<>>"),
            {
                [Compare::LessOrEqual, Compare::NotEqual, Compare::Greater].map(Sign).into_iter().chain([End])
            }
            .collect::<Vec<_>>()
        );
        let text = |text: &str| Quoted(text.to_owned());
        assert_eq!(lexemes(r#"'it''s' "a""b" 'C:\'"#), [text("it's"), text("a\"b"), text(r"C:\"), End]);
        assert_eq!(lexemes("a!b"), [Word("a!b"), End]);
    }

    #[test]
    fn places_and_mistakes() {
        let places: Vec<_> = tokens("é = 'x' ").unwrap().iter().map(|t| t.position).collect();
        assert_eq!(places, [0, 3, 5, 8]);
        assert_eq!(tokens("a = 'b''"), Err(LexError::OpenQuote(4)));
        assert_eq!(tokens("!a"), Err(LexError::Exclamation(0)));
    }
}
