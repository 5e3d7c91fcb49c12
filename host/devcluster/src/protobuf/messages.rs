//! The messages, as `generated.proto` of Kubernetes numbers their fields. What the server sets itself is left out.

use super::Field;
use super::Shape::{
    Bool, BytesMap, IntOrString, Integer, Message, Messages, OptionalBool, Text, TextMap, Texts,
};

pub(super) fn of(api_version: &str, kind: &str) -> Option<&'static [Field]> {
    Some(match (api_version, kind) {
        ("v1", "ConfigMap") => CONFIG_MAP,
        ("v1", "Namespace") => NAMESPACE,
        ("v1", "Secret") => SECRET,
        ("v1", "Service") => SERVICE,
        ("v1", "ServiceAccount") => SERVICE_ACCOUNT,
        ("policy/v1", "PodDisruptionBudget") => BUDGET,
        ("authentication.k8s.io/v1", "SelfSubjectReview") => SELF_REVIEW,
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview") => ACCESS_REVIEW,
        _ => return None,
    })
}

const OWNER: &[Field] = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", OptionalBool),
    (7, "blockOwnerDeletion", OptionalBool),
];

const METADATA: &[Field] = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (11, "labels", TextMap),
    (12, "annotations", TextMap),
    (13, "ownerReferences", Messages(OWNER)),
    (14, "finalizers", Texts),
];

const CONFIG_MAP: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "data", TextMap),
    (3, "binaryData", BytesMap),
    (4, "immutable", OptionalBool),
];

const SECRET: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "data", BytesMap),
    (3, "type", Text),
    (4, "stringData", TextMap),
    (5, "immutable", OptionalBool),
];

const NAMESPACE: &[Field] = &[(1, "metadata", Message(METADATA))];

const LOCAL_REFERENCE: &[Field] = &[(1, "name", Text)];

const SERVICE_ACCOUNT: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (3, "imagePullSecrets", Messages(LOCAL_REFERENCE)),
    (4, "automountServiceAccountToken", OptionalBool),
];

const SERVICE_PORT: &[Field] = &[
    (1, "name", Text),
    (2, "protocol", Text),
    (3, "port", Integer),
    (4, "targetPort", IntOrString),
    (5, "nodePort", Integer),
    (6, "appProtocol", Text),
];

const SERVICE_SPEC: &[Field] = &[
    (1, "ports", Messages(SERVICE_PORT)),
    (2, "selector", TextMap),
    (3, "clusterIP", Text),
    (4, "type", Text),
    (5, "externalIPs", Texts),
    (7, "sessionAffinity", Text),
    (10, "externalName", Text),
    (11, "externalTrafficPolicy", Text),
    (13, "publishNotReadyAddresses", Bool),
    (17, "ipFamilyPolicy", Text),
    (18, "clusterIPs", Texts),
    (19, "ipFamilies", Texts),
];

const SERVICE: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "spec", Message(SERVICE_SPEC)),
];

const EXPRESSION: &[Field] = &[
    (1, "key", Text),
    (2, "operator", Text),
    (3, "values", Texts),
];

const SELECTOR: &[Field] = &[
    (1, "matchLabels", TextMap),
    (2, "matchExpressions", Messages(EXPRESSION)),
];

const BUDGET_SPEC: &[Field] = &[
    (1, "minAvailable", IntOrString),
    (2, "selector", Message(SELECTOR)),
    (3, "maxUnavailable", IntOrString),
    (4, "unhealthyPodEvictionPolicy", Text),
];

const BUDGET: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "spec", Message(BUDGET_SPEC)),
];

const SELF_REVIEW: &[Field] = &[(1, "metadata", Message(METADATA))];

const RESOURCE: &[Field] = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (4, "version", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];

const NON_RESOURCE: &[Field] = &[(1, "path", Text), (2, "verb", Text)];

const ACCESS_REVIEW_SPEC: &[Field] = &[
    (1, "resourceAttributes", Message(RESOURCE)),
    (2, "nonResourceAttributes", Message(NON_RESOURCE)),
];

const ACCESS_REVIEW: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "spec", Message(ACCESS_REVIEW_SPEC)),
];
