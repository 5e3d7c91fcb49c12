//! The Stateward operator: watches, plans, journals and carries out.
//!
//! ```text
//! watches ─► Index ─► one actor per app: World ─► plan ─► steps at the API · hook calls · status ─► watches
//! ```
//!
//! The planner decides everything, the runtime calls plugins; here is what speaks to the API server. [`run`] is the whole of it; [`world_of`] shows one
//! app's world to the commands that explain things; [`crds`] are the kinds that it brings.

mod admission;
pub mod annotations;
mod api;
mod apps;
mod capabilities;
mod clock;
pub mod crd;
mod errors;
mod events;
mod face;
mod hooks;
mod host;
mod latest;
mod metrics;
mod operator;
mod options;
mod plugins;
mod probes;
mod watch;
mod worlds;

pub use admission::{Admission, CalledAt, PlaceError, ServicePlace, WebhookUrl};
pub use api::ApiError;
pub use clock::Clock;
pub use crd::{crds, install_crds};
pub use errors::OperatorError;
pub use operator::run;
pub use options::{Options, Reach, StatefulSetsFace};
pub use plugins::{facts, not_found, told};
pub use worlds::world_of;
