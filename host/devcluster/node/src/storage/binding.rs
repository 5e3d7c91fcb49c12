//! Which volume a claim may be bound to: pure.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::claim::{capacity, class_of_volume, request};
use crate::labels::selects;

/// Whether the volume is reserved for this claim, by its user or by a binding that was begun.
pub(super) fn is_reserved_for(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let reference = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.claim_ref.as_ref());
    reference.is_some_and(|reference| {
        reference.namespace == claim.metadata.namespace
            && reference.name == claim.metadata.name
            && reference
                .uid
                .as_deref()
                .is_none_or(|uid| uid.is_empty() || Some(uid) == claim.metadata.uid.as_deref())
    })
}

pub(super) fn is_free(volume: &PersistentVolume) -> bool {
    let reference = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.claim_ref.as_ref());
    reference.is_none() && volume.metadata.deletion_timestamp.is_none()
}

/// The smallest free volume that fits, by name where sizes are equal.
pub(super) fn best_fit<'a>(
    claim: &PersistentVolumeClaim,
    class: &str,
    volumes: impl Iterator<Item = &'a Arc<PersistentVolume>>,
) -> Option<&'a Arc<PersistentVolume>> {
    volumes
        .filter(|volume| is_free(volume) && fits(claim, class, volume))
        .min_by_key(|volume| (capacity(volume), volume.metadata.name.clone()))
}

fn fits(claim: &PersistentVolumeClaim, class: &str, volume: &PersistentVolume) -> bool {
    let (Some(asked), Some(offered)) = (&claim.spec, &volume.spec) else {
        return false;
    };
    let modes = offered.access_modes.as_deref().unwrap_or_default();
    let volume_mode =
        |mode: &Option<String>| mode.clone().unwrap_or_else(|| "Filesystem".to_owned());
    class == class_of_volume(volume)
        && capacity(volume) >= request(claim)
        && asked
            .access_modes
            .iter()
            .flatten()
            .all(|mode| modes.contains(mode))
        && volume_mode(&asked.volume_mode) == volume_mode(&offered.volume_mode)
        && asked
            .selector
            .as_ref()
            .is_none_or(|selector| selects(selector, volume.metadata.labels.as_ref()))
}
