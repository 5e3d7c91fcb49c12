//! The kinds of Kubernetes itself that are served.

use super::{Kind, Origin};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Builtin {
    ConfigMap,
    ControllerRevision,
    CustomResourceDefinition,
    EndpointSlice,
    Endpoints,
    Event,
    Lease,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    PodTemplate,
    ResourceQuota,
    Secret,
    Service,
    ServiceAccount,
    StatefulSet,
    StorageClass,
}

/// The table where definitions of custom resources are stored.
pub(crate) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

struct Row {
    builtin: Builtin,
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    is_namespaced: bool,
    has_status: bool,
    has_generation: bool,
}

const fn row(
    builtin: Builtin,
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
) -> Row {
    Row {
        builtin,
        group,
        kind,
        plural,
        short,
        is_namespaced: true,
        has_status: false,
        has_generation: false,
    }
}

impl Row {
    const fn of_cluster(mut self) -> Self {
        self.is_namespaced = false;
        self
    }

    const fn with_status(mut self) -> Self {
        self.has_status = true;
        self
    }

    const fn with_generation(mut self) -> Self {
        self.has_generation = true;
        self
    }
}

use Builtin::*;

const ROWS: &[Row] = &[
    row(ConfigMap, "", "ConfigMap", "configmaps", &["cm"]),
    row(Endpoints, "", "Endpoints", "endpoints", &["ep"]),
    row(Event, "", "Event", "events", &["ev"]),
    row(Namespace, "", "Namespace", "namespaces", &["ns"])
        .of_cluster()
        .with_status(),
    row(Node, "", "Node", "nodes", &["no"])
        .of_cluster()
        .with_status(),
    row(
        PersistentVolume,
        "",
        "PersistentVolume",
        "persistentvolumes",
        &["pv"],
    )
    .of_cluster()
    .with_status(),
    row(
        PersistentVolumeClaim,
        "",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        &["pvc"],
    )
    .with_status(),
    row(Pod, "", "Pod", "pods", &["po"])
        .with_status()
        .with_generation(),
    row(PodTemplate, "", "PodTemplate", "podtemplates", &[]),
    row(
        ResourceQuota,
        "",
        "ResourceQuota",
        "resourcequotas",
        &["quota"],
    )
    .with_status(),
    row(Secret, "", "Secret", "secrets", &[]),
    row(Service, "", "Service", "services", &["svc"]).with_status(),
    row(
        ServiceAccount,
        "",
        "ServiceAccount",
        "serviceaccounts",
        &["sa"],
    ),
    row(
        CustomResourceDefinition,
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        &["crd", "crds"],
    )
    .of_cluster()
    .with_status()
    .with_generation(),
    row(
        ControllerRevision,
        "apps",
        "ControllerRevision",
        "controllerrevisions",
        &[],
    ),
    row(StatefulSet, "apps", "StatefulSet", "statefulsets", &["sts"])
        .with_status()
        .with_generation(),
    row(Lease, "coordination.k8s.io", "Lease", "leases", &[]),
    row(
        EndpointSlice,
        "discovery.k8s.io",
        "EndpointSlice",
        "endpointslices",
        &[],
    )
    .with_generation(),
    row(Event, "events.k8s.io", "Event", "events", &["ev"]),
    row(
        PodDisruptionBudget,
        "policy",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        &["pdb"],
    )
    .with_status()
    .with_generation(),
    row(
        StorageClass,
        "storage.k8s.io",
        "StorageClass",
        "storageclasses",
        &["sc"],
    )
    .of_cluster(),
];

pub(super) fn table() -> Vec<Kind> {
    ROWS.iter().map(kind).collect()
}

fn kind(row: &Row) -> Kind {
    let categories: &[&str] = match row.builtin {
        Pod | Service | StatefulSet => &["all"],
        CustomResourceDefinition => &["api-extensions"],
        _ => &[],
    };
    let storage = match (row.builtin, row.group) {
        // Both groups show the same events.
        (Event, _) => "events".to_owned(),
        (_, "") => row.plural.to_owned(),
        (_, group) => format!("{}.{group}", row.plural),
    };
    Kind {
        group: row.group.to_owned(),
        versions: vec!["v1".to_owned()],
        storage_version: "v1".to_owned(),
        kind: row.kind.to_owned(),
        list_kind: format!("{}List", row.kind),
        plural: row.plural.to_owned(),
        singular: row.kind.to_lowercase(),
        short_names: row.short.iter().map(|&name| name.to_owned()).collect(),
        categories: categories.iter().map(|&name| name.to_owned()).collect(),
        is_namespaced: row.is_namespaced,
        has_status: row.has_status,
        has_generation: row.has_generation,
        storage,
        origin: Origin::Builtin(row.builtin),
    }
}
