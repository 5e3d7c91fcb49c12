//! Conversations with the embedded API, one file per topic.

mod objects;
mod watching;
