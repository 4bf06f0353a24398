//! `@liquid`: a Liquid template.
//!
//! Segment renders templates with liquidjs 10 and disables some of its tags and filters. The others have their meaning
//! here, errors included: a disabled filter fails when it is reached, an unknown one changes nothing, and operators that
//! bind alike are evaluated from the right. Differences: a counter (`increment`) ends with its template, objects never
//! equal each other, and rendering is limited by the length of texts, not by time.

mod expression;
mod fault;
mod filters;
mod item;
mod operand;
mod parse;
mod run;
mod scan;
mod syntax;
mod tokens;

use bumpalo::collections::String as BumpString;

use crate::mapping::directive::*;
use crate::value::Value;
use fault::Fault;
use run::Run;
use syntax::{Operand, Part, Statement};

pub(super) const DIRECTIVE: Directive = Directive {
    reads,
    ..Directive::new("@liquid", check, compile)
};

/// Maximum length of a template, in UTF-16 units.
const MAX_TEMPLATE: usize = 1000;

/// A parsed template.
#[derive(Debug)]
struct Liquid {
    statements: Vec<Statement>,
}

fn check(check: &mut Check, argument: &Json) {
    check.string(argument);
}

fn compile(_: &mut Compiler, argument: &Json) -> Expr {
    let Json::String(text) = argument else {
        return fail("liquid template value must be a string");
    };
    match Liquid::new(text) {
        Ok(template) => Expr::directive(template),
        Err(Fault(message)) => fail(message),
    }
}

/// Returns the paths of the event that outputs and tags read, as far as their keys are names.
fn reads(argument: &Json) -> Vec<String> {
    let Some(Ok(template)) = argument.as_str().map(Liquid::new) else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    parse::each_expression(&template.statements, &mut |expression| {
        let arguments = expression.filters.iter().flat_map(|(_, arguments)| arguments);
        let arguments = arguments.filter_map(|argument| argument.value.as_ref());
        let operands = expression.parts.iter().filter_map(|part| match part {
            Part::Operand(operand) => Some(operand),
            Part::Operator(_) => None,
        });
        paths.extend(operands.chain(arguments).filter_map(path_of));
    });
    paths
}

fn path_of(operand: &Operand) -> Option<String> {
    let Operand::Path(None, keys) = operand else {
        return None;
    };
    let names = keys.iter().map_while(|key| match key {
        Operand::Text(name) => Some(name.as_str()),
        _ => None,
    });
    Some(names.collect::<Vec<_>>().join("."))
}

impl Liquid {
    fn new(text: &str) -> Result<Liquid, Fault> {
        if crate::value::utf16_len(text) > MAX_TEMPLATE {
            return Err(Fault(format!(
                "liquid template values are limited to {MAX_TEMPLATE} characters"
            )));
        }
        parse::parse(text).map(|statements| Liquid { statements })
    }
}

impl Evaluate for Liquid {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        let mut out = BumpString::new_in(eval.arena);
        Run::new(eval.payload, eval.arena).statements(&self.statements, &mut out)?;
        Ok(Value::Str(out.into_bump_str()))
    }
}
