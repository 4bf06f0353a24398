//! `@template`: text with `{{path}}` placeholders.

use super::error::RuntimeError;
use super::limits::MAX_TEXT;
use crate::value::{Path, Value, js_trim};
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

/// A template read once. Neither brace form escapes anything.
#[derive(Debug)]
pub(crate) enum Template {
    /// Only double braces: the placeholders are known beforehand.
    Parts(Box<[Part]>),
    /// Triple braces: what they insert is itself read as a template, so the second pass waits for the event.
    TwoPasses(Box<[Part]>),
}

#[derive(Debug)]
pub(crate) enum Part {
    Text(Box<str>),
    Place(Path),
}

enum Piece<'t> {
    Text(&'t str),
    Place(&'t str),
}

impl Template {
    pub(super) fn new(text: &str) -> Template {
        let triple = parts(text, 3);
        if triple.iter().any(|part| matches!(part, Part::Place(_))) {
            Template::TwoPasses(triple)
        } else {
            Template::Parts(parts(text, 2))
        }
    }

    /// The path, if the template is one placeholder and nothing else.
    pub(super) fn single_place(&self) -> Option<&Path> {
        match self {
            Template::Parts(parts) => match &**parts {
                [Part::Place(path)] => Some(path),
                _ => None,
            },
            Template::TwoPasses(_) => None,
        }
    }

    pub(super) fn render<'a>(
        &'a self,
        payload: Value<'a>,
        arena: &'a Bump,
    ) -> Result<Value<'a>, RuntimeError> {
        match self {
            Template::Parts(parts) => match &**parts {
                [] => Ok(Value::Str("")),
                [Part::Text(text)] => Ok(Value::Str(text)),
                [Part::Place(path)] if matches!(path.resolve(payload), Value::Str(_)) => {
                    Ok(path.resolve(payload))
                }
                _ => Ok(Value::Str(fill(parts, payload, arena)?)),
            },
            Template::TwoPasses(parts) => second_pass(fill(parts, payload, arena)?, payload, arena),
        }
    }
}

/// Renders a template that is itself taken from the event.
pub(super) fn render_text<'a>(
    text: &'a str,
    payload: Value<'a>,
    arena: &'a Bump,
) -> Result<Value<'a>, RuntimeError> {
    let mut first = BumpString::new_in(arena);
    scan(text, 3, |piece| push(&mut first, &piece, payload))?;
    second_pass(first.into_bump_str(), payload, arena)
}

fn second_pass<'a>(text: &'a str, payload: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, RuntimeError> {
    let mut out = BumpString::new_in(arena);
    scan(text, 2, |piece| push(&mut out, &piece, payload))?;
    Ok(Value::Str(out.into_bump_str()))
}

fn push(out: &mut BumpString<'_>, piece: &Piece<'_>, payload: Value<'_>) -> Result<(), RuntimeError> {
    match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Place(place) => push_value(out, Path::of_template(js_trim(place)).resolve(payload))?,
    }
    bounded(out.len())
}

fn fill<'a>(parts: &[Part], payload: Value<'a>, arena: &'a Bump) -> Result<&'a str, RuntimeError> {
    let mut out = BumpString::new_in(arena);
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Place(path) => push_value(&mut out, path.resolve(payload))?,
        }
        bounded(out.len())?;
    }
    Ok(out.into_bump_str())
}

/// The text a placeholder shows for a value.
pub(super) fn text_of<'a>(value: Value<'_>, arena: &'a Bump) -> Result<&'a str, RuntimeError> {
    let mut out = BumpString::new_in(arena);
    push_value(&mut out, value)?;
    bounded(out.len())?;
    Ok(out.into_bump_str())
}

fn push_value(out: &mut BumpString<'_>, value: Value<'_>) -> Result<(), RuntimeError> {
    value.write_text(out).map_err(|_| too_long())
}

/// Refuses texts no destination would take, before they fill the memory.
pub(super) fn bounded(length: usize) -> Result<(), RuntimeError> {
    if length > MAX_TEXT {
        Err(too_long())
    } else {
        Ok(())
    }
}

fn too_long() -> RuntimeError {
    RuntimeError::new("the text made by a directive is longer than 1 MiB")
}

fn parts(text: &str, braces: usize) -> Box<[Part]> {
    let mut parts = Vec::new();
    let result: Result<(), std::convert::Infallible> = scan(text, braces, |piece| {
        parts.push(match piece {
            Piece::Text(text) => Part::Text(text.into()),
            Piece::Place(place) => Part::Place(Path::of_template(js_trim(place))),
        });
        Ok(())
    });
    match result {
        Ok(()) => parts.into_boxed_slice(),
    }
}

/// Cuts a text at its placeholders: `braces` opening braces, at least one character other than `}`, as many closing
/// ones; leftmost first. Linear: the first `}` after an opening decides for every opening before it.
fn scan<'t, E>(
    text: &'t str,
    braces: usize,
    mut emit: impl FnMut(Piece<'t>) -> Result<(), E>,
) -> Result<(), E> {
    let (open, close) = (&"{{{"[..braces], &"}}}"[..braces]);
    let (mut done, mut from) = (0, 0);
    while let Some(start) = text[from..].find(open).map(|at| from + at) {
        let inner = start + braces;
        let Some(end) = text[inner..].find('}').map(|at| inner + at) else {
            break;
        };
        if end > inner && text[end..].starts_with(close) {
            if start > done {
                emit(Piece::Text(&text[done..start]))?;
            }
            emit(Piece::Place(&text[inner..end]))?;
            done = end + braces;
            from = done;
        } else {
            from = end + 1;
        }
    }
    if done < text.len() {
        emit(Piece::Text(&text[done..]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str) -> String {
        let arena = Bump::new();
        let payload = Value::Object(&[
            ("a", Value::Str("A")),
            ("x", Value::Str("<{{a}}>")),
            ("{a", Value::Str("brace")),
        ]);
        let compiled = Template::new(template)
            .render(payload, &arena)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        let at_run_time = render_text(template, payload, &arena)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(compiled, at_run_time);
        compiled
    }

    #[test]
    fn braces_are_read_as_segment_reads_them() {
        assert_eq!(render("{{a}}{{ a }}{{b}}"), "AA");
        assert_eq!(render("{{{a}}"), "brace");
        assert_eq!(render("{{{{{a}}}}}"), "}}");
        assert_eq!(render("{{{}}}{{}}"), "}{{}}");
        assert_eq!(render("{{a"), "{{a");
        assert_eq!(render("{{x}} {{{x}}}"), "<{{a}}> <A>");
    }

    #[test]
    fn unclosed_braces_take_linear_time() {
        let template = "{{ ".repeat(100_000);
        assert_eq!(render(&template), template);
    }

    #[test]
    fn data_cannot_multiply_itself() {
        let arena = Bump::new();
        let long = "y".repeat(100_000);
        let places = "{{long}}".repeat(1000);
        let members = [("long", Value::Str(&long)), ("places", Value::Str(&places))];
        let template = Template::new("{{{places}}}");
        assert!(template.render(Value::Object(&members), &arena).is_err());
    }
}
