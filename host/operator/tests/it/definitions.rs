//! `deploy/crds.yaml` is what the types say.

use std::path::Path;

#[test]
fn the_definitions_in_deploy_are_those_of_the_types() {
    let documents: Vec<String> = stateward_operator::crds()
        .iter()
        .map(|crd| serde_yaml::to_string(crd).unwrap())
        .collect();
    let text = format!(
        "# Generated from host/operator/src/crd. UPDATE_CRDS=1 cargo test -p stateward-operator definitions writes it.\n---\n{}",
        documents.join("---\n")
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/crds.yaml");
    if std::env::var_os("UPDATE_CRDS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "deploy/crds.yaml is out of date: UPDATE_CRDS=1 cargo test -p stateward-operator definitions"
    );
}
