//! A complete plugin: a member of a ring hands its data over before it leaves for good.

use stateward_sdk::prelude::*;

/// The plugin.
pub struct Ring;

#[plugin]
impl Ring {
    fn manifest() -> Manifest {
        Manifest::new("ring", "0.1.0").exec("ring", ["ringctl", "*"], "hand data over")
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        let (Some(pod), true) = (&leaving.pod, leaving.for_good()) else {
            return done(); // after an update or an eviction it comes back
        };
        let ringctl = |verb| host.exec(pod, &Command::new(["ringctl", verb]).container("ring"), secs(9));
        match ringctl("state")?.stdout.trim_ascii() {
            b"LEFT" => return done(),
            b"LEAVING" => {}
            _ => drop(ringctl("leave")?),
        }
        again("handing its data over").after(secs(5))
    }
}

#[cfg(test)]
mod tests {
    use stateward_testkit::{Cluster, Scenario, applications};

    use super::*;

    #[test]
    fn no_data_is_lost_whatever_goes_wrong() {
        Scenario::new("a ring grows, rolls and shrinks", || Cluster::new(Ring, applications::Ring::new()))
            .when("three are wanted", |ring| ring.scale(3))
            .when("a new image is wanted", Cluster::update)
            .when("two are wanted", |ring| ring.scale(2))
            .always("no data is lost", |ring| assert_eq!(ring.application().data(), 60))
            .survives_every_fault();
    }
}
