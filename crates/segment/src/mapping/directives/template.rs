//! `@template`: text with `{{path}}` placeholders.

use crate::mapping::directive::*;
use crate::mapping::limits::push_value;
use crate::mapping::lint::Lint;
use crate::value::{Value, ValuePath, js_trim};
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

pub(super) const DIRECTIVE: Directive = Directive {
    lint,
    reads,
    ..Directive::new("@template", Check::string_or_directive, compile)
};

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    match argument {
        Json::String(text) => Expr::directive(Template::new(text)),
        other => Expr::directive(TemplateOf(compiler.expr(other))),
    }
}

fn lint(lint: &mut Lint, argument: &Json) {
    let Json::String(text) = argument else { return };
    if text.contains("{{$.") || text.contains("{{ $.") {
        let message = "`$.` is not understood in templates: the placeholder is always empty; leave it away";
        lint.warn("template_path", message);
    }
    if text.contains("{{{") {
        let message = "what triple braces insert is itself read as a template, so event data can reach other \
                       fields; use double braces";
        lint.warn("triple_braces", message);
    }
    let mut placeholders = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    if placeholders.any(|(name, _)| name.contains('|')) {
        lint.warn(
            "template_filter",
            "templates have no filters: the placeholder is always empty",
        );
    }
}

/// Returns the paths of all placeholders.
fn reads(argument: &Json) -> Vec<String> {
    let Json::String(text) = argument else {
        return Vec::new();
    };
    let names = text.split("{{").skip(1).filter_map(|rest| {
        let name = rest.split("}}").next()?.trim_matches(['{', '}', ' ']);
        (!name.is_empty()).then(|| name.to_owned())
    });
    names.collect()
}

/// A parsed template. Neither form of braces escapes anything.
#[derive(Debug)]
pub(super) enum Template {
    /// Only double braces: the placeholders are known at load.
    Parts(Box<[Part]>),
    /// Triple braces: the text that they insert is itself read as a template, so the second pass waits for the event.
    TwoPasses(Box<[Part]>),
}

#[derive(Debug)]
pub(super) enum Part {
    Text(Box<str>),
    Placeholder(ValuePath),
}

enum Piece<'t> {
    Text(&'t str),
    Placeholder(&'t str),
}

/// A template that a directive makes of the event.
#[derive(Debug)]
struct TemplateOf(Expr);

impl Evaluate for Template {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        self.render(eval.payload, eval.arena)
    }
}

impl Evaluate for TemplateOf {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        render_text(
            eval.text_argument("@template", &self.0)?,
            eval.payload,
            eval.arena,
        )
    }
}

impl Template {
    pub(super) fn new(text: &str) -> Template {
        let triple = parts(text, 3);
        if triple.iter().any(|part| matches!(part, Part::Placeholder(_))) {
            Template::TwoPasses(triple)
        } else {
            Template::Parts(parts(text, 2))
        }
    }

    /// Returns the path if the template is one placeholder and nothing else.
    pub(super) fn only_placeholder(&self) -> Option<&ValuePath> {
        match self {
            Template::Parts(parts) => match &**parts {
                [Part::Placeholder(path)] => Some(path),
                _ => None,
            },
            Template::TwoPasses(_) => None,
        }
    }

    fn render<'a>(&'a self, payload: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, RuntimeError> {
        match self {
            Template::Parts(parts) => match &**parts {
                [] => Ok(Value::Str("")),
                [Part::Text(text)] => Ok(Value::Str(text)),
                [Part::Placeholder(path)] if matches!(path.resolve(payload), Value::Str(_)) => {
                    Ok(path.resolve(payload))
                }
                _ => Ok(Value::Str(fill(parts, payload, arena)?)),
            },
            Template::TwoPasses(parts) => second_pass(fill(parts, payload, arena)?, payload, arena),
        }
    }
}

/// Renders a template that a directive makes of the event.
fn render_text<'a>(text: &'a str, payload: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, RuntimeError> {
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
        Piece::Placeholder(place) => {
            push_value(out, ValuePath::of_template(js_trim(place)).resolve(payload))?
        }
    }
    bounded(out.len())
}

fn fill<'a>(parts: &[Part], payload: Value<'a>, arena: &'a Bump) -> Result<&'a str, RuntimeError> {
    let mut out = BumpString::new_in(arena);
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Placeholder(path) => push_value(&mut out, path.resolve(payload))?,
        }
        bounded(out.len())?;
    }
    Ok(out.into_bump_str())
}

fn parts(text: &str, braces: usize) -> Box<[Part]> {
    let mut parts = Vec::new();
    let result: Result<(), std::convert::Infallible> = scan(text, braces, |piece| {
        parts.push(match piece {
            Piece::Text(text) => Part::Text(text.into()),
            Piece::Placeholder(place) => Part::Placeholder(ValuePath::of_template(js_trim(place))),
        });
        Ok(())
    });
    match result {
        Ok(()) => parts.into_boxed_slice(),
    }
}

/// Cuts a text at its placeholders, leftmost first: `braces` opening braces, at least one character other than `}`, and
/// `braces` closing ones. Takes linear time: the first `}` after an opening decides for every opening before it.
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
            emit(Piece::Placeholder(&text[inner..end]))?;
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
