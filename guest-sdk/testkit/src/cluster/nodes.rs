//! Nodes, as many as it takes: each member has one of its own. From a cordoned one its member leaves, and no pod is put there; from a drained one it is evicted
//! as soon as no disruption budget refuses.

use std::collections::BTreeMap;

use stateward_planner::identity::EVICTABLE_LABEL;
use stateward_planner::world::{Budgets, Pod};

use crate::application::Application;
use crate::cluster::Cluster;
use crate::cluster::scene::Scene;

/// A node that takes no pods.
#[derive(Debug, Clone)]
pub(super) struct Cordoned {
    /// The member for whose sake it was cordoned.
    ordinal: u32,
    /// Somebody goes on evicting its pods.
    is_drained: bool,
}

/// Nodes that take no pods, by name.
pub(super) type Nodes = BTreeMap<String, Cordoned>;

impl<A: Application> Cluster<A> {
    /// The node of this member is cordoned. Where the plugin has `pre_delete`, the member leaves it, when all others are available: `pre_delete` is asked
    /// with the cause `evict`. Nobody evicts it, so the host deletes it in the end.
    pub fn cordon(&self, ordinal: u32) {
        self.live.borrow_mut().cordon(ordinal, false);
    }

    /// As [`cordon`](Cluster::cordon), and somebody drains the node: he evicts the member as soon as it may be evicted.
    pub fn drain(&self, ordinal: u32) {
        self.live.borrow_mut().cordon(ordinal, true);
    }

    /// The node that was cordoned or drained for this member's sake takes pods again. If the member is still there, what was done for its leave is undone.
    pub fn uncordon(&self, ordinal: u32) {
        self.live.borrow_mut().uncordon(ordinal);
    }
}

impl<A: Application> Scene<A> {
    fn cordon(&mut self, ordinal: u32, is_drained: bool) {
        let name = self.pod_name(ordinal);
        let pods = &mut self.model.world.pods;
        let pod = pods.iter_mut().find(|pod| pod.name == name);
        let node = pod.and_then(|pod| {
            pod.is_evicted = pod.node.is_some();
            pod.node.clone()
        });
        let Some(node) = node else {
            self.mistake(format!("{name} runs on no node: let the app settle first"));
            return;
        };
        let how = if is_drained { "drains" } else { "cordons" };
        self.tell(format_args!("somebody {how} {node}, the node of {name}"));
        let cordoned = Cordoned {
            ordinal,
            is_drained,
        };
        self.nodes.insert(node, cordoned);
    }

    fn uncordon(&mut self, ordinal: u32) {
        self.nodes.retain(|_, cordoned| cordoned.ordinal != ordinal);
        let name = self.pod_name(ordinal);
        self.tell(format_args!("somebody uncordons the node of {name}"));
        for pod in &mut self.model.world.pods {
            let node = pod.node.as_ref();
            pod.is_evicted = node.is_some_and(|node| self.nodes.contains_key(node));
        }
    }

    /// Puts a pod on the first node that is free.
    pub(super) fn schedule(&mut self, name: &str) {
        let is_free = |node: &String| {
            let mut pods = self.model.world.pods.iter();
            !self.nodes.contains_key(node) && pods.all(|pod| pod.node.as_ref() != Some(node))
        };
        let mut nodes = (0..u32::MAX).map(|number| format!("node-{number}"));
        let free = nodes.find(is_free);
        let pods = &mut self.model.world.pods;
        if let Some(pod) = pods.iter_mut().find(|pod| pod.name == name)
            && pod.node.is_none()
        {
            pod.node = free;
        }
    }

    /// Another pod comes under the name of this one: nothing that was decided about the former holds for it.
    pub(super) fn leave_node(pod: &mut Pod) {
        pod.node = None;
        pod.is_evicted = false;
        pod.labels.remove(EVICTABLE_LABEL);
    }

    /// Who drains a node tries again and again, and is refused as long as a disruption budget selects the pod.
    pub(super) fn evict(&mut self) {
        let world = &self.model.world;
        let budgets = match &world.budgets {
            Budgets::Seen { budgets } => budgets.as_slice(),
            Budgets::NotLooked | Budgets::Unreadable { .. } => &[],
        };
        let is_drained = |pod: &Pod| {
            let node = pod.node.as_ref().and_then(|node| self.nodes.get(node));
            node.is_some_and(|node| node.is_drained)
        };
        let is_kept = |pod: &Pod| {
            let mut selectors = budgets.iter().filter_map(|budget| budget.selector.as_ref());
            selectors.any(|selector| selector.matches(&pod.labels))
        };
        let evicted: Vec<String> = (world.pods.iter())
            .filter(|pod| pod.deletion.is_none() && is_drained(pod) && !is_kept(pod))
            .map(|pod| pod.name.clone())
            .collect();
        for name in evicted {
            self.tell(format_args!("{name} is evicted from its node"));
            self.model.delete_pod(&name);
        }
    }
}
