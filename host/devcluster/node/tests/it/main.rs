//! A node and its controllers on the embedded API.

mod bed;
mod processes;
