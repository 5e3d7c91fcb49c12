//! Plugins: from a Plugin object to something that hooks can be called on.
//!
//! ```text
//! Plugin object ─► source (file, ConfigMap) ─► digest, load ─► grant ─► Offer::Ready ─► apps
//!                        └──────────────── refused ────────────┴──► Offer::Unavailable, status and event say why
//! ```
//!
//! A version that keeps ending its calls without an answer is quarantined: the one before it, if that ever answered, is served again, until the Plugin is
//! changed. A plugin that cannot be loaded concerns the apps that name it, and nobody else. When the source of a plugin that is served cannot be read any more, the
//! version that is served goes on. What began on a version before the operator was started anew ends on it as long as the plugin cache has it.

mod conduct;
mod earlier;
mod facts;
mod limits;
mod loading;
mod manager;
mod registry;
mod source;

pub(crate) use conduct::Trapping;
pub(crate) use earlier::{Earlier, Lost};
pub use facts::{facts, not_found, told};
pub(crate) use manager::{Heard, Manager};
pub(crate) use registry::{Offer, Registry, Serving};
