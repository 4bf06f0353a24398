//! The syntax tree of a template.

use super::filters::call::Filter;

/// A part of a template, run in order.
#[derive(Debug)]
pub(super) enum Statement {
    Text(String),
    Output(Expression),
    Assign(String, Expression),
    Capture(String, Vec<Statement>),
    /// Branches in order, then the part for none of them.
    If(Vec<Branch>, Vec<Statement>),
    /// Writes a counter and adds one to it afterwards.
    Increment(String),
    /// Takes one from a counter and writes it.
    Decrement(String),
    /// Writes the next of its values.
    Cycle(Option<Operand>, Vec<Operand>),
    /// A part with a scope for the word `block`.
    Block(Vec<Statement>),
    /// The lines of a tag `liquid`.
    Lines(Vec<Statement>),
    /// Ends the template.
    Stop,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) condition: Expression,
    /// Taken if the condition does not hold.
    pub(super) negated: bool,
    pub(super) statements: Vec<Statement>,
}

/// A value and the filters it passes through, each with its arguments.
#[derive(Debug)]
pub(super) struct Expression {
    /// Operands and operators, an operator behind the operands it takes.
    pub(super) parts: Vec<Part>,
    pub(super) filters: Vec<(Filter, Vec<Argument>)>,
}

#[derive(Debug)]
pub(super) enum Part {
    Operand(Operand),
    Operator(Operator),
}

/// An argument of a filter, which may have a name.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: Option<String>,
    pub(super) value: Option<Operand>,
}

#[derive(Debug)]
pub(super) enum Operand {
    Word(Word),
    Number(f64),
    Text(String),
    /// The whole numbers from one to another.
    Range(Box<Operand>, Box<Operand>),
    /// A path: keys below a value, or below the event and the template's variables.
    Path(Option<Box<Operand>>, Vec<Operand>),
}

/// Words that are values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    True,
    False,
    Nil,
    Empty,
    Blank,
}

pub(super) const WORDS: &[(&str, Word)] = &[
    ("true", Word::True),
    ("false", Word::False),
    ("nil", Word::Nil),
    ("null", Word::Nil),
    ("empty", Word::Empty),
    ("blank", Word::Blank),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Equal,
    Different,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Contains,
    Not,
    And,
    Or,
}

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("==", Operator::Equal),
    ("!=", Operator::Different),
    (">", Operator::Greater),
    ("<", Operator::Less),
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("contains", Operator::Contains),
    ("not", Operator::Not),
    ("and", Operator::And),
    ("or", Operator::Or),
];

impl Operator {
    /// Returns how tightly the operator binds. Operators that bind alike are evaluated from the right.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Operator::And | Operator::Or => 0,
            Operator::Not => 1,
            _ => 2,
        }
    }
}
