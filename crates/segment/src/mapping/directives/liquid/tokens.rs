//! Cuts a template into texts, outputs and tags.

use std::collections::VecDeque;
use std::ops::Range;

use super::fault::Fault;
use super::scan::{Scanner, is_blank};

/// A piece of a template, as places in it.
#[derive(Debug, Clone)]
pub(super) enum Token {
    Text(Range<usize>),
    /// An output, as the place between its braces.
    Output(Range<usize>),
    Tag(Tag),
}

/// A tag: its name, its arguments, and the whole of it.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) arguments: Range<usize>,
    pub(super) whole: Range<usize>,
}

/// The inside of a pair of braces.
struct Inside {
    content: Range<usize>,
    /// The text before loses the white space at its end.
    trims_before: bool,
    /// The text behind loses the white space at its start.
    trims_behind: bool,
}

impl Inside {
    fn new(chars: &[char], mut content: Range<usize>) -> Inside {
        let is_dash = |at: usize| chars.get(at) == Some(&'-');
        let trims_before = is_dash(content.start);
        let trims_behind = content.end > 0 && is_dash(content.end - 1);
        content.start += usize::from(trims_before);
        content.end -= usize::from(trims_behind);
        Inside {
            content: trimmed(chars, content),
            trims_before,
            trims_behind,
        }
    }
}

fn trimmed(chars: &[char], mut range: Range<usize>) -> Range<usize> {
    let blank = |at: usize| chars.get(at).copied().is_some_and(is_blank);
    while range.start < range.end && blank(range.start) {
        range.start += 1;
    }
    while range.end > range.start && blank(range.end - 1) {
        range.end -= 1;
    }
    range
}

impl Tag {
    /// Reads the name at the start of a tag's content.
    fn new(chars: &[char], content: Range<usize>, whole: Range<usize>) -> Result<Tag, Fault> {
        let mut scanner = Scanner::new(chars, content.clone());
        let name = match scanner.skip('#') {
            true => "#".to_owned(),
            false => scanner.name(),
        };
        if name.is_empty() {
            return scanner.fails("a tag has no name");
        }
        scanner.blanks();
        let arguments = scanner.at..content.end.max(scanner.at);
        Ok(Tag {
            name,
            arguments,
            whole,
        })
    }
}

/// Returns the pieces of a template.
pub(super) fn tokens(chars: &[char]) -> Result<VecDeque<Token>, Fault> {
    let mut scanner = Scanner::new(chars, 0..chars.len());
    let mut tokens = Vec::new();
    // Which of the tokens' neighbours lose white space.
    let mut trims = Vec::new();
    let mut raw = None;
    while !scanner.ended() {
        let start = scanner.at;
        let (token, before, behind) = if let Some(begun) = raw {
            let token = raw_part(&mut scanner, begun)?;
            if matches!(token, Token::Tag(_)) {
                raw = None;
            }
            (token, false, false)
        } else if scanner.is_text(start, "{%") {
            if !until(&mut scanner, "%}", false) {
                scanner.at = start;
                return scanner.fails("a tag is not closed");
            }
            let inside = Inside::new(chars, start + 2..scanner.at - 2);
            let tag = Tag::new(chars, inside.content, start..scanner.at)?;
            raw = (tag.name == "raw").then_some(start);
            (
                Token::Tag(tag),
                inside.trims_before,
                inside.trims_behind && raw.is_none(),
            )
        } else if scanner.is_text(start, "{{") {
            if !until(&mut scanner, "}}", true) {
                scanner.at = start;
                return scanner.fails("an output is not closed");
            }
            let inside = Inside::new(chars, start + 2..scanner.at - 2);
            (
                Token::Output(inside.content),
                inside.trims_before,
                inside.trims_behind,
            )
        } else {
            let starts = |at: usize| scanner.is_text(at, "{%") || scanner.is_text(at, "{{");
            let end = (start..chars.len()).find(|at| starts(*at)).unwrap_or(chars.len());
            scanner.at = end;
            (Token::Text(start..end), false, false)
        };
        tokens.push(token);
        trims.push((before, behind));
    }
    trim_texts(chars, &mut tokens, &trims);
    Ok(tokens.into())
}

/// Goes behind the closing braces; in an output, braces between quotes do not count.
fn until(scanner: &mut Scanner<'_>, close: &str, quotes: bool) -> bool {
    while !scanner.ended() {
        if quotes && matches!(scanner.peek(0), Some('"' | '\'')) {
            scanner.quoted();
            continue;
        }
        scanner.at += 1;
        if scanner.is_behind(close) {
            return true;
        }
    }
    false
}

/// Takes the text up to `{% endraw`, or that tag if nothing stands before it.
fn raw_part(scanner: &mut Scanner<'_>, begun: usize) -> Result<Token, Fault> {
    let start = scanner.at;
    while scanner.to("{%") {
        let open = scanner.at - 2;
        if scanner.name() != "endraw" {
            continue;
        }
        loop {
            if scanner.is_behind("%}") {
                if open == start {
                    let whole = start..scanner.at;
                    return Ok(Token::Tag(Tag {
                        name: "endraw".to_owned(),
                        arguments: scanner.at..scanner.at,
                        whole,
                    }));
                }
                scanner.at = open;
                return Ok(Token::Text(start..open));
            }
            if scanner.is_behind("{%") || scanner.ended() {
                break;
            }
            scanner.at += 1;
        }
    }
    scanner.at = begun;
    scanner.fails("a tag raw is not closed")
}

fn trim_texts(chars: &[char], tokens: &mut [Token], trims: &[(bool, bool)]) {
    let blank = |at: usize| chars.get(at).copied().is_some_and(is_blank);
    for (at, (before, behind)) in trims.iter().enumerate() {
        if *before
            && let Some(Token::Text(text)) = at.checked_sub(1).and_then(|before| tokens.get_mut(before))
        {
            while text.end > text.start && blank(text.end - 1) {
                text.end -= 1;
            }
        }
        if *behind && let Some(Token::Text(text)) = tokens.get_mut(at + 1) {
            while text.start < text.end && blank(text.start) {
                text.start += 1;
            }
        }
    }
}

/// Returns the lines of a tag `liquid`, each of them a tag.
pub(super) fn lines(chars: &[char], part: Range<usize>) -> Result<VecDeque<Token>, Fault> {
    let mut scanner = Scanner::new(chars, part);
    let mut tokens = VecDeque::new();
    loop {
        scanner.blanks();
        if scanner.ended() {
            return Ok(tokens);
        }
        let start = scanner.at;
        scanner.to("\n");
        let content = trimmed(chars, start..scanner.at);
        tokens.push_back(Token::Tag(Tag::new(chars, content, start..scanner.at)?));
    }
}
