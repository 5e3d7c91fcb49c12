//! The kind that a scenario is about.

use kube::api::{ApiResource, GroupVersionKind};

/// The same set, as one kind or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// `apps/v1`
    StatefulSet,
    /// `stateward.dev/v1alpha1`
    StatefulApp,
}

impl Face {
    /// How the API calls it.
    pub fn resource(self) -> ApiResource {
        let (group, version, kind) = match self {
            Self::StatefulSet => ("apps", "v1", "StatefulSet"),
            Self::StatefulApp => ("stateward.dev", "v1alpha1", "StatefulApp"),
        };
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
    }
}
