//! What a hook asks of the host along with its answer. It is checked as the real host checks it, queued, and committed with the answer; then the planner carries
//! it out.

use stateward_planner::journal::commit::Request;
use stateward_planner::world::Plugin;
use stateward_sdk::Failure;

use crate::application::Application;
use crate::cluster::live::Live;
use crate::cluster::scene::Scene;

/// Requests of one call.
const MOST: usize = 16;
/// Claims of one member that can be discarded at once.
const MOST_CLAIMS: usize = 16;
/// Characters of a UID.
const LONGEST_UID: usize = 64;

impl<A: Application> Live<A> {
    /// A role is to be held by this pod, or by nobody.
    pub(super) fn ask_for_role(
        &self,
        role: &str,
        pod: Option<&str>,
        after_epoch: u64,
    ) -> Result<(), Failure> {
        self.granted(|scene| scene.grants.allow_requests())?;
        let mut scene = self.0.borrow_mut();
        scene.may_change(role, after_epoch)?;
        let (role, words) = (role.to_owned(), asks_for(role, pod));
        let request = match pod {
            Some(pod) => Request::Claim {
                role,
                pod: pod.to_owned(),
                after_epoch,
            },
            None => Request::Release { role, after_epoch },
        };
        scene.queue(request, &words)
    }

    /// This pod is to be replaced.
    pub(super) fn ask_for_replacement(&self, pod: &str, why: &str) -> Result<(), Failure> {
        self.granted(|scene| scene.grants.allow_requests())?;
        let mut scene = self.0.borrow_mut();
        let mut shown = scene.shown.iter();
        let Some(member) = shown.find(|member| member.pod.as_deref() == Some(pod)) else {
            return Err(Failure::Replaced);
        };
        let name = scene.pod_name(member.ordinal);
        let request = Request::DeletePod {
            pod: pod.to_owned(),
            why: why.to_owned(),
        };
        scene.queue(request, &format!("asks for {name} to be replaced: {why}"))
    }

    /// These claims of the member are to be deleted.
    pub(super) fn ask_for_discarding(
        &self,
        ordinal: u32,
        claims: &[&str],
        why: &str,
    ) -> Result<(), Failure> {
        self.granted(|scene| scene.grants.allow_discard_volumes())?;
        let mut scene = self.0.borrow_mut();
        scene.is_member(ordinal)?;
        if claims.is_empty() || claims.len() > MOST_CLAIMS {
            let text = format!("name 1 to {MOST_CLAIMS} claims by their UIDs");
            return Err(Failure::Other(text));
        }
        let is_uid = |uid: &&str| (1..=LONGEST_UID).contains(&uid.len());
        if !claims.iter().all(is_uid) {
            let text = format!("a UID has 1 to {LONGEST_UID} characters");
            return Err(Failure::Other(text));
        }
        let name = scene.pod_name(ordinal);
        let request = Request::DiscardVolumes {
            ordinal,
            claims: claims.iter().map(|&claim| claim.to_owned()).collect(),
            why: why.to_owned(),
        };
        let words = format!("asks for the volumes of {name} to be discarded: {why}");
        scene.queue(request, &words)
    }

    /// The member is not to be started again.
    pub(super) fn ask_for_quarantine(&self, ordinal: u32, why: &str) -> Result<(), Failure> {
        self.granted(|scene| scene.grants.allow_requests())?;
        let mut scene = self.0.borrow_mut();
        scene.is_member(ordinal)?;
        let name = scene.pod_name(ordinal);
        let request = Request::Quarantine {
            ordinal,
            why: why.to_owned(),
        };
        let words = format!("asks for {name} not to be started again: {why}");
        scene.queue(request, &words)
    }
}

impl<A: Application> Scene<A> {
    /// One change of an exclusive role per call, after the epoch that stands.
    fn may_change(&self, role: &str, after_epoch: u64) -> Result<(), Failure> {
        let world = &self.model.world;
        let is_known = match &world.plugin {
            Plugin::Ready(plugin) => {
                (plugin.roles.iter()).any(|known| known.name == role && known.exclusive)
            }
            _ => false,
        };
        if !is_known {
            return Err(Failure::Denied(format!(
                "the manifest declares no exclusive role {role:?}"
            )));
        }
        let mut recorded = world.recorded.roles.iter();
        let known = recorded.find(|known| known.name == role);
        let epoch = known.map_or(0, |known| known.epoch);
        let is_queued = self.queued.iter().any(|queued| match queued {
            Request::Claim { role: other, .. } | Request::Release { role: other, .. } => {
                other == role
            }
            _ => false,
        });
        match epoch != after_epoch || is_queued {
            true => Err(Failure::Conflict),
            false => Ok(()),
        }
    }

    fn is_member(&self, ordinal: u32) -> Result<(), Failure> {
        match self.shown.iter().any(|member| member.ordinal == ordinal) {
            true => Ok(()),
            false => Err(Failure::Other(format!("there is no member {ordinal}"))),
        }
    }

    fn queue(&mut self, request: Request, words: &str) -> Result<(), Failure> {
        if self.queued.len() >= MOST {
            return Err(Failure::Budget(format!("{MOST} requests per call")));
        }
        self.history.detail(words);
        self.queued.push(request);
        Ok(())
    }
}

fn asks_for(role: &str, pod: Option<&str>) -> String {
    match pod {
        Some(pod) => format!("asks for {role} to be held by {pod}"),
        None => format!("asks for {role} to be released"),
    }
}
