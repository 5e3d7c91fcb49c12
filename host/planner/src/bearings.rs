//! What plans need of pods, claims and joins that say nothing new, derived once from each: few of them change from one plan to the next.

use jiff::Timestamp;
use serde_json::Value;

use crate::availability;
use crate::claims;
use crate::digest::{ByDigest, Digest};
use crate::identity::{self, EVICTABLE_LABEL, POD_INDEX_LABEL, POD_NAME_LABEL, ROLE_LABEL_PREFIX};
use crate::revisions;
use crate::shared::Derive;
use crate::spec::Spec;
use crate::status::{Joined, Status};
use crate::world::{Claim, OwnerReference, PodFacts, PodPhase};

/// Of one pod.
#[derive(Debug)]
pub struct PodBearings {
    /// In its name, whatever app the name is of.
    pub(crate) ordinal: Option<u32>,
    /// Of the app in its name, of its controller, and of its labels but those of its own ([`OWN_LABELS`]): what it has in common with other members.
    pub(crate) make: Digest,
    pub(crate) uid: Digest,
    pub(crate) restarts: u32,
    /// It says itself that it joined since its last restart.
    pub(crate) is_marked: bool,
    /// The roles that its labels name, in their order.
    pub(crate) roles: Vec<String>,
    /// Since when it is ready, when nothing else about it is worth a look: it runs, is not being deleted, carries its identity, may not be evicted, and has no
    /// gate.
    pub(crate) serves_since: Option<Timestamp>,
}

/// Labels that no two members have alike.
pub(crate) const OWN_LABELS: [&str; 2] = [POD_NAME_LABEL, POD_INDEX_LABEL];

impl Derive for PodFacts {
    type Derived = PodBearings;

    fn derive(&self) -> PodBearings {
        let parts = identity::parts(&self.name);
        let controller = self.controller();
        let labels = (self.labels.iter()).filter(|(key, _)| !OWN_LABELS.contains(key));
        let common = [
            parts.map_or("", |(app, _)| app),
            // An owner without a UID is an owner.
            if controller.is_some() { "owned" } else { "" },
            controller.map_or("", |owner| owner.uid.as_str()),
        ];
        let is_plain = self.phase == PodPhase::Running
            && self.deletion.is_none()
            && self.gate.is_none()
            && identity::is_carried(self)
            && !self.labels.contains_key(EVICTABLE_LABEL);
        PodBearings {
            ordinal: parts.map(|(_, ordinal)| ordinal),
            make: Digest::of(
                common
                    .into_iter()
                    .chain(labels.flat_map(|(key, value)| [key, value])),
            ),
            uid: Digest::of([self.uid.as_str()]),
            restarts: self.restarts,
            is_marked: availability::is_marked(self),
            roles: (self.labels.keys())
                .filter_map(|key| key.strip_prefix(ROLE_LABEL_PREFIX))
                .map(str::to_owned)
                .collect(),
            serves_since: self.ready_since.filter(|_| is_plain),
        }
    }
}

/// Of one claim.
pub struct ClaimBearings {
    /// In its name, whatever app and template the name is of.
    pub(crate) ordinal: Option<u32>,
    /// Of the template and the app in its name, of the storage that it requests, and of its owners: what it has in common with other claims.
    pub(crate) make: Digest,
    /// It is about to get storage that it requests.
    pub(crate) is_growing: bool,
}

impl Derive for Claim {
    type Derived = ClaimBearings;

    fn derive(&self) -> ClaimBearings {
        let parts = identity::parts(&self.name);
        let common = [
            parts.map_or("", |(stem, _)| stem),
            if self.requested.is_some() {
                "requests"
            } else {
                ""
            },
            self.requested.as_deref().unwrap_or_default(),
        ];
        let owners = (self.owners.iter()).flat_map(|owner| {
            let controls = if owner.controller { "controls" } else { "" };
            [owner.kind.as_str(), owner.uid.as_str(), controls]
        });
        ClaimBearings {
            ordinal: parts.map(|(_, ordinal)| ordinal),
            make: Digest::of(common.into_iter().chain(owners)),
            is_growing: claims::growing(self).is_some(),
        }
    }
}

/// Of the pods that joined.
pub struct JoinedBearings {
    /// Container restarts at which each did, by the digest of its UID.
    restarts: ByDigest<u32>,
}

impl JoinedBearings {
    /// Container restarts at which this pod joined.
    pub(crate) fn of(&self, pod: &PodBearings) -> Option<u32> {
        self.restarts.get(&pod.uid).copied()
    }
}

/// Of pods, and container restarts at which each joined.
impl<'a> FromIterator<(&'a str, u32)> for JoinedBearings {
    fn from_iter<I: IntoIterator<Item = (&'a str, u32)>>(joined: I) -> JoinedBearings {
        let joined = joined.into_iter();
        let restarts = joined.map(|(pod, restarts)| (Digest::of([pod]), restarts));
        JoinedBearings {
            restarts: restarts.collect(),
        }
    }
}

impl Derive for Joined {
    type Derived = JoinedBearings;

    fn derive(&self) -> JoinedBearings {
        self.iter().collect()
    }
}

/// Its template in the form in which templates are compared.
impl Derive for Spec {
    type Derived = String;

    fn derive(&self) -> String {
        revisions::canonical(&self.template)
    }
}

/// The same of the data of a revision, where it has a template.
impl Derive for Value {
    type Derived = Option<String>;

    fn derive(&self) -> Option<String> {
        self.pointer("/spec/template").map(revisions::canonical)
    }
}

impl Derive for Vec<OwnerReference> {
    type Derived = ();

    fn derive(&self) {}
}

impl Derive for Status {
    type Derived = ();

    fn derive(&self) {}
}
