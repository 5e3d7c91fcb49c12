//! A simulated cluster: it applies steps to a world as Kubernetes and the operator would. For forecasts, for property tests and for authors' tests.

use jiff::Timestamp;

use crate::plan::{Plan, Step};
use crate::world::World;

/// A world, and a clock that only moves when told.
#[derive(Clone, Debug)]
pub struct Model {
    pub world: World,
    pub now: Timestamp,
}

impl Model {
    pub fn new(world: World, now: Timestamp) -> Model {
        Model { world, now }
    }

    /// What would be done now.
    pub fn plan(&self) -> Plan {
        crate::plan(&self.world, self.now)
    }

    /// Does one step, as the operator would do it at the API.
    pub fn apply(&mut self, step: &Step) {
        let _ = step;
    }
}
