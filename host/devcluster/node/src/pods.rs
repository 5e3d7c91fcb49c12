//! A pod's life on this node.
//!
//! | file | topic |
//! |---|---|
//! | `lifecycle` | what to do next, as a pure function of what is known |
//! | `record` | what is known of a container |
//! | `backoff` | how long a failing container waits |
//! | `worker`, `start`, `stop` | the effects: one task per pod |
//! | `status` | what is told of the pod, pure |
//! | `environment`, `fields`, `expansion` | a container's variables |
//! | `directory` | the running containers, for exec and logs |

mod backoff;
pub(crate) mod directory;
mod environment;
mod expansion;
pub(crate) mod fields;
mod lifecycle;
mod record;
mod seed;
mod sources;
mod start;
mod status;
mod stop;
mod worker;

pub(crate) use worker::{Happening, Message, PodContext, Worker};
