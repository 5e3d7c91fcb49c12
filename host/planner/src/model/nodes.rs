//! What happens to pods and claims by themselves, on nodes and in Kubernetes' other controllers.

use super::Model;
use crate::world::{Pod, PodPhase};

impl Model {
    fn named(&mut self, pod: &str) -> Option<&mut Pod> {
        self.world.pods.iter_mut().find(|known| known.name == pod)
    }

    /// Its containers run and it is Ready. Nothing wakes a pod that ended or is terminating.
    pub fn start(&mut self, pod: &str) {
        let now = self.now;
        if let Some(pod) = self.named(pod)
            && pod.deletion.is_none()
            && !is_ended(pod)
        {
            pod.phase = PodPhase::Running;
            pod.ready_since.get_or_insert(now);
            pod.was_ready = true;
            pod.hindrance = None;
        }
    }

    /// Its readiness probe fails.
    pub fn make_unready(&mut self, pod: &str) {
        if let Some(pod) = self.named(pod) {
            pod.ready_since = None;
        }
    }

    /// One of its containers ends and is started again.
    pub fn restart(&mut self, pod: &str) {
        if let Some(pod) = self.named(pod)
            && pod.phase == PodPhase::Running
        {
            pod.restarts = pod.restarts.saturating_add(1);
            pod.ready_since = None;
        }
    }

    /// Evicted, or its containers ended for good.
    pub fn fail(&mut self, pod: &str) {
        if let Some(pod) = self.named(pod)
            && pod.phase != PodPhase::Succeeded
        {
            pod.phase = PodPhase::Failed;
            pod.ready_since = None;
        }
    }

    /// Somebody deletes it.
    pub fn delete_pod(&mut self, pod: &str) {
        let now = self.now;
        if let Some(pod) = self.named(pod) {
            pod.deletion.get_or_insert(now);
        }
    }

    /// A terminating pod is gone. Claims that it owns go with it.
    pub fn finish(&mut self, pod: &str) {
        let Some(index) = self
            .world
            .pods
            .iter()
            .position(|known| known.name == pod && known.deletion.is_some())
        else {
            return;
        };
        let gone = self.world.pods.remove(index);
        self.world
            .claims
            .retain(|claim| claim.owners.iter().all(|owner| owner.uid != gone.uid));
    }

    /// Somebody deletes the claim; as long as a pod uses it, it stays.
    pub fn delete_claim(&mut self, claim: &str) {
        let now = self.now;
        if let Some(found) = (self.world.claims.iter_mut()).find(|known| known.name == claim) {
            found.deletion = Some(now);
        }
    }

    /// A claim is gone.
    pub fn finish_claim(&mut self, claim: &str) {
        self.world.claims.retain(|known| known.name != claim);
    }
}

fn is_ended(pod: &Pod) -> bool {
    matches!(pod.phase, PodPhase::Failed | PodPhase::Succeeded)
}
