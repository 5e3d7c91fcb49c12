//! A claim as it is kept, what is made of it instead of all that it is made from.

use std::sync::Arc;

use stateward_planner::Shared;
use stateward_planner::world::{Claim, OwnerReference};

use super::slim::Meta;

/// A PersistentVolumeClaim, as far as plans and hooks need it.
#[derive(Clone, Debug)]
pub(crate) struct SlimClaim {
    /// What plans see of it.
    pub facts: Shared<Claim>,
    pub namespace: Arc<str>,
    /// Whose member has used its volume, as it is marked.
    pub used_by: Option<String>,
}

impl Meta for SlimClaim {
    fn name(&self) -> &str {
        &self.facts.name
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn uid(&self) -> &str {
        &self.facts.uid
    }

    fn is_terminating(&self) -> bool {
        self.facts.deletion.is_some()
    }

    fn controller(&self) -> Option<&str> {
        OwnerReference::controlling(&self.facts.owners).map(|owner| owner.uid.as_str())
    }
}
