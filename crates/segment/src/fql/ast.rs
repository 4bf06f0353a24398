//! The condition tree of a trigger, as Segment's parser builds it.

use std::fmt;

/// A node of a trigger's tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Several conditions, of which all or any must hold.
    Group {
        /// True if any of them suffices.
        any: bool,
        /// The conditions in the order of the text.
        children: Vec<Condition>,
    },
    /// A comparison of one field.
    Test {
        /// The field compared.
        field: Field,
        /// The operator's text: `=`, `contains`, `exists`, … Unknown ones are kept and never hold.
        operator: String,
        /// The operand; `None` for `exists`, `not_exists`, `is_true` and `is_false`.
        value: Option<Literal>,
    },
    /// An empty group, whose evaluation fails.
    Hole,
}

impl Condition {
    /// Returns the event paths that the condition reads, with dots, sorted and each once.
    pub fn event_paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let mut open = vec![self];
        while let Some(condition) = open.pop() {
            match condition {
                Condition::Group { children, .. } => open.extend(children),
                Condition::Test { field, .. } => paths.push(field.event_path()),
                Condition::Hole => {}
            }
        }
        paths.sort();
        paths.dedup();
        paths
    }
}

/// A field that triggers can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `type`
    Type,
    /// `event`
    Event,
    /// `name`
    Name,
    /// `userId`
    UserId,
    /// `properties.…`, with the path below.
    Property(String),
    /// `traits.…`, with the path below.
    Trait(String),
    /// `context.…`, with the path below.
    Context(String),
}

impl Field {
    /// Returns the path in the event, with dots.
    pub fn event_path(&self) -> String {
        match self {
            Field::Type => "type".to_owned(),
            Field::Event => "event".to_owned(),
            Field::Name => "name".to_owned(),
            Field::UserId => "userId".to_owned(),
            Field::Property(below) => format!("properties.{below}"),
            Field::Trait(below) => format!("traits.{below}"),
            Field::Context(below) => format!("context.{below}"),
        }
    }
}

/// A value in a trigger's text.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A number; NaN for a text that is not one.
    Number(f64),
    /// `true` or `false`, unquoted.
    Bool(bool),
}

impl Literal {
    /// Returns the text as JavaScript writes it.
    pub(super) fn text(&self) -> String {
        match self {
            Literal::Text(text) => text.clone(),
            Literal::Number(number) => ryu_js::Buffer::new().format(*number).to_owned(),
            Literal::Bool(truth) => truth.to_string(),
        }
    }

    /// Returns the number as JavaScript reads it.
    pub(super) fn number(&self) -> f64 {
        match self {
            Literal::Text(text) => crate::value::js_text_to_number(text),
            Literal::Number(number) => *number,
            Literal::Bool(truth) => f64::from(u8::from(*truth)),
        }
    }
}

impl Condition {
    /// Returns the tree as trigger text, or `None` if it has an empty group. Quotes in values are not escaped, since
    /// the language has no escapes.
    pub fn to_fql(&self) -> Option<String> {
        if self.has_hole() {
            return None;
        }
        let text = self.to_string();
        let parens = text.matches(['(', ')']).count();
        match text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            Some(inner) if parens == 2 => Some(inner.to_owned()),
            _ => Some(text),
        }
    }

    fn has_hole(&self) -> bool {
        match self {
            Condition::Hole => true,
            Condition::Group { children, .. } => children.iter().any(Condition::has_hole),
            Condition::Test { .. } => false,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Hole => f.write_str("()"),
            Condition::Test {
                field,
                operator,
                value,
            } => write_test(f, field, operator, value.as_ref()),
            Condition::Group { any, children } => {
                for (index, child) in children.iter().enumerate() {
                    if index > 0 {
                        f.write_str(if *any { " or " } else { " and " })?;
                    }
                    match child {
                        Condition::Group { .. } => write!(f, "({child})")?,
                        _ => write!(f, "{child}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

fn write_test(
    f: &mut fmt::Formatter<'_>,
    field: &Field,
    operator: &str,
    value: Option<&Literal>,
) -> fmt::Result {
    let text = value.map(Literal::text).unwrap_or_default();
    let (not, plain) = match operator.strip_prefix("not_") {
        Some(plain) if plain != "exists" => ("!", plain),
        _ => ("", operator),
    };
    match plain {
        "contains" => write!(f, "{not}contains({field}, \"{text}\")"),
        "starts_with" => write!(f, "{not}match({field}, \"{text}*\")"),
        "ends_with" => write!(f, "{not}match({field}, \"*{text}\")"),
        "exists" => write!(f, "{field} != null"),
        "not_exists" => write!(f, "{field} = null"),
        "is_true" => write!(f, "{field} = true"),
        "is_false" => write!(f, "{field} = false"),
        "number_equals" => write!(f, "{field} = {text}"),
        "number_not_equals" => write!(f, "{field} != {text}"),
        "<" | "<=" | ">" | ">=" => {
            let number = value.map_or(f64::NAN, Literal::number);
            write!(f, "{field} {plain} {}", Literal::Number(number).text())
        }
        _ => match value {
            Some(Literal::Text(_)) => write!(f, "{field} {operator} \"{text}\""),
            _ => write!(f, "{field} {operator} {text}"),
        },
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (root, name) = match self {
            Field::Type => return f.write_str("type"),
            Field::Event => return f.write_str("event"),
            Field::Name => return f.write_str("name"),
            Field::UserId => return f.write_str("userId"),
            Field::Property(name) => ("properties.", name),
            Field::Trait(name) => ("traits.", name),
            Field::Context(name) => ("context.", name),
        };
        f.write_str(root)?;
        for c in name.chars() {
            if !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}
