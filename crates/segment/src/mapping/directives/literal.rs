//! `@literal`: a value as it is.

use crate::mapping::directive::*;

pub(super) const DIRECTIVE: Directive = Directive::new("@literal", Check::directive_or_anything, compile);

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    compiler.expr(argument)
}
