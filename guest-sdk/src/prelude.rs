//! What a plugin usually needs: `use stateward_sdk::prelude::*;`

pub use crate::app::{App, Claim};
pub use crate::call::{Call, Cause, MoveCause};
pub use crate::failure::Failure;
pub use crate::finding::Finding;
pub use crate::host::{Command, Host, Reach, View};
pub use crate::http::Request;
pub use crate::manifest::{Manifest, Role};
pub use crate::member::Member;
pub use crate::occasion::{Joining, Leaving, Left, Moving, Scaling, Task};
pub use crate::plugin;
pub use crate::report::Report;
pub use crate::step::{Fault, Outcome, Pacing, Step, again, done, millis, refuse, secs};
