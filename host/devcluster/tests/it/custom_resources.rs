//! Definitions of custom resources and their objects.

use anyhow::Result;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use kube::{Api, Client};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

use crate::{raw, refused};

fn definition() -> Value {
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "shortNames": ["wd"]},
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.replicas",
                        "labelSelectorPath": ".status.selector",
                    },
                },
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": {
                            "type": "object",
                            "required": ["size"],
                            "x-kubernetes-validations": [{
                                "rule": "self.size == oldSelf.size",
                                "message": "size cannot be changed",
                            }],
                            "properties": {
                                "size": {"type": "string", "enum": ["S", "M", "L"]},
                                "replicas": {"type": "integer", "minimum": 0, "default": 1},
                                "name": {"type": "string", "pattern": "^[a-z]+$"},
                                "template": {
                                    "type": "object",
                                    "x-kubernetes-preserve-unknown-fields": true,
                                },
                                "port": {"x-kubernetes-int-or-string": true},
                            },
                        },
                        "status": {
                            "type": "object",
                            "properties": {"replicas": {"type": "integer"}},
                        },
                    },
                }},
            }],
        },
    })
}

async fn widgets(client: &Client) -> Result<Api<DynamicObject>> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions
        .create(
            &PostParams::default(),
            &serde_json::from_value(definition())?,
        )
        .await?;
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Widget"));
    Ok(Api::default_namespaced_with(client.clone(), &kind))
}

fn widget(spec: Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": spec,
    }))
    .unwrap()
}

#[tokio::test]
async fn a_definition_is_served_at_once() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    widgets(&client).await?;

    let groups = client.list_api_groups().await?;
    let resources = client.list_api_group_resources("example.com/v1").await?;

    assert!(
        groups
            .groups
            .iter()
            .any(|group| group.name == "example.com")
    );
    let names: Vec<_> = resources
        .resources
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["widgets", "widgets/status", "widgets/scale"]);
    Ok(())
}

#[tokio::test]
async fn an_object_is_pruned_and_completed_by_its_schema() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api = widgets(&client).await?;
    let spec = json!({"size": "S", "unknown": 1, "template": {"any": {"thing": [1]}}});

    let made = api.create(&PostParams::default(), &widget(spec)).await?;

    assert_eq!(
        made.data["spec"],
        json!({"size": "S", "replicas": 1, "template": {"any": {"thing": [1]}}})
    );
    Ok(())
}

#[tokio::test]
async fn an_object_that_breaks_its_schema_hears_every_reason() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api = widgets(&client).await?;
    let cases = [
        (json!({}), "spec.size: Required value"),
        (
            json!({"size": "XL"}),
            "spec.size: Unsupported value: \"XL\": supported values: \"S\", \"M\", \"L\"",
        ),
        (
            json!({"size": "S", "replicas": -1}),
            "spec.replicas in body should be greater than or equal to 0",
        ),
        (
            json!({"size": "S", "replicas": "1"}),
            "spec.replicas in body must be of type integer: \"string\"",
        ),
        (
            json!({"size": "S", "name": "A"}),
            "spec.name in body should match '^[a-z]+$'",
        ),
        (
            json!({"size": "S", "port": {}}),
            "must be of type integer,string",
        ),
    ];
    for (spec, sentence) in cases {
        let status = refused(api.create(&PostParams::default(), &widget(spec)).await);

        assert_eq!(status.code, 422);
        assert!(status.message.contains(sentence), "{}", status.message);
    }
    Ok(())
}

#[tokio::test]
async fn a_rule_may_compare_with_what_was() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api = widgets(&client).await?;
    api.create(&PostParams::default(), &widget(json!({"size": "S"})))
        .await?;
    let params = PatchParams::default();

    let size = Patch::Merge(json!({"spec": {"size": "M"}}));
    let status = refused(api.patch("one", &params, &size).await);
    let replicas = Patch::Merge(json!({"spec": {"replicas": 2}}));
    let changed = api.patch("one", &params, &replicas).await?;

    assert!(
        status.message.contains("size cannot be changed"),
        "{}",
        status.message
    );
    assert_eq!(changed.metadata.generation, Some(2));
    Ok(())
}

#[tokio::test]
async fn status_and_scale_are_apart_from_the_spec() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api = widgets(&client).await?;
    api.create(&PostParams::default(), &widget(json!({"size": "S"})))
        .await?;
    let params = PatchParams::default();
    let both = Patch::Merge(json!({"spec": {"replicas": 9}, "status": {"replicas": 1}}));

    let by_status = api.patch_status("one", &params, &both).await?;
    let four = Patch::Merge(json!({"spec": {"replicas": 4}}));
    let scale = api.patch_scale("one", &params, &four).await?;

    assert_eq!(by_status.data["spec"]["replicas"], 1);
    assert_eq!(by_status.data["status"]["replicas"], 1);
    assert_eq!(raw(scale)["spec"]["replicas"], 4);
    assert_eq!(api.get("one").await?.metadata.generation, Some(2));
    Ok(())
}

#[tokio::test]
async fn a_strategic_patch_is_not_for_custom_resources() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api = widgets(&client).await?;
    api.create(&PostParams::default(), &widget(json!({"size": "S"})))
        .await?;

    let patch = Patch::Strategic(json!({"spec": {"replicas": 2}}));
    let status = refused(api.patch("one", &PatchParams::default(), &patch).await);

    assert_eq!(status.code, 415);
    Ok(())
}

#[tokio::test]
async fn objects_go_with_their_definition() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api = widgets(&client).await?;
    api.create(&PostParams::default(), &widget(json!({"size": "S"})))
        .await?;
    let definitions: Api<CustomResourceDefinition> = Api::all(client);

    definitions
        .delete("widgets.example.com", &DeleteParams::default())
        .await?;

    assert!(definitions.get_opt("widgets.example.com").await?.is_none());
    assert!(
        refused(api.get("one").await)
            .message
            .starts_with("not served here")
    );
    Ok(())
}
