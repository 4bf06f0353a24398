//! `@path`: the value at a path of the payload.

use crate::mapping::directive::*;
use crate::value::{Value, ValuePath};

pub(super) const DIRECTIVE: Directive = Directive {
    lint: |lint, argument| {
        if let Json::String(path) = argument {
            lint.event_path(path);
        }
    },
    ..Directive::new("@path", Check::string_or_directive, compile)
};

/// A path that a directive makes of the event. The plan's walk looks up the paths that the mapping spells out.
#[derive(Debug)]
struct PathOf(Expr);

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    match argument {
        Json::String(path) => compiler.path(path),
        other => Expr::directive(PathOf(compiler.expr(other))),
    }
}

impl Evaluate for PathOf {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        Ok(ValuePath::of_directive(eval.text_argument("@path", &self.0)?).resolve(eval.payload))
    }
}
