//! Ends of pods, and what is known of them.
//!
//! | known | counts as |
//! |---|---|
//! | the node's agent reported that all containers ended | stopped |
//! | the pod's node is fenced, now or since the pod went | fenced: whatever ran there runs no more |
//! | the object is gone, and nothing else | gone: its processes may still run |
//!
//! A node is fenced when it has the taint `node.kubernetes.io/out-of-service`, by which somebody vouches that it is shut down, and its agent does not
//! contradict: it is not ready. That is when Kubernetes itself gives its volumes to others.

use std::collections::BTreeSet;

use stateward_runtime::Death;

use super::follow::News;
use super::index::{Index, State};
use super::pod::SlimPod;
use super::slim::Meta;
use crate::latest::Latest;

/// Ends of pods that are remembered.
const REMEMBERED: usize = 1024;

/// What is known of ends.
#[derive(Default)]
pub(super) struct Deaths {
    /// Pods that are gone, by UID.
    gone: Latest<String, Gone, REMEMBERED>,
    fenced: BTreeSet<String>,
}

struct Gone {
    namespace: String,
    name: String,
    node: Option<String>,
    death: Death,
}

impl Index {
    /// What is known of the end of a pod that is gone.
    pub(crate) fn death_of(&self, uid: &str) -> Option<Death> {
        let state = self.read();
        state.deaths.gone.get(uid).map(|gone| gone.death.clone())
    }

    /// The nodes that are fenced.
    pub(crate) fn fenced_nodes(&self) -> BTreeSet<String> {
        self.read().deaths.fenced.clone()
    }
}

impl State {
    /// The last that was seen of a pod.
    pub(super) fn died(&mut self, pod: &SlimPod) {
        let node = pod.facts.node.clone();
        let is_fenced = node
            .as_ref()
            .is_some_and(|node| self.deaths.fenced.contains(node));
        let death = if pod.has_stopped {
            Death::Stopped
        } else if is_fenced {
            Death::NodeFenced
        } else {
            Death::ObjectGone
        };
        let gone = Gone {
            namespace: pod.namespace().to_owned(),
            name: pod.name().to_owned(),
            node,
            death,
        };
        self.deaths.gone.insert(pod.uid().to_owned(), gone);
    }

    /// Tells the apps whose members ran there.
    pub(super) fn set_fenced(&mut self, node: &str, is_fenced: bool) -> Vec<News> {
        let has_changed = match is_fenced {
            true => self.deaths.fenced.insert(node.to_owned()),
            false => self.deaths.fenced.remove(node),
        };
        if !has_changed {
            return Vec::new();
        }
        let mut places = self.pods_on(node);
        let on_it = |gone: &&mut Gone| gone.node.as_deref() == Some(node);
        let unproven = (self.deaths.gone.values_mut().filter(on_it))
            .filter(|gone| is_fenced && gone.death == Death::ObjectGone);
        for gone in unproven {
            gone.death = Death::NodeFenced;
            places.push((gone.namespace.clone(), gone.name.clone()));
        }
        self.apps_at(&places)
    }

    /// Namespaces and names of the pods on this node.
    pub(super) fn pods_on(&self, node: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (namespace, pods) in &self.pods {
            let on_it = pods
                .values()
                .filter(|pod| pod.facts.node.as_deref() == Some(node));
            found.extend(on_it.map(|pod| (namespace.clone(), pod.name().to_owned())));
        }
        found
    }

    /// Tells the apps of these pods.
    pub(super) fn apps_at(&self, places: &[(String, String)]) -> Vec<News> {
        let apps =
            (places.iter()).flat_map(|(namespace, name)| self.apps_named_in(namespace, name));
        apps.map(News::App).collect()
    }
}
