//! What has to be written for claims and volumes: pure, over all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::ResourceExt;

use super::DEFAULT_CLASS;
use super::binding::{best_fit, is_free, is_reserved_for};
use super::claim::{capacity, class_name, is_bound, request, volume_name};
use crate::options::StorageScope;
use crate::scheduler::SELECTED_NODE;

/// Keeps a claim while a pod uses it.
pub(super) const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
/// The provisioner of classes whose volumes are made by hand.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

pub(super) struct World<'a> {
    pub(super) claims: &'a [Arc<PersistentVolumeClaim>],
    pub(super) volumes: &'a [Arc<PersistentVolume>],
    pub(super) classes: &'a [Arc<StorageClass>],
    pub(super) pods: &'a [Arc<Pod>],
}

/// Why a claim cannot be bound now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unbindable {
    NoVolume,
    NoSuchClass(String),
    NoProvisioner(String),
    VolumeTaken(String),
    WaitsForConsumer,
    /// A volume on demand cannot be chosen by its labels.
    Selector,
}

/// One thing to write.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Protect(Arc<PersistentVolumeClaim>),
    Unprotect(Arc<PersistentVolumeClaim>),
    /// Gives a claim that names no class the default one.
    Classify(Arc<PersistentVolumeClaim>, String),
    Bind(Arc<PersistentVolumeClaim>, Arc<PersistentVolume>),
    Provision(Arc<PersistentVolumeClaim>, Arc<StorageClass>),
    Report(Arc<PersistentVolumeClaim>, Unbindable),
    /// The claim's volume is gone.
    Lose(Arc<PersistentVolumeClaim>),
    /// The volume grows to what its claim asks for.
    Expand(Arc<PersistentVolumeClaim>, Arc<PersistentVolume>),
    MakeAvailable(Arc<PersistentVolume>),
    /// Its claim is gone and it is kept.
    Release(Arc<PersistentVolume>),
    /// Its claim is gone and it goes too, with what it holds.
    Reclaim(Arc<PersistentVolume>),
}

impl Step {
    pub(super) fn is_for(&self, scope: StorageScope) -> bool {
        match scope {
            StorageScope::Everything => true,
            StorageScope::Provisioner => {
                // What upstream's controllers leave to somebody outside.
                matches!(
                    self,
                    Self::Provision(..) | Self::Reclaim(_) | Self::Expand(..)
                )
            }
            StorageScope::Off => false,
        }
    }
}

pub(super) fn plan(world: &World<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    // Volumes that this very plan gives away.
    let mut given: BTreeSet<String> = BTreeSet::new();
    for claim in world.claims {
        if claim.metadata.deletion_timestamp.is_some() {
            if is_protected(claim) && !is_in_use(claim, world.pods) {
                steps.push(Step::Unprotect(Arc::clone(claim)));
            }
            continue;
        }
        if !is_protected(claim) {
            steps.push(Step::Protect(Arc::clone(claim)));
        }
        steps.extend(if is_bound(claim) {
            keep(claim, world)
        } else {
            bind(claim, world, &mut given)
        });
    }
    for volume in world.volumes {
        if !given.contains(&volume.name_any()) {
            steps.extend(care_for(volume, world));
        }
    }
    steps
}

fn is_protected(claim: &PersistentVolumeClaim) -> bool {
    claim
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == CLAIM_PROTECTION)
}

/// As Kubernetes has it: by a pod that was assigned to a node, for as long as it exists. One that has ended may still have it mounted.
fn is_in_use(claim: &PersistentVolumeClaim, pods: &[Arc<Pod>]) -> bool {
    pods.iter().any(|pod| {
        let Some(spec) = &pod.spec else { return false };
        pod.metadata.namespace == claim.metadata.namespace
            && spec.node_name.is_some()
            && spec
                .volumes
                .iter()
                .flatten()
                .filter_map(|volume| volume.persistent_volume_claim.as_ref())
                .any(|source| Some(&source.claim_name) == claim.metadata.name.as_ref())
    })
}

fn keep(claim: &Arc<PersistentVolumeClaim>, world: &World<'_>) -> Option<Step> {
    let name = volume_name(claim)?;
    let Some(volume) = find(world, name) else {
        return Some(Step::Lose(Arc::clone(claim)));
    };
    let class = class_name(claim).and_then(|name| class(world, name));
    let may_grow = class.is_some_and(|class| class.allow_volume_expansion.unwrap_or_default());
    (may_grow && request(claim) > capacity(volume))
        .then(|| Step::Expand(Arc::clone(claim), Arc::clone(volume)))
}

