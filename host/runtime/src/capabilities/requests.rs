//! What the host is asked to do along with the outcome. Grant: `requests`.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::{Failure, Request};
use crate::sandbox::Sandbox;

pub(super) fn link(
    requests: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(requests, "requests", &["claim-role", "release-role"]);
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

    fn may_request(&self, role: &str, after_epoch: u64) -> Result<(), Failure> {
        if !self.grants().requests {
            return Err(Failure::Denied(
                "a request needs the grant requests: true".to_owned(),
            ));
        }
        let declared = |known: &crate::manifest::Role| known.name == role && known.exclusive;
        if !self.terms.roles.iter().any(declared) {
            return Err(Failure::Denied(format!(
                "the manifest declares no exclusive role {:?}",
                crate::text::line(role, 64)
            )));
        }
        let epoch = self.snapshot.claim(role).map_or(0, |claim| claim.epoch);
        // One change of a role per commit: a second one could not know its own epoch.
        let queued = self.requests.iter().any(|request| request.role() == role);
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
