use serde_json::{Value, json};

use super::*;

fn objects<K: serde::de::DeserializeOwned>(values: Value) -> Vec<Arc<K>> {
    serde_json::from_value::<Vec<K>>(values)
        .expect("objects")
        .into_iter()
        .map(Arc::new)
        .collect()
}

/// Steps as words: what, claim or volume, and with which.
fn steps(claims: Value, volumes: Value, classes: Value, pods: Value) -> Vec<String> {
    let (claims, volumes) = (objects(claims), objects(volumes));
    let (classes, pods) = (objects(classes), objects(pods));
    let steps = plan(&World {
        claims: &claims,
        volumes: &volumes,
        classes: &classes,
        pods: &pods,
    });
    steps
        .iter()
        .map(|step| match step {
            Step::Protect(claim) => format!("protect {}", claim.name_any()),
            Step::Unprotect(claim) => format!("unprotect {}", claim.name_any()),
            Step::Classify(claim, class) => format!("classify {} {class}", claim.name_any()),
            Step::Bind(claim, volume) => format!("bind {} {}", claim.name_any(), volume.name_any()),
            Step::Provision(claim, class) => {
                format!("provision {} {}", claim.name_any(), class.name_any())
            }
            Step::Report(claim, why) => format!("report {} {why:?}", claim.name_any()),
            Step::Lose(claim) => format!("lose {}", claim.name_any()),
            Step::Expand(claim, volume) => {
                format!("expand {} {}", claim.name_any(), volume.name_any())
            }
            Step::MakeAvailable(volume) => format!("available {}", volume.name_any()),
            Step::Release(volume) => format!("release {}", volume.name_any()),
            Step::Reclaim(volume) => format!("reclaim {}", volume.name_any()),
        })
        .collect()
}

fn claim(name: &str, spec: Value) -> Value {
    json!({ "metadata": { "name": name, "namespace": "n", "uid": name, "finalizers": [CLAIM_PROTECTION] }, "spec": spec })
}

fn ask(size: &str, class: &str) -> Value {
    json!({ "storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": size } } })
}

fn volume(name: &str, size: &str, modes: &[&str]) -> Value {
    json!({ "metadata": { "name": name, "uid": name }, "status": { "phase": "Available" },
        "spec": { "capacity": { "storage": size }, "accessModes": modes } })
}

#[test]
fn a_claim_takes_the_smallest_volume_that_fits_by_size_modes_and_class() {
    let volumes = json!([
        volume("large", "9Gi", &["ReadWriteOnce"]),
        volume("small", "1Gi", &["ReadWriteOnce"]),
        volume("shared-only", "2Gi", &["ReadWriteMany"]),
        volume("fitting", "3Gi", &["ReadWriteMany", "ReadWriteOnce"]),
    ]);

    let steps = steps(
        json!([claim("a", ask("2Gi", ""))]),
        volumes,
        json!([]),
        json!([]),
    );

    assert_eq!(steps, ["bind a fitting"]);
}

#[test]
fn two_claims_never_get_one_volume() {
    let claims = json!([claim("a", ask("1Gi", "")), claim("b", ask("1Gi", ""))]);

    let steps = steps(
        claims,
        json!([volume("only", "1Gi", &["ReadWriteOnce"])]),
        json!([]),
        json!([]),
    );

    assert_eq!(steps, ["bind a only", "report b NoVolume"]);
}

#[test]
fn a_volume_that_names_the_claim_is_its_own() {
    let mut reserved = volume("mine", "1Gi", &["ReadWriteOnce"]);
    reserved["spec"]["claimRef"] = json!({ "namespace": "n", "name": "b", "uid": "b" });

    let steps = steps(
        json!([claim("a", ask("1Gi", "")), claim("b", ask("1Gi", ""))]),
        json!([reserved]),
        json!([]),
        json!([]),
    );

    assert_eq!(steps, ["report a NoVolume", "bind b mine"]);
}