fn bind(
    claim: &Arc<PersistentVolumeClaim>,
    world: &World<'_>,
    given: &mut BTreeSet<String>,
) -> Option<Step> {
    let report = |why| Some(Step::Report(Arc::clone(claim), why));
    let mut give = |volume: &Arc<PersistentVolume>| {
        given.insert(volume.name_any());
        Some(Step::Bind(Arc::clone(claim), Arc::clone(volume)))
    };
    if let Some(name) = volume_name(claim) {
        return match find(world, name) {
            Some(volume) if is_reserved_for(volume, claim) || is_free(volume) => give(volume),
            Some(_) => report(Unbindable::VolumeTaken(name.to_owned())),
            None => report(Unbindable::NoVolume),
        };
    }
    if let Some(volume) = world
        .volumes
        .iter()
        .find(|volume| is_reserved_for(volume, claim) && capacity(volume) >= request(claim))
    {
        return give(volume);
    }
    let Some(name) = class_name(claim) else {
        return match default_class(world) {
            Some(class) => Some(Step::Classify(Arc::clone(claim), class.name_any())),
            None => bind_by_class(claim, "", world, given),
        };
    };
    bind_by_class(claim, name, world, given)
}

fn bind_by_class(
    claim: &Arc<PersistentVolumeClaim>,
    name: &str,
    world: &World<'_>,
    given: &mut BTreeSet<String>,
) -> Option<Step> {
    let report = |why| Some(Step::Report(Arc::clone(claim), why));
    let class = class(world, name);
    let waits = class
        .is_some_and(|class| class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer"));
    if waits && !claim.annotations().contains_key(SELECTED_NODE) {
        return report(Unbindable::WaitsForConsumer);
    }
    let free = world
        .volumes
        .iter()
        .filter(|volume| !given.contains(&volume.name_any()));
    if let Some(volume) = best_fit(claim, name, free) {
        given.insert(volume.name_any());
        return Some(Step::Bind(Arc::clone(claim), Arc::clone(volume)));
    }
    match class {
        None if name.is_empty() => report(Unbindable::NoVolume),
        None => report(Unbindable::NoSuchClass(name.to_owned())),
        Some(class) if class.provisioner == NO_PROVISIONER => {
            report(Unbindable::NoProvisioner(name.to_owned()))
        }
        Some(_) if has_selector(claim) => report(Unbindable::Selector),
        Some(class) => Some(Step::Provision(Arc::clone(claim), Arc::clone(class))),
    }
}

fn has_selector(claim: &PersistentVolumeClaim) -> bool {
    let spec = claim.spec.as_ref();
    spec.is_some_and(|spec| spec.selector.is_some())
}

fn find<'a>(world: &World<'a>, name: &str) -> Option<&'a Arc<PersistentVolume>> {
    world
        .volumes
        .iter()
        .find(|volume| volume.metadata.name.as_deref() == Some(name))
}

fn class<'a>(world: &World<'a>, name: &str) -> Option<&'a Arc<StorageClass>> {
    world
        .classes
        .iter()
        .find(|class| class.metadata.name.as_deref() == Some(name))
}

/// The newest of those that are marked, as upstream.
fn default_class<'a>(world: &World<'a>) -> Option<&'a Arc<StorageClass>> {
    world
        .classes
        .iter()
        .filter(|class| {
            class
                .annotations()
                .get(DEFAULT_CLASS)
                .is_some_and(|marked| marked == "true")
        })
        .max_by_key(|class| class.creation_timestamp().map(|time| time.0))
}

fn care_for(volume: &Arc<PersistentVolume>, world: &World<'_>) -> Option<Step> {
    if volume.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let spec = volume.spec.as_ref()?;
    let phase = volume
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    let reference = spec.claim_ref.as_ref();
    let uid = reference
        .and_then(|reference| reference.uid.as_deref())
        .filter(|uid| !uid.is_empty());
    let Some(uid) = uid else {
        return (phase != Some("Available")).then(|| Step::MakeAvailable(Arc::clone(volume)));
    };
    let lives = world
        .claims
        .iter()
        .any(|claim| claim.metadata.uid.as_deref() == Some(uid));
    if lives {
        return None;
    }
    if spec.persistent_volume_reclaim_policy.as_deref() == Some("Delete") {
        return Some(Step::Reclaim(Arc::clone(volume)));
    }
    (phase != Some("Released")).then(|| Step::Release(Arc::clone(volume)))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
