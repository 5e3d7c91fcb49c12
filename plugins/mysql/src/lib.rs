//! Stateward plugin for MariaDB: one primary, replicas that follow it by GTID.
//!
//! Servers boot read-only and follow nobody. Who is the primary stands in the host's claim on the role `primary` and nowhere else; what a member
//! becomes is decided from it each time, so a restarted or repeated call finds its way from what is.
//!
//! | hook | does |
//! |---|---|
//! | `validate` | refuses settings that make no sense (`settings`) |
//! | `member_config` | gives each member its `server-id` |
//! | `post_ready` | makes a member the first primary, the primary again, or a replica (`join`) |
//! | `pre_scale` | holds a scale-in while a member that stays lags (`scale`) |
//! | `move_role` | switches over without losing a write (`switchover`) |
//! | `pre_delete` | detaches a member that leaves for good (`leave`) |
//! | `probe` | tells role, health and lag (`probe`) |

mod attach;
mod bootstrap;
mod fence;
mod group;
mod join;
mod leave;
mod position;
mod probe;
mod protocol;
mod quote;
mod reopen;
mod replica;
mod scale;
mod server;
mod settings;
mod switchover;
mod trouble;

use std::collections::BTreeMap;

use stateward_sdk::prelude::*;

use group::PRIMARY;
use settings::Settings;

/// Ids of servers start here, so that none is 0 or looks like an ordinal.
const FIRST_SERVER_ID: u32 = 100;

/// The plugin.
pub struct Mysql;

#[plugin]
impl Mysql {
    fn manifest() -> Manifest {
        Manifest::new("mysql", env!("CARGO_PKG_VERSION"))
            .tcp(
                "mysql",
                "set up and watch replication, over the MySQL protocol",
            )
            .secret("root", "log in to members as root")
            .secret("replication", "let replicas log in to the primary")
            .state(
                "remember that the app was bootstrapped, and for which move a primary was closed",
            )
            .requests("record who is the primary")
            .events("tell when the primary moves and when a member has diverged")
            .role(Role::exclusive(PRIMARY).movable())
            .post_ready_overlaps()
            .settings(Settings::schema())
    }

    fn validate(&self, old: Option<&App>, new: &App, _: &dyn View) -> Vec<Finding> {
        settings::validate(old, new)
    }

    fn member_config(&self, _: &App, member: &Member, _: &dyn View) -> BTreeMap<String, String> {
        let server_id = member.ordinal.saturating_add(FIRST_SERVER_ID);
        BTreeMap::from([("server-id".to_owned(), server_id.to_string())])
    }

    fn probe(&self, app: &App, member: &Member, reach: &dyn Reach) -> Result<Report, Fault> {
        probe::probe(app, member, reach)
    }

    fn pre_scale(&self, scaling: &Scaling, host: &dyn Host) -> Step {
        scale::pre_scale(&scaling.call, &scaling.app, host)
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        join::post_ready(&joining.call, &joining.app, joining, host)
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        leave::pre_delete(&leaving.call, &leaving.app, leaving, &leaving.why, host)
    }

    fn move_role(&self, moving: &Moving, host: &dyn Host) -> Step {
        let Moving {
            call,
            app,
            held,
            why,
            target,
        } = moving;
        switchover::move_role(call, app, held, why, *target, host)
    }
}