#[test]
fn classes_decide_about_volumes_on_demand() {
    let classes = json!([
        { "metadata": { "name": "demand" }, "provisioner": "any" },
        { "metadata": { "name": "lazy" }, "provisioner": "any", "volumeBindingMode": "WaitForFirstConsumer" },
        { "metadata": { "name": "manual" }, "provisioner": "kubernetes.io/no-provisioner" },
        { "metadata": { "name": "usual", "annotations": { DEFAULT_CLASS: "true" } }, "provisioner": "any" },
    ]);
    let mut chosen = claim("chosen", ask("1Gi", "lazy"));
    chosen["metadata"]["annotations"] = json!({ SELECTED_NODE: "node" });
    let mut annotated = claim("annotated", json!({}));
    annotated["metadata"]["annotations"] =
        json!({ "volume.beta.kubernetes.io/storage-class": "demand" });
    let claims = json!([
        claim("a", ask("1Gi", "demand")),
        claim("b", ask("1Gi", "lazy")),
        chosen,
        claim("c", ask("1Gi", "manual")),
        claim("d", ask("1Gi", "unknown")),
        claim("e", json!({})),
        annotated,
    ]);

    assert_eq!(
        steps(claims, json!([]), classes, json!([])),
        [
            "provision a demand",
            "report b WaitsForConsumer",
            "provision chosen lazy",
            "report c NoProvisioner(\"manual\")",
            "report d NoSuchClass(\"unknown\")",
            "classify e usual",
            "provision annotated demand",
        ]
    );
}

#[test]
fn a_volume_outlives_its_claim_by_policy() {
    let bound = |name: &str, policy: &str| {
        let mut volume = volume(name, "1Gi", &["ReadWriteOnce"]);
        volume["spec"]["claimRef"] = json!({ "namespace": "n", "name": "gone", "uid": "gone" });
        volume["spec"]["persistentVolumeReclaimPolicy"] = json!(policy);
        volume["status"]["phase"] = json!("Bound");
        volume
    };

    let steps = steps(
        json!([]),
        json!([bound("a", "Delete"), bound("b", "Retain")]),
        json!([]),
        json!([]),
    );

    assert_eq!(steps, ["reclaim a", "release b"]);
}

#[test]
fn a_claim_that_a_pod_uses_is_kept_until_the_pod_has_gone() {
    let mut deleted = claim("a", ask("1Gi", ""));
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let pod = |phase: &str| {
        json!([{ "metadata": { "name": "p", "namespace": "n" }, "status": { "phase": phase }, "spec": { "nodeName": "x",
            "containers": [], "volumes": [{ "name": "v", "persistentVolumeClaim": { "claimName": "a" } }] } }])
    };
    let none: [&str; 0] = [];

    for phase in ["Running", "Failed"] {
        let kept = steps(json!([deleted]), json!([]), json!([]), pod(phase));
        assert_eq!(kept, none, "{phase}");
    }
    assert_eq!(
        steps(json!([deleted]), json!([]), json!([]), json!([])),
        ["unprotect a"]
    );
}

#[test]
fn a_bound_claim_grows_where_its_class_allows_it() {
    let mut claim = claim("a", ask("2Gi", "demand"));
    claim["spec"]["volumeName"] = json!("v");
    claim["status"] = json!({ "phase": "Bound" });
    let mut volume = volume("v", "1Gi", &["ReadWriteOnce"]);
    volume["spec"]["claimRef"] = json!({ "namespace": "n", "name": "a", "uid": "a" });
    let class = |allowed: bool| json!([{ "metadata": { "name": "demand" }, "provisioner": "any", "allowVolumeExpansion": allowed }]);
    let none: [&str; 0] = [];

    assert_eq!(
        steps(json!([claim]), json!([volume]), class(true), json!([])),
        ["expand a v"]
    );
    assert_eq!(
        steps(json!([claim]), json!([volume]), class(false), json!([])),
        none
    );
    assert_eq!(
        steps(json!([claim]), json!([]), class(true), json!([])),
        ["lose a"]
    );
}
