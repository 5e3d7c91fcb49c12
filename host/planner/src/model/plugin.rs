//! The plugin's side: calls in flight, and their answers.

use super::Model;
use crate::hooks;
use crate::identity::ordinal_of;
use crate::journal::commit::{Answer, Conflict, Request, commit};
use crate::journal::{Act, InvocationId, Phase};
use crate::world::{Plugin, Role};

impl Model {
    /// Calls that are in flight.
    pub fn calls(&self) -> Vec<InvocationId> {
        self.world
            .journal
            .values()
            .filter(|known| known.phase == Phase::Calling)
            .map(|known| known.id.clone())
            .collect()
    }

    /// A call comes back. What it asks of the host, and what must outlive the host, is written with it.
    pub fn answer(&mut self, id: &InvocationId, answer: &Answer) -> Result<(), Conflict> {
        let Some(known) = self.world.journal.get(id).cloned() else {
            return Ok(());
        };
        let status = commit(
            &self.world.recorded,
            &known,
            answer,
            &self.world.pods,
            &self.roles(),
        )?;
        if let Some(known) = self.world.journal.get_mut(id) {
            known.phase = answer.phase.clone();
            if answer.checkpoint.is_some() {
                known.checkpoint.clone_from(&answer.checkpoint);
            }
        }
        let is_written = !answer.requests.is_empty()
            || self.world.journal.get(id).is_some_and(hooks::must_stand);
        if is_written {
            self.write(status);
        }
        Ok(())
    }

    /// A user wants it to be called again now.
    pub fn retry(&mut self, id: &InvocationId) {
        if let Some(known) = self.world.journal.get_mut(id)
            && let Some(retried) = known.phase.retried(self.now)
        {
            known.phase = retried;
        }
    }

    /// The answer of a plugin for which all goes well: done, and roles held by whoever is next.
    pub fn well(&self, id: &InvocationId) -> Answer {
        let requests = match self.world.journal.get(id).map(|known| &known.act) {
            Some(Act::PostReady { pod, .. }) => self.claims_of_unheld(pod),
            Some(Act::MoveRole { role, target, .. }) => {
                self.takeover(role, *target).into_iter().collect()
            }
            _ => Vec::new(),
        };
        let is_undoing = self
            .world
            .journal
            .get(id)
            .is_some_and(|known| known.cancelling);
        Answer {
            phase: Phase::Done,
            checkpoint: None,
            requests: if is_undoing { Vec::new() } else { requests },
        }
    }

    fn roles(&self) -> Vec<Role> {
        match &self.world.plugin {
            Plugin::Ready(plugin) => plugin.roles.clone(),
            Plugin::None | Plugin::Unavailable { .. } => Vec::new(),
        }
    }

    /// Exclusive roles that nobody holds are claimed by who joins.
    fn claims_of_unheld(&self, pod: &str) -> Vec<Request> {
        self.roles()
            .iter()
            .filter(|role| role.exclusive)
            .filter_map(|role| {
                let known = self
                    .world
                    .recorded
                    .roles
                    .iter()
                    .find(|known| known.name == role.name);
                let holder = known.and_then(|known| known.holder.as_ref());
                let is_held = holder
                    .is_some_and(|holder| self.world.pods.iter().any(|pod| pod.uid == holder.pod));
                (!is_held).then(|| Request::Claim {
                    role: role.name.clone(),
                    pod: pod.to_owned(),
                    after_epoch: known.map_or(0, |known| known.epoch),
                })
            })
            .collect()
    }

    /// The target, or the lowest other member that can serve, takes the role.
    fn takeover(&self, role: &str, target: Option<u32>) -> Option<Request> {
        let known = self
            .world
            .recorded
            .roles
            .iter()
            .find(|known| known.name == role)?;
        let holder = known.holder.as_ref().map(|holder| &holder.pod);
        let (_, pod) = self
            .world
            .pods
            .iter()
            .filter(|pod| pod.deletion.is_none() && crate::availability::is_ready(pod))
            .filter(|pod| Some(&pod.uid) != holder)
            .filter_map(|pod| Some((ordinal_of(&self.world.app.name, &pod.name)?, pod)))
            .filter(|(ordinal, _)| self.world.app.spec.contains(*ordinal))
            .filter(|(ordinal, _)| target.is_none_or(|target| target == *ordinal))
            .min_by_key(|(ordinal, _)| *ordinal)?;
        Some(Request::Claim {
            role: role.to_owned(),
            pod: pod.uid.clone(),
            after_epoch: known.epoch,
        })
    }
}
