//! Marks on claims: which member has used a volume.

use serde_json::json;
use stateward_planner::world::Plugin;
use tokio::time::Instant;

use super::actor::Actor;
use super::steps::{Outcome, Place};
use crate::annotations::USED_BY;
use crate::watch::{Kind, Meta};
use crate::worlds::{View, ordinal_of};

impl Actor {
    /// A member that was ready has used its volumes: its claims say so from then on, whatever becomes of its pod.
    pub(super) async fn mark_used_volumes(&mut self, view: &View) {
        let world = &view.world;
        if !matches!(world.plugin, Plugin::Ready(_)) || self.is_stopping {
            return;
        }
        let mut marks = Vec::new();
        for pod in view.pods.iter() {
            let is_ours = pod.controller() == Some(world.app.uid.as_str());
            let was_ready = pod.facts.ready_since.is_some();
            let Some(ordinal) =
                ordinal_of(&world.app.name, pod.name()).filter(|_| is_ours && was_ready)
            else {
                continue;
            };
            let end = format!("-{}-{ordinal}", world.app.name);
            for claim in view
                .claims
                .iter()
                .filter(|claim| claim.name().ends_with(&end))
            {
                if claim.used_by.is_none() {
                    marks.push((claim.name().to_owned(), claim.uid().to_owned(), ordinal));
                }
            }
        }
        for (name, uid, ordinal) in marks {
            let title = format!("mark claim {name} as used");
            if !self.attempts.may_run(&title, Instant::now()) {
                continue;
            }
            let mark = format!("{}/{ordinal}", world.app.uid);
            let patch = json!({ "metadata": { "uid": uid, "annotations": { USED_BY: mark } } });
            let place = Place {
                api: self.host.api.clone(),
                app: self.key.clone(),
                uid: self.uid.clone(),
            };
            let mut outcome = Outcome::default();
            outcome.error = (place.merge(Kind::Claim, &name, &patch, &mut outcome).await).err();
            self.take(&title, "mark-claim", outcome);
        }
    }
}
