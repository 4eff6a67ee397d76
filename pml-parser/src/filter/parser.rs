//! From words to tests. A recursive descent of limited depth.

use super::column::{self, Column};
use super::error::{self, FilterError, mistake};
use super::expression::Expression;
use super::lexer::{Compare, LexError, Lexeme, OPERATORS, Token, tokens};
use super::operand::{self, Operand};
use super::subject::Subject;
use super::test::{Check, Node, Test, TextCheck};

/// How deeply parentheses and `not` may nest.
pub(super) const MAX_DEPTH: usize = 100;

/// Words that cannot be values without quotes: one of these in place of a value means that the value
/// was forgotten.
static JOINTS: [&str; 3] = ["and", "or", "not"];

/// Parses an expression; `slots` is the number of tests before it, and then with it. Regular expressions of a text that
/// is trusted are compiled later.
pub(super) fn parse(text: &str, is_trusted: bool, slots: &mut usize) -> Result<Node, FilterError> {
    let tokens = tokens(text).map_err(|error| match error {
        LexError::OpenQuote(position) => mistake(text, position, "this quote is never closed")
            .with("a quote inside a text is doubled: 'it''s'"),
        LexError::Exclamation(position) => {
            mistake(text, position, "`!` means nothing here").with("write `not`")
        }
    })?;
    let end = Token { lexeme: Lexeme::End, position: text.len() };
    let mut parser = Parser { text, is_trusted, tokens, at: 0, end, depth: 0, slots };
    let node = parser.any()?;
    match parser.peek().lexeme {
        Lexeme::End => Ok(node),
        _ => Err(error::after_comparison(text, parser.peek())),
    }
}

/// An operator that is a word, or several.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Sign(Compare),
    /// `is null`, `is not null`.
    Null,
    In,
    Between,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
}

struct Parser<'t, 's> {
    text: &'t str,
    is_trusted: bool,
    tokens: Vec<Token<'t>>,
    at: usize,
    end: Token<'t>,
    depth: usize,
    slots: &'s mut usize,
}

