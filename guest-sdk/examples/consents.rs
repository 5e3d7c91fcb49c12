//! A plugin that is asked before every member comes and after it is ready, and agrees at once: what hooks cost the operator is measured with it.

use stateward_sdk::prelude::*;

/// The plugin.
pub struct Consents;

#[plugin]
impl Consents {
    fn manifest() -> Manifest {
        Manifest::new("consents", "0.1.0")
            .post_ready_overlaps()
            .pre_scale_overlaps()
    }

    fn pre_scale(&self, _scaling: &Scaling, _host: &dyn Host) -> Step {
        done()
    }

    fn post_ready(&self, _joining: &Joining, _host: &dyn Host) -> Step {
        done()
    }
}
