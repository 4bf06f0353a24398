//! `@flatten`: an object without nesting.

use crate::mapping::directive::*;
use crate::mapping::limits::MAX_TEXT;
use crate::value::{Value, unique_members};
use bumpalo::collections::Vec as BumpVec;

pub(super) const DIRECTIVE: Directive = Directive::new("@flatten", check, compile);

#[derive(Debug)]
struct Flatten {
    value: Expr,
    separator: Expr,
    omit_arrays: Expr,
}

fn check(check: &mut Check, argument: &Json) {
    check.object_argument(argument, |check, object| {
        check.optional(object, "separator", Check::string);
        check.required(object, "value", |_, _| {});
    });
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Object(object) = argument else {
        return fail("@flatten requires an object with a \"separator\" key");
    };
    if falsy(object.get("separator")) {
        return fail("@flatten requires a \"separator\" key");
    }
    Expr::directive(Flatten {
        value: compiler.member(object, "value"),
        separator: compiler.member(object, "separator"),
        omit_arrays: compiler.member(object, "omitArrays"),
    })
}

impl Evaluate for Flatten {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        let Value::Str(separator) = eval.value(&self.separator)? else {
            return Err(RuntimeError::new("@flatten requires a string separator"));
        };
        let omit_arrays = !eval.value(&self.omit_arrays)?.is_falsy();
        let value = eval.keeping_undefined(true).value(&self.value)?;
        let mut flattening = Flattening {
            separator,
            omit_arrays,
            eval,
            leaves: BumpVec::new_in(eval.arena),
            key_bytes: 0,
        };
        flattening.value("", value)?;
        Ok(eval.object_of(unique_members(flattening.leaves)))
    }
}

/// A walk that joins the keys on the way to each leaf. Containers without leaves vanish; a lone scalar gets the key
/// `""`.
struct Flattening<'s, 'a> {
    separator: &'s str,
    omit_arrays: bool,
    eval: Eval<'a>,
    leaves: BumpVec<'a, (&'a str, Value<'a>)>,
    /// Length of the keys made so far.
    key_bytes: usize,
}

impl<'a> Flattening<'_, 'a> {
    fn value(&mut self, prefix: &'a str, value: Value<'a>) -> Result<(), RuntimeError> {
        if value.is_array() && !self.omit_arrays {
            for (index, item) in value.items().enumerate() {
                let key = self.join(prefix, self.eval.index_key(index))?;
                self.value(key, item)?;
            }
        } else if value.is_object() {
            for (key, member) in value.ordered_members(self.eval.arena) {
                let key = self.join(prefix, key)?;
                self.value(key, *member)?;
            }
        } else {
            self.leaves.push((prefix, value));
        }
        Ok(())
    }

    fn join(&mut self, prefix: &'a str, key: &'a str) -> Result<&'a str, RuntimeError> {
        if prefix.is_empty() {
            return Ok(key);
        }
        self.key_bytes += prefix.len() + self.separator.len() + key.len();
        if self.key_bytes > MAX_TEXT {
            return Err(RuntimeError::new(
                "@flatten: the keys of the result are longer than 1 MiB together",
            ));
        }
        Ok(bumpalo::format!(in self.eval.arena, "{}{}{}", prefix, self.separator, key).into_bump_str())
    }
}
