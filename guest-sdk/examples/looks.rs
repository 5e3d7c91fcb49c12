//! A plugin that looks at every member before the app is scaled: what one hook call costs is measured with it.

use stateward_sdk::prelude::*;

/// The plugin.
pub struct Looks;

#[plugin]
impl Looks {
    fn manifest() -> Manifest {
        Manifest::new("looks", "0.1.0")
    }

    fn pre_scale(&self, _scaling: &Scaling, host: &dyn Host) -> Step {
        let members = host.members();
        match members.iter().find(|member| member.address.is_none()) {
            Some(member) => refuse(format!("member {} has no address", member.ordinal)),
            None => done(),
        }
    }
}
