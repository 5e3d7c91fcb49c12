//! The end of an app: what is looked at once more before a member is prepared to leave.

use serde_json::Value;
use stateward_planner::Act;
use stateward_planner::journal::Cause;
use tokio::time::Instant;

use super::actor::Actor;
use crate::api::Collection;

impl Actor {
    /// Whoever deletes an app without its pods keeps them as they are. Kubernetes takes our name off them before the app shows nothing of it any more, but the
    /// watch of pods may lag behind that of apps: so the pod is read before its `pre-delete` is called. When it is not ours any more, the watch tells.
    pub(super) async fn may_be_torn_down(&mut self, act: &Act) -> bool {
        let Act::PreDelete {
            ordinal,
            pod,
            cause: Cause::Teardown,
        } = act
        else {
            return true;
        };
        if self.ours.contains(pod) {
            return true;
        }
        let name = format!("{}-{ordinal}", self.key.name);
        let title = format!("look at pod {name} before its teardown");
        let now = Instant::now();
        if !self.attempts.may_run(&title, now) {
            return false;
        }
        let read = (self.host.api)
            .get(Collection::Pods, &self.key.namespace, &name)
            .await;
        match read {
            Ok(found) => {
                let is_ours = uid(&found) == Some(pod) && controller(&found) == Some(&self.uid);
                if is_ours {
                    self.ours.insert(pod.clone());
                }
                is_ours
            }
            Err(error) => {
                let at = self.host.clock.now();
                self.attempts.failed(&title, error, at, now);
                false
            }
        }
    }
}

fn uid(object: &Value) -> Option<&str> {
    object.pointer("/metadata/uid")?.as_str()
}

fn controller(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let controller = owners.iter().find(|owner| owner["controller"] == true);
    controller?.get("uid")?.as_str()
}
