//! Applications that are ready to be used.

mod replicas;
mod ring;

pub use replicas::{Replicas, Server};
pub use ring::{Ring, State};
