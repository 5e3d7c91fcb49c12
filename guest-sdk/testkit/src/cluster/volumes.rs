//! Volumes of members. One that a member has used is known by its claim: while the claim is there, the member comes back with what it kept on it.

use std::collections::BTreeMap;

use stateward_planner::Step;
use stateward_sdk::Volume;

use crate::application::Application;
use crate::cluster::scene::Scene;

/// Whose volume it is, and from which template its claim was made.
#[derive(Debug, Clone)]
pub(super) struct Used {
    ordinal: u32,
    template: String,
}

/// Volumes that were used, by UID of the claim.
pub(super) type Volumes = BTreeMap<String, Used>;

impl<A: Application> Scene<A> {
    /// Does one step of a plan. A refusal means that the world moved on: the next plan says what follows.
    pub(super) fn apply(&mut self, step: &Step) {
        self.model.apply(step).ok();
        self.lose_volumes();
    }

    /// The member runs: its volumes are used from now on.
    pub(super) fn use_volumes(&mut self, ordinal: u32) {
        let end = format!("-{}", self.pod_name(ordinal));
        for claim in &self.model.world.claims {
            if let Some(template) = claim.name.strip_suffix(&end) {
                let used = Used {
                    ordinal,
                    template: template.to_owned(),
                };
                self.volumes.insert(claim.uid.clone(), used);
            }
        }
    }

    /// What was kept on volumes whose claims are gone is gone.
    pub(super) fn lose_volumes(&mut self) {
        let claims = &self.model.world.claims;
        let is_gone = |uid: &String| claims.iter().all(|claim| claim.uid != *uid);
        let gone: Vec<String> = self
            .volumes
            .keys()
            .filter(|uid| is_gone(uid))
            .cloned()
            .collect();
        for uid in gone {
            if let Some(Used { ordinal, template }) = self.volumes.remove(&uid) {
                let name = self.pod_name(ordinal);
                self.tell(format_args!(
                    "the volume {template} of {name} is gone, and what was on it"
                ));
                self.application.discard(ordinal, &template);
            }
        }
    }

    /// What is known of a member's volumes, and the UIDs of its claims.
    pub(super) fn volume(&self, ordinal: u32) -> (Volume, String) {
        let end = format!("-{}", self.pod_name(ordinal));
        let world = &self.model.world;
        let claims = world.claims.iter();
        let claims = claims.filter(|claim| claim.name.ends_with(&end));
        let claims: Vec<&str> = claims.map(|claim| claim.uid.as_str()).collect();
        let volume = if world.app.spec.claim_templates.is_empty() {
            Volume::None
        } else if claims.iter().any(|uid| self.volumes.contains_key(*uid)) {
            Volume::Same
        } else {
            Volume::New
        };
        (volume, claims.join(","))
    }
}
