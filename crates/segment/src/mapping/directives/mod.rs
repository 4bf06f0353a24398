//! The directives: one file each, and the registry.
//!
//! A directive's file holds its check, its compilation, its evaluation, its warnings and the plain values it reads. A
//! new directive is such a file and a line in [`DIRECTIVES`].

mod array_path;
mod case;
mod exclude_when_null;
mod flatten;
mod if_;
mod json;
mod liquid;
mod literal;
mod merge;
mod path;
mod replace;
mod template;
mod transform;

use super::compile::Registry;
use super::directive::Directive;
use super::lint::LintFn;
use serde_json::Value as Json;

/// All directives.
const DIRECTIVES: [Directive; 13] = [
    array_path::DIRECTIVE,
    case::DIRECTIVE,
    exclude_when_null::DIRECTIVE,
    flatten::DIRECTIVE,
    if_::DIRECTIVE,
    json::DIRECTIVE,
    liquid::DIRECTIVE,
    literal::DIRECTIVE,
    merge::DIRECTIVE,
    path::DIRECTIVE,
    replace::DIRECTIVE,
    template::DIRECTIVE,
    transform::DIRECTIVE,
];

/// Checks and compilations by name.
pub(super) const REGISTRY: Registry = Registry {
    check: |name| find(name).map(|directive| directive.check),
    compile: |name| find(name).map(|directive| directive.compile),
};

/// Returns a directive's lint.
pub(super) fn lint(name: &str) -> Option<LintFn> {
    find(name).map(|directive| directive.lint)
}

/// Returns the paths whose plain values a directive with this argument writes into texts.
pub(crate) fn reads(name: &str, argument: &Json) -> Vec<String> {
    find(name).map_or_else(Vec::new, |directive| (directive.reads)(argument))
}

fn find(name: &str) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| directive.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = include_str!("../../../../../docs/mappings.md");

    #[test]
    fn the_guide_lists_every_directive() {
        for directive in &DIRECTIVES {
            assert!(
                GUIDE.contains(&format!("| `{{ \"{}\" = ", directive.name)),
                "{}",
                directive.name
            );
        }
    }
}