impl<'t> Parser<'t, '_> {
    fn peek(&self) -> &Token<'t> {
        self.tokens.get(self.at).unwrap_or(&self.end)
    }

    fn next(&mut self) -> Token<'t> {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    /// Takes this word, if it comes next.
    fn takes(&mut self, word: &str) -> bool {
        let comes = matches!(self.peek().lexeme, Lexeme::Word(next) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(comes);
        comes
    }

    fn mistake(&self, position: usize, message: impl Into<String>) -> FilterError {
        mistake(self.text, position, message)
    }

    /// Comparisons joined by `or`.
    fn any(&mut self) -> Result<Node, FilterError> {
        let first = self.all()?;
        if !self.takes("or") {
            return Ok(first);
        }
        let mut nodes = vec![first, self.all()?];
        while self.takes("or") {
            nodes.push(self.all()?);
        }
        Ok(Node::any(nodes))
    }

    /// Comparisons joined by `and`.
    fn all(&mut self) -> Result<Node, FilterError> {
        let first = self.one()?;
        if !self.takes("and") {
            return Ok(first);
        }
        let mut nodes = vec![first, self.one()?];
        while self.takes("and") {
            nodes.push(self.one()?);
        }
        Ok(Node::all(nodes))
    }

    /// A comparison, an expression in parentheses, or one of those after `not`.
    fn one(&mut self) -> Result<Node, FilterError> {
        let token = self.next();
        match token.lexeme {
            Lexeme::Open => {
                self.enter(token.position)?;
                let node = self.any()?;
                self.depth -= 1;
                if self.peek().lexeme != Lexeme::Close {
                    return Err(match self.peek().lexeme {
                        Lexeme::End => self.mistake(token.position, "this parenthesis is never closed"),
                        _ => error::after_comparison(self.text, self.peek()),
                    });
                }
                self.at += 1;
                Ok(node)
            }
            Lexeme::Word(word) if word.eq_ignore_ascii_case("not") => {
                self.enter(token.position)?;
                let node = self.one()?;
                self.depth -= 1;
                Ok(Node::not(node))
            }
            Lexeme::Word(word) if !is_any(&JOINTS, word) => self.comparison(word, token.position),
            Lexeme::End if token.position == 0 => {
                Err(self.mistake(0, "the filter is empty").with("for example: process_name = TiWorker.exe"))
            }
            _ => Err(self.mistake(token.position, "a column is missing here")),
        }
    }

    fn enter(&mut self, position: usize) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("parentheses and `not` nest deeper than {MAX_DEPTH}");
            return Err(self.mistake(position, message));
        }
        Ok(())
    }

    fn comparison(&mut self, name: &str, position: usize) -> Result<Node, FilterError> {
        let column = &column::find(name).ok_or_else(|| error::unknown_column(self.text, name, position))?;
        let place = self.peek().position;
        let (operator, negated) = self.operator(column)?;
        match operator {
            Operator::Null => self.null(column, negated, position),
            Operator::Sign(sign) => {
                let is_equality = matches!(sign, Compare::Equal | Compare::NotEqual);
                if is_equality && self.takes("null") {
                    return self.null(column, sign == Compare::NotEqual, position);
                }
                if !is_equality && column.kind == column::Kind::Text {
                    let message = format!("`{}` is a text, which is neither less nor greater", column.name);
                    let error = self.mistake(place, message);
                    return Err(error.with("texts know =, !=, in, contains, starts_with, ends_with, matches"));
                }
                let value = self.value(column)?;
                let check = operand::compared(self.text, column, sign, &value)?;
                let is_negated = sign == Compare::NotEqual;
                Ok(self.test(column, check, is_negated))
            }
            Operator::In => {
                let checks = operand::one_of(self.text, column, &self.list(column)?)?;
                // Only results have several; a result is never missing, so that `not` may be outside.
                let mut tests: Vec<_> =
                    checks.into_iter().map(|check| self.test(column, check, false)).collect();
                if let [Node::Test(test)] = tests.as_mut_slice() {
                    test.negated = negated;
                    return Ok(Node::any(tests));
                }
                let node = Node::any(tests);
                Ok(if negated { Node::not(node) } else { node })
            }
            Operator::Between => {
                let low = self.value(column)?;
                if !self.takes("and") {
                    let error =
                        self.mistake(self.peek().position, "`and` and the upper bound are missing here");
                    return Err(error.with(format!("for example: {} between A and B", column.name)));
                }
                let high = self.value(column)?;
                let check = operand::between(self.text, column, &low, &high)?;
                Ok(self.test(column, check, negated))
            }
            Operator::Contains | Operator::StartsWith | Operator::EndsWith | Operator::Matches => {
                if !column.kind.has_text() {
                    let message = format!("`{}` is no text that could be searched", column.name);
                    let hint = format!("it is compared with {}", column.kind.takes());
                    return Err(self.mistake(place, message).with(hint));
                }
                let value = self.value(column)?;
                let check = match operator {
                    Operator::Contains => TextCheck::contains(&operand::text(&value)),
                    Operator::StartsWith => TextCheck::StartsWith(operand::text(&value)),
                    Operator::EndsWith => TextCheck::EndsWith(operand::text(&value)),
                    _ if self.is_trusted => TextCheck::Matches(Expression::trusted(&value.text)),
                    _ => TextCheck::Matches(operand::regex(self.text, &value)?),
                };
                Ok(self.test(column, Check::Text(check), negated))
            }
        }
    }

    /// The operator of a comparison, and whether it is negated.
    fn operator(&mut self, column: &Column) -> Result<(Operator, bool), FilterError> {
        let token = self.next();
        let negated = matches!(token.lexeme, Lexeme::Word(word) if word.eq_ignore_ascii_case("not"));
        let token = if negated { self.next() } else { token };
        let operator = match token.lexeme {
            Lexeme::Compare(sign) if !negated => Operator::Sign(sign),
            Lexeme::Word(word) => match word.to_ascii_lowercase().as_str() {
                "is" if !negated => {
                    let negated = self.takes("not");
                    if self.takes("null") {
                        return Ok((Operator::Null, negated));
                    }
                    Operator::Sign(if negated { Compare::NotEqual } else { Compare::Equal })
                }
                "in" => Operator::In,
                "between" => Operator::Between,
                "contains" => Operator::Contains,
                "starts_with" => Operator::StartsWith,
                "ends_with" => Operator::EndsWith,
                "matches" => Operator::Matches,
                _ => return Err(error::unknown_operator(self.text, column, word, token.position)),
            },
            _ => {
                let message = format!("an operator is missing after `{}`", column.name);
                let hint = format!("operators are = != < <= > >= and {}", OPERATORS.join(", "));
                return Err(self.mistake(token.position, message).with(hint));
            }
        };
        Ok((operator, negated))
    }

    fn null(&mut self, column: &Column, negated: bool, position: usize) -> Result<Node, FilterError> {
        if !column.optional {
            let error = self.mistake(position, format!("`{}` is never missing", column.name));
            let is_text = column.kind.has_text();
            return Err(if is_text { error.with("an empty text is written ''") } else { error });
        }
        Ok(self.test(column, Check::Missing, negated))
    }

    fn test(&mut self, column: &Column, check: Check, negated: bool) -> Node {
        let slot = *self.slots;
        *self.slots += 1;
        Node::Test(Test { subject: Subject::Column(column.source), check, negated, slot })
    }

    fn value(&mut self, column: &Column) -> Result<Operand, FilterError> {
        let Token { lexeme, position } = self.next();
        match lexeme {
            Lexeme::Quoted(text) => Ok(Operand { text, is_quoted: true, position }),
            Lexeme::Word(word) if word.eq_ignore_ascii_case("null") => {
                let error = self.mistake(position, "null is no value to compare with");
                Err(error.with(format!("write `{} is null`, or 'null' for the text", column.name)))
            }
            Lexeme::Word(word) if !is_any(&JOINTS, word) => {
                Ok(Operand { text: word.to_owned(), is_quoted: false, position })
            }
            Lexeme::Word(word) => {
                let error = self.mistake(position, "a value is missing here");
                Err(error.with(format!("the text is written '{word}'")))
            }
            _ => {
                let message =
                    format!("a value is missing here: `{}` takes {}", column.name, column.kind.takes());
                Err(self.mistake(position, message))
            }
        }
    }

    /// Values in parentheses.
    fn list(&mut self, column: &Column) -> Result<Vec<Operand>, FilterError> {
        let open = self.next();
        if open.lexeme != Lexeme::Open {
            let error = self.mistake(open.position, "a list in parentheses is missing here");
            return Err(error.with(format!("for example: {} in (A, B)", column.name)));
        }
        let mut values = vec![self.value(column)?];
        loop {
            let token = self.next();
            match token.lexeme {
                Lexeme::Comma => values.push(self.value(column)?),
                Lexeme::Close => return Ok(values),
                Lexeme::End => return Err(self.mistake(open.position, "this list is never closed")),
                _ => {
                    let error = self.mistake(token.position, "a comma or `)` is missing here");
                    return Err(error.with("a text with blanks or signs needs quotes"));
                }
            }
        }
    }
}

fn is_any(words: &[&str], word: &str) -> bool {
    words.iter().any(|one| one.eq_ignore_ascii_case(word))
}
