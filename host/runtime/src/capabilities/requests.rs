//! What the host is asked to do along with the outcome. Grant: `requests`.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::{Failure, Request};
use crate::sandbox::Sandbox;

/// Claims of one member that can be discarded at once.
const MAX_CLAIMS: usize = 16;

const FUNCTIONS: [&str; 5] = [
    "claim-role",
    "release-role",
    "delete-pod",
    "discard-volumes",
    "quarantine",
];

pub(super) fn link(
    requests: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(requests, "requests", &FUNCTIONS);
    }
    requests.func_wrap(
        "claim-role",
        |mut cx: StoreContextMut<'_, Sandbox>, (role, pod, after_epoch): (String, String, u64)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.claim_role(role, pod, after_epoch),))
        },
    )?;
    requests.func_wrap(
        "release-role",
        |mut cx: StoreContextMut<'_, Sandbox>, (role, after_epoch): (String, u64)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.release_role(role, after_epoch),))
        },
    )?;
    requests.func_wrap(
        "delete-pod",
        |mut cx: StoreContextMut<'_, Sandbox>, (pod, why): (String, String)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.delete_pod(pod, &why),))
        },
    )?;
    requests.func_wrap(
        "discard-volumes",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (ordinal, claims, why): (u32, Vec<String>, String)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.discard_volumes(ordinal, claims, &why),))
        },
    )?;
    requests.func_wrap(
        "quarantine",
        |mut cx: StoreContextMut<'_, Sandbox>, (ordinal, why): (u32, String)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.quarantine(ordinal, &why),))
        },
    )
}

impl Sandbox {
    fn claim_role(&mut self, role: String, pod: String, after_epoch: u64) -> Result<(), Failure> {
        self.may_request(&role, after_epoch)?;
        if !self.snapshot.has_pod(&pod) {
            return Err(Failure::Replaced);
        }
        self.queue(Request::ClaimRole {
            role,
            pod,
            after_epoch,
        })
    }

    fn release_role(&mut self, role: String, after_epoch: u64) -> Result<(), Failure> {
        self.may_request(&role, after_epoch)?;
        if after_epoch == 0 {
            return Err(Failure::Conflict);
        }
        self.queue(Request::ReleaseRole { role, after_epoch })
    }

    fn delete_pod(&mut self, pod: String, why: &str) -> Result<(), Failure> {
        self.may_ask()?;
        if !self.snapshot.has_pod(&pod) {
            return Err(Failure::Replaced);
        }
        let why = self.shown(why, self.limits().text);
        self.queue(Request::DeletePod { pod, why })
    }

    fn discard_volumes(
        &mut self,
        ordinal: u32,
        claims: Vec<String>,
        why: &str,
    ) -> Result<(), Failure> {
        if !self.grants().discard_volumes {
            let grant = "discardVolumes: true";
            // Data is at stake: not let through where grants are only counted.
            self.effects.refused(grant, false);
            return Err(Failure::Denied(format!(
                "discarding volumes needs the grant {grant}"
            )));
        }
        self.is_member(ordinal)?;
        if claims.is_empty() || claims.len() > MAX_CLAIMS {
            return Err(Failure::Other(format!(
                "name 1 to {MAX_CLAIMS} claims by their UIDs"
            )));
        }
        if claims.iter().any(|uid| uid.is_empty() || uid.len() > 64) {
            return Err(Failure::Other("a UID has 1 to 64 characters".to_owned()));
        }
        let why = self.shown(why, self.limits().text);
        self.queue(Request::DiscardVolumes {
            ordinal,
            claims,
            why,
        })
    }

    fn quarantine(&mut self, ordinal: u32, why: &str) -> Result<(), Failure> {
        self.may_ask()?;
        self.is_member(ordinal)?;
        let why = self.shown(why, self.limits().text);
        self.queue(Request::Quarantine { ordinal, why })
    }

    fn is_member(&self, ordinal: u32) -> Result<(), Failure> {
        match self.snapshot.member(ordinal) {
            Some(_) => Ok(()),
            None => Err(Failure::Other(format!("there is no member {ordinal}"))),
        }
    }

    fn may_ask(&self) -> Result<(), Failure> {
        self.permit(self.grants().requests, "a request", "requests: true")
    }

    fn may_request(&self, role: &str, after_epoch: u64) -> Result<(), Failure> {
        self.may_ask()?;
        let declared = |known: &crate::manifest::Role| known.name == role && known.exclusive;
        if !self.terms.roles.iter().any(declared) {
            return Err(Failure::Denied(format!(
                "the manifest declares no exclusive role {:?}",
                crate::text::line(role, 64)
            )));
        }
        let epoch = self.snapshot.claim(role).map_or(0, |claim| claim.epoch);
        // One change of a role per commit: a second one could not know its own epoch.
        let queued = self
            .requests
            .iter()
            .any(|request| request.role() == Some(role));
        if epoch != after_epoch || queued {
            return Err(Failure::Conflict);
        }
        Ok(())
    }

    fn queue(&mut self, request: Request) -> Result<(), Failure> {
        let max = self.limits().requests;
        if self.requests.len() >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(Failure::Budget(format!("{max} requests per call")));
        }
        self.requests.push(request);
        Ok(())
    }
}
