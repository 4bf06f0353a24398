//! Transforms on sources and on sinks, alone and in every order.

mod order;
mod pace;
