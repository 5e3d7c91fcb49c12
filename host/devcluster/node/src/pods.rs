//! A pod's life on this node.
//!
//! | file | topic |
//! |---|---|
//! | `lifecycle` | what to do next, as a pure function of what is known |
//! | `record` | what is known of a container |
//! | `backoff` | how long a failing container waits |
//! | `worker` | one task per pod, which does what was decided |
//! | `prepare`, `start`, `stop`, `tell` | the effects |
//! | `happenings` | what containers, hooks and probes report to the worker |
//! | `seed` | taking over pods of an earlier agent |
//! | `status` | what is told of the pod, pure |
//! | `environment`, `fields`, `resources`, `expansion` | a container's variables |
//! | `last_words` | what a container says about its end |
//! | `host_ports` | ports of the node, one pod each |
//! | `condition` | what a status says, for everybody who reads it |
//! | `directory` | the running containers, for exec and logs |

mod backoff;
pub(crate) mod condition;
mod context;
pub(crate) mod directory;
mod environment;
mod expansion;
pub(crate) mod fields;
mod happenings;
pub(crate) mod host_ports;
mod last_words;
mod lifecycle;
mod logs;
mod prepare;
mod record;
pub(crate) mod resources;
mod seed;
mod sources;
mod start;
mod status;
mod stop;
mod tell;
mod worker;

pub(crate) use context::PodContext;
pub(crate) use happenings::{Happening, Message};
pub(crate) use worker::Worker;
