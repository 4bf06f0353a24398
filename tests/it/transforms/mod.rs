//! Transforms on sources and on sinks, alone and in every order.

mod bursts;
mod order;
mod pace;
mod several_rules;
