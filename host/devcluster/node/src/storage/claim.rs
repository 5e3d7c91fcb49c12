//! What a claim asks for, and what a volume offers.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use stateward_quantity::Quantity;

/// The annotation that named a class before claims had a field for it.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// The class a claim names; `None` when it leaves the choice to the cluster, `""` when it wants none.
pub(crate) fn class_name(claim: &PersistentVolumeClaim) -> Option<&str> {
    let annotations = claim.metadata.annotations.as_ref();
    annotations
        .and_then(|annotations| annotations.get(CLASS_ANNOTATION))
        .map(String::as_str)
        .or_else(|| claim.spec.as_ref()?.storage_class_name.as_deref())
}

/// The class of a volume; `""` when it has none.
pub(super) fn class_of_volume(volume: &PersistentVolume) -> &str {
    let annotations = volume.metadata.annotations.as_ref();
    annotations
        .and_then(|annotations| annotations.get(CLASS_ANNOTATION))
        .map(String::as_str)
        .or_else(|| volume.spec.as_ref()?.storage_class_name.as_deref())
        .unwrap_or_default()
}

/// Bytes that the claim asks for.
pub(super) fn request(claim: &PersistentVolumeClaim) -> u128 {
    let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
    resources
        .and_then(|resources| resources.requests.as_ref()?.get("storage"))
        .map(|quantity| bytes(&quantity.0))
        .unwrap_or_default()
}

/// Bytes that the volume holds.
pub(super) fn capacity(volume: &PersistentVolume) -> u128 {
    let capacity = volume.spec.as_ref().and_then(|spec| spec.capacity.as_ref());
    capacity
        .and_then(|capacity| capacity.get("storage"))
        .map(|quantity| bytes(&quantity.0))
        .unwrap_or_default()
}

/// What is no amount is none.
fn bytes(quantity: &str) -> u128 {
    let bytes = quantity.parse().map_or(0, Quantity::units);
    u128::try_from(bytes).unwrap_or_default()
}

pub(super) fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    claim
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        == Some("Bound")
}

/// The volume that the claim names, chosen by its user or by a binding.
pub(super) fn volume_name(claim: &PersistentVolumeClaim) -> Option<&str> {
    claim
        .spec
        .as_ref()?
        .volume_name
        .as_deref()
        .filter(|name| !name.is_empty())
}
