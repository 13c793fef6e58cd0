//! The parser: by recursive descent, with the depth counted.

use super::cursor::Cursor;
use super::error::{FilterError, FilterErrorKind};
use super::number::Number;
use super::path::{self, AttributePath};
use super::{COMPARISONS_MAX, DEPTH_MAX, Filter, Literal, Operator, TEXT_BYTES_MAX, text};

/// The filter that is written here.
///
/// The error is the first one from the left, and says where it is and how to mend it.
pub fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > TEXT_BYTES_MAX {
        let fitting = text.char_indices().filter(|(at, sign)| at + sign.len_utf8() <= TEXT_BYTES_MAX).count();
        return Err(FilterError { column: fitting + 1, kind: FilterErrorKind::TooLong });
    }
    let mut parser = Parser { cursor: Cursor::new(text), depth: 0, comparisons: 0, is_in_brackets: false, is_spaced: false };
    parser.cursor.skip_space();
    if parser.cursor.peek().is_none() {
        return Err(Cursor::new(text).fail(FilterErrorKind::Empty));
    }
    let filter = parser.any_of()?;
    match parser.cursor.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.unexpected()),
    }
}

/// Between two calls the cursor stands before something other than space.
struct Parser<'a> {
    cursor: Cursor<'a>,
    /// Parentheses and brackets that are open.
    depth: usize,
    comparisons: usize,
    is_in_brackets: bool,
    /// Whether there was space behind the last operand.
    is_spaced: bool,
}

impl Parser<'_> {
    fn any_of(&mut self) -> Result<Filter, FilterError> {
        let first = self.all_of()?;
        let mut filters = vec![first];
        while self.connective("or")? {
            filters.push(self.all_of()?);
        }
        Ok(joined(filters, Filter::Or))
    }

    fn all_of(&mut self) -> Result<Filter, FilterError> {
        let first = self.operand()?;
        let mut filters = vec![first];
        while self.connective("and")? {
            filters.push(self.operand()?);
        }
        Ok(joined(filters, Filter::And))
    }

    /// Goes over this word, if it comes next.
    fn connective(&mut self, name: &str) -> Result<bool, FilterError> {
        let mut ahead = self.cursor;
        if !ahead.word().eq_ignore_ascii_case(name) {
            return Ok(false);
        }
        if !self.is_spaced {
            return Err(self.cursor.fail(FilterErrorKind::NoSpace));
        }
        self.cursor = ahead;
        let is_spaced = self.cursor.skip_space();
        if !is_spaced && self.cursor.peek().is_some() {
            return Err(self.cursor.fail(FilterErrorKind::NoSpace));
        }
        Ok(true)
    }

    fn operand(&mut self) -> Result<Filter, FilterError> {
        let start = self.cursor;
        let word = self.cursor.word();
        let filter = if word.is_empty() && start.peek() == Some('(') {
            self.enclosed('(', ')')?
        } else if word.eq_ignore_ascii_case("not") {
            self.negation()?
        } else if word.is_empty() || path::is_reserved(word) {
            return Err(start.fail(FilterErrorKind::NoAttribute));
        } else {
            let path = AttributePath::read(word, start.column)?;
            if self.cursor.peek() == Some('[') { self.elements(path)? } else { self.comparison(path)? }
        };
        self.is_spaced = self.cursor.skip_space();
        Ok(filter)
    }

    fn negation(&mut self) -> Result<Filter, FilterError> {
        self.cursor.skip_space();
        if self.cursor.peek() != Some('(') {
            return Err(self.cursor.fail(FilterErrorKind::NoParenthesis));
        }
        Ok(Filter::Not(Box::new(self.enclosed('(', ')')?)))
    }

    fn elements(&mut self, path: AttributePath) -> Result<Filter, FilterError> {
        if self.is_in_brackets {
            return Err(self.cursor.fail(FilterErrorKind::NestedBrackets));
        }
        self.is_in_brackets = true;
        let filter = self.enclosed('[', ']')?;
        self.is_in_brackets = false;
        Ok(Filter::Has { path, filter: Box::new(filter) })
    }

    /// The cursor stands before `open`. The only way down: the depth is counted here.
    fn enclosed(&mut self, open: char, close: char) -> Result<Filter, FilterError> {
        let opened = self.cursor;
        if self.depth == DEPTH_MAX {
            return Err(opened.fail(FilterErrorKind::TooDeep));
        }
        self.depth += 1;
        self.cursor.eat(open);
        self.cursor.skip_space();
        let filter = self.any_of()?;
        if self.cursor.peek().is_none() {
            return Err(opened.fail(FilterErrorKind::Unclosed(open)));
        }
        if !self.cursor.eat(close) {
            return Err(self.unexpected());
        }
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, FilterError> {
        if self.comparisons == COMPARISONS_MAX {
            return Err(FilterError { column: path.column(), kind: FilterErrorKind::TooManyComparisons });
        }
        self.comparisons += 1;
        self.cursor.skip_space();
        let start = self.cursor;
        let word = self.cursor.word();
        if word.is_empty() || path::is_reserved(word) {
            return Err(start.fail(FilterErrorKind::NoOperator));
        }
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present { path });
        }
        let operator = Operator::named(word).ok_or_else(|| start.fail(FilterErrorKind::UnknownOperator(start.shown())))?;
        let value = self.value(operator)?;
        Ok(Filter::Compare { path, operator, value })
    }

    /// What comes after this operator.
    fn value(&mut self, operator: Operator) -> Result<Literal, FilterError> {
        let is_spaced = self.cursor.skip_space();
        let start = self.cursor;
        if matches!(start.peek(), None | Some(')' | ']')) {
            return Err(start.fail(FilterErrorKind::NoValue(operator)));
        }
        if !is_spaced {
            return Err(start.fail(FilterErrorKind::NoSpace));
        }
        let value = if start.peek() == Some('"') { Literal::Text(text::read(&mut self.cursor)?) } else { self.bare_value()? };
        if operator.is_for_parts() && !matches!(value, Literal::Text(_)) {
            return Err(start.fail(FilterErrorKind::NeedsText(operator)));
        }
        if operator.is_for_order() && matches!(value, Literal::Boolean(_) | Literal::Null) {
            return Err(start.fail(FilterErrorKind::NeedsOrder(operator)));
        }
        Ok(value)
    }

    /// A value without quotes.
    fn bare_value(&mut self) -> Result<Literal, FilterError> {
        let start = self.cursor;
        match self.cursor.word() {
            "true" => Ok(Literal::Boolean(true)),
            "false" => Ok(Literal::Boolean(false)),
            "null" => Ok(Literal::Null),
            number if number.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => {
                Number::read(number).map(Literal::Number).map_err(|kind| start.fail(kind))
            }
            _ => Err(start.fail(FilterErrorKind::UnknownValue)),
        }
    }

    /// What stands where `and`, `or` or the end would have to.
    fn unexpected(&self) -> FilterError {
        match self.cursor.peek() {
            Some(close @ (')' | ']')) => self.cursor.fail(FilterErrorKind::Unopened(close)),
            _ => self.cursor.fail(FilterErrorKind::NoConnective(self.cursor.shown())),
        }
    }
}

fn joined(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    if filters.len() > 1 {
        return join(filters);
    }
    filters.pop().expect("there is a first one")
}
