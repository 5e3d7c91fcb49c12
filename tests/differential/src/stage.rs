//! A scenario on a cluster: the embedded one in moved time, or a namespace of a real one.

mod deeds;
mod embedded;
mod kubernetes;
mod manifest;
mod protection;

pub use deeds::Actor;
pub use embedded::{Played, play_embedded};
pub use kubernetes::{Patience, play_on};
