//! A node and its controllers on the embedded API. The tests with real processes need root, as CI has it.

mod bed;
mod exec;
mod lifetimes;
mod processes;
mod servers;
mod simulated;
mod storage;
mod told;
