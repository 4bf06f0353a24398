//! Transforms on sources and on sinks, alone and in every order.

mod bursts;
mod order;
mod pace;
mod places;
mod several_rules;
