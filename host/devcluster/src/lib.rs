//! An embedded Kubernetes API: few kinds and verbs, served exactly as Kubernetes serves them, and a clear "not served
//! here" for everything else.
//!
//! ```text
//! request ─► request (path, query) ─► verbs ─► admission ─► store ─► watches
//!                                        │                    │
//!                                        └─ patch             └─ collector: owners, namespaces, definitions
//! ```
//!
//! A [`Cluster`] holds the objects behind one lock. Clients in the process call it directly; others over HTTPS.
//! Nodes and controllers are not part of it: they are clients like any other.

mod admission;
mod api;
mod clock;
mod cluster;
mod collector;
mod discovery;
mod disruption;
mod error;
mod failure;
mod in_process;
mod kinds;
mod media;
mod object;
mod openapi;
mod options;
mod patch;
mod protobuf;
mod quota;
mod representation;
mod request;
mod reviews;
mod selectors;
mod serving;
pub mod simulation;
mod state;
mod store;
mod tables;
mod tunnel;
mod verbs;

pub use clock::Clock;
pub use cluster::Cluster;
pub use error::ClusterError;
pub use serving::{ServeOptions, Serving};
