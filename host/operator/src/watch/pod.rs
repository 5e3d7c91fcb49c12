//! A pod as it is kept: what is made of it once, instead of all that it is made from. Clusters have many pods.

use std::sync::Arc;

use stateward_planner::Shared;
use stateward_planner::world::{OwnerReference, PodFacts};

use super::raw_pod::PodContainer;
use super::slim::Meta;

/// A pod, as far as plans and hooks need it.
#[derive(Clone, Debug)]
pub(crate) struct SlimPod {
    /// What plans see of it.
    pub facts: Shared<PodFacts>,
    pub namespace: Arc<str>,
    pub version: u64,
    pub containers: Arc<[PodContainer]>,
    /// Restarts by the names of its containers, of those that restarted.
    pub restarts: Box<[(String, u32)]>,
    /// All its containers run.
    pub runs: bool,
    /// The node's agent reported that all its containers ended.
    pub has_stopped: bool,
    /// It is on the network of its node.
    pub has_address_of_node: bool,
    /// The reason of what keeps it from running, when that will not pass by itself. Its hindrance tells more.
    pub obstacle: Option<Box<str>>,
}

impl SlimPod {
    /// Takes what it has in common with a sibling from there, so that it is kept once for both.
    pub(super) fn share_with(&mut self, sibling: &SlimPod) {
        if self.namespace == sibling.namespace {
            self.namespace = sibling.namespace.clone();
        }
        if self.containers == sibling.containers {
            self.containers = sibling.containers.clone();
        }
        if self.facts.owners == sibling.facts.owners {
            self.facts.owners = sibling.facts.owners.clone();
        }
    }

    /// Restarts of this container.
    pub(crate) fn restarts_of(&self, container: &str) -> u32 {
        let found = self.restarts.iter().find(|(name, _)| name == container);
        found.map_or(0, |(_, restarts)| *restarts)
    }

    /// What keeps it from running, when it is something that will not pass by itself: reason and message.
    pub(crate) fn obstacle(&self) -> Option<(&str, &str)> {
        let reason = self.obstacle.as_deref()?;
        Some((reason, self.facts.hindrance.as_deref().unwrap_or_default()))
    }
}

impl Meta for SlimPod {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::raw_pod::RawPod;
    use super::*;

    fn pod(name: &str, app: &str, port: u16) -> SlimPod {
        let owner = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": app, "uid": app, "controller": true });
        let containers = json!([{ "name": "main", "ports": [{ "containerPort": port }] }]);
        let raw: RawPod = serde_json::from_value(json!({
            "metadata": { "name": name, "namespace": "shop", "ownerReferences": [owner] },
            "spec": { "containers": containers },
        }))
        .unwrap();
        raw.into()
    }

    #[test]
    fn siblings_share_what_they_have_in_common_and_nothing_else() {
        let sibling = pod("web-0", "web", 80);
        let shares = |mut pod: SlimPod| {
            let before = pod.facts.clone();
            pod.share_with(&sibling);
            assert_eq!(pod.facts, before);
            [
                Arc::ptr_eq(&pod.namespace, &sibling.namespace),
                Arc::ptr_eq(&pod.containers, &sibling.containers),
                std::ptr::eq(&*pod.facts.owners, &*sibling.facts.owners),
            ]
        };
        assert_eq!(shares(pod("web-1", "web", 80)), [true, true, true]);
        assert_eq!(shares(pod("web-1", "web", 8080)), [true, false, true]);
        assert_eq!(shares(pod("db-0", "db", 80)), [true, true, false]);
    }
}
