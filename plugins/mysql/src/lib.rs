//! Stateward plugin for MariaDB.

use stateward_sdk::prelude::*;

/// The plugin.
pub struct Mysql;

#[plugin]
impl Mysql {
    fn manifest() -> Manifest {
        Manifest::new("mysql", env!("CARGO_PKG_VERSION")).tcp("mysql", "speak the MySQL protocol")
    }

    fn post_ready(&self, _: &Call, _: &App, member: &Member, host: &dyn Host) -> Step {
        host.info(&format!("member {} is ready", member.ordinal));
        done()
    }
}
