//! Loads Stateward plugins and calls one hook of them in a fresh sandbox.
//!
//! ```text
//!  bytes ─► Runtime::load ─► Plugin ─► grant ─► Granted ─► validate · member_config · probe · act
//!            digest, imports,          asked ⊆ given?       one store per call: linked for the kind of hook,
//!            exports, compile,                              limited, metered, dropped whatever happens
//!            three linkings, describe
//! ```
//!
//! ```no_run
//! use std::sync::Arc;
//! use stateward_runtime::{Act, Call, Effects, Grants, Limits, Options, Outcome, Runtime, Snapshot};
//!
//! # async fn example(effects: Arc<dyn Effects>, snapshot: Snapshot) -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::new(Options::default())?;
//! let plugin = runtime.load(std::fs::read("mysql.wasm")?.into(), None).await?;
//! let granted = plugin.grant(Grants::all_asked(&plugin.manifest().asks), Limits::default())?;
//! let call = Call { id: "post-ready 6f1c 0".to_owned(), attempt: 1, ..Call::default() };
//! let answer = granted.act(Act::PostReady { ordinal: 0 }, call, snapshot, effects).await?;
//! if let Outcome::Refuse(why) = answer.outcome {
//!     println!("not now: {why}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here knows Kubernetes: what a plugin may do to the world comes in through [`Effects`], after grants and budgets were checked.

mod baseline;
mod cache;
mod calling;
mod capabilities;
mod contract;
mod digest;
mod effects;
mod errors;
#[cfg(test)]
mod fuzz;
mod grants;
mod hook;
mod limits;
mod linkings;
mod load;
mod manifest;
mod plugin;
mod quiet;
mod runtime;
mod sandbox;
mod settings;
mod text;
mod ticker;
mod usage;

pub use contract::{
    Act, Answer, App, Call, Cause, Claim, Death, Entry, Extra, Failure, Fault, Figure, Finding,
    Identity, Member, MoveCause, Outcome, Probed, Progress, Report, Request, Seen, Snapshot,
    Standing, Tls, Trust, Volume,
};
pub use digest::{Digest, NotADigest};
pub use effects::{Change, Command, Effects, ExecOutput, Job, Level, Stream, Weight};
pub use errors::{CallError, CallFault, LoadError, RuntimeError};
pub use grants::{
    ConfigGrant, ExecGrant, Grants, HttpGrant, MissingGrant, NeedsConsent, SecretsGrant, TcpGrant,
    TlsGrant,
};
pub use hook::{Hook, Kind};
pub use limits::Limits;
pub use manifest::{
    Asks, ConfigAsk, ExecAsk, HttpAsk, Lanes, Manifest, Metric, MetricKind, Role, SecretAsk, Task,
    TcpAsk, Why,
};
pub use plugin::{Granted, Plugin};
pub use runtime::{Options, Runtime};
pub use sandbox::Masks;
pub use settings::check_settings;
pub use usage::{Loading, Metered, Usage};
