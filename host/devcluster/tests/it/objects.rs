//! Create, read, replace.

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use kube::api::{DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

use crate::{config_map, pod, raw, refused};

fn config_maps() -> Api<ConfigMap> {
    Api::default_namespaced(Cluster::in_memory().client("default"))
}

#[tokio::test]
async fn a_created_object_has_an_identity_and_can_be_read() -> Result<()> {
    let api = config_maps();

    let created = api
        .create(&PostParams::default(), &config_map("one"))
        .await?;

    assert_eq!(created.uid().map(|uid| uid.len()), Some(36));
    assert!(created.creation_timestamp().is_some());
    assert_eq!(api.get("one").await?, created);
    Ok(())
}

#[tokio::test]
async fn a_name_is_given_once() -> Result<()> {
    let api = config_maps();
    api.create(&PostParams::default(), &config_map("one"))
        .await?;

    let status = refused(api.create(&PostParams::default(), &config_map("one")).await);

    assert_eq!(
        (status.code, status.reason.as_str()),
        (409, "AlreadyExists")
    );
    assert_eq!(status.message, "configmaps \"one\" already exists");
    Ok(())
}

#[tokio::test]
async fn a_generated_name_starts_as_asked_and_is_unique() -> Result<()> {
    let api = config_maps();
    let wanted: ConfigMap = serde_json::from_value(json!({"metadata": {"generateName": "job-"}}))?;

    let first = api
        .create(&PostParams::default(), &wanted)
        .await?
        .name_any();
    let second = api
        .create(&PostParams::default(), &wanted)
        .await?
        .name_any();

    assert!(first.starts_with("job-") && first.len() == 9, "{first}");
    assert_ne!(first, second);
    Ok(())
}

#[tokio::test]
async fn a_dry_run_answers_as_if_and_changes_nothing() -> Result<()> {
    let api = config_maps();
    let params = PostParams {
        dry_run: true,
        ..Default::default()
    };

    let shown = api.create(&params, &config_map("one")).await?;

    assert!(shown.uid().is_some());
    assert!(api.get_opt("one").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_missing_namespace_is_named() {
    let client = Cluster::in_memory().client("default");
    let api: Api<ConfigMap> = Api::namespaced(client, "nowhere");

    let status = refused(api.create(&PostParams::default(), &config_map("one")).await);

    assert_eq!(status.code, 404);
    assert_eq!(status.message, "namespaces \"nowhere\" not found");
}

#[tokio::test]
async fn a_stale_replacement_is_a_conflict() -> Result<()> {
    let api = config_maps();
    let first = api
        .create(&PostParams::default(), &config_map("one"))
        .await?;
    let change = Patch::Merge(json!({"data": {"a": "2"}}));
    api.patch("one", &PatchParams::default(), &change).await?;

    let status = refused(api.replace("one", &PostParams::default(), &first).await);

    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    Ok(())
}

#[tokio::test]
async fn a_write_that_changes_nothing_keeps_the_version() -> Result<()> {
    let api = config_maps();
    let first = api
        .create(&PostParams::default(), &config_map("one"))
        .await?;
    let same = Patch::Merge(json!({"data": {"a": "1"}}));

    let second = api.patch("one", &PatchParams::default(), &same).await?;

    assert_eq!(first.resource_version(), second.resource_version());
    Ok(())
}

#[tokio::test]
async fn spec_and_status_are_written_apart() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(client);
    api.create(&PostParams::default(), &pod("one", "")).await?;
    let both = Patch::Merge(json!({
        "metadata": {"labels": {"seen": "yes"}},
        "status": {"phase": "Running"},
    }));

    let by_main = api.patch("one", &PatchParams::default(), &both).await?;
    assert_eq!(raw(&by_main)["status"]["phase"], "Pending");
    let by_status = api
        .patch_status("one", &PatchParams::default(), &both)
        .await?;

    assert_eq!(raw(&by_status)["status"]["phase"], "Running");
    assert_eq!(by_status.metadata.generation, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_pod_is_completed_as_kubernetes_does() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api = Api::default_namespaced(client);

    let made = raw(api.create(&PostParams::default(), &pod("one", "")).await?);

    assert_eq!(made["spec"]["restartPolicy"], "Always");
    assert_eq!(made["spec"]["terminationGracePeriodSeconds"], 30);
    assert_eq!(made["spec"]["containers"][0]["imagePullPolicy"], "Always");
    assert_eq!(made["status"]["qosClass"], "BestEffort");
    Ok(())
}

#[tokio::test]
async fn a_pod_keeps_its_spec_but_for_the_images() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(client);
    api.create(&PostParams::default(), &pod("one", "")).await?;
    let image = json!({"spec": {"containers": [{"name": "main", "image": "busybox:2"}]}});
    api.patch("one", &PatchParams::default(), &Patch::Strategic(image))
        .await?;

    let command = json!({"spec": {"containers": [{"name": "main", "command": ["true"]}]}});
    let answer = api
        .patch("one", &PatchParams::default(), &Patch::Strategic(command))
        .await;

    let status = refused(answer);
    assert_eq!(status.code, 422);
    assert!(
        status
            .message
            .contains("spec: Forbidden: pod updates may not change")
    );
    Ok(())
}

#[tokio::test]
async fn an_unknown_field_is_refused_told_or_passed_over() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let mut wanted = raw(pod("one", ""));
    wanted["spec"]["foo"] = 1.into();
    let create = |validation: &str| {
        let path = format!("/api/v1/namespaces/default/pods?fieldValidation={validation}");
        http::Request::post(path).body(wanted.to_string().into_bytes())
    };

    let status = refused(client.request::<Value>(create("Strict")?).await);
    assert_eq!(status.code, 400);
    assert_eq!(
        status.message,
        "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.foo\""
    );
    let request = create("Warn")?.map(Into::into);
    let answer = client.send(request).await?;

    assert_eq!(answer.status(), 201);
    assert_eq!(
        answer.headers()["warning"],
        r#"299 - "unknown field \"spec.foo\"""#
    );
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(client);
    assert!(raw(pods.get("one").await?)["spec"].get("foo").is_none());
    Ok(())
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused() {
    let client = Cluster::in_memory().client("default");
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
    let api: Api<DynamicObject> = Api::default_namespaced_with(client, &kind);
    let wanted: DynamicObject =
        serde_json::from_value(json!({"metadata": {"name": "one"}, "data": ["a"]})).unwrap();

    let status = refused(api.create(&PostParams::default(), &wanted).await);

    assert_eq!(status.code, 400);
    assert!(status.message.contains("cannot be handled as a ConfigMap"));
}

#[tokio::test]
async fn what_a_secret_says_in_text_is_read_as_data() -> Result<()> {
    let api: Api<Secret> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let wanted = json!({"metadata": {"name": "s"}, "stringData": {"password": "p"}});

    let made = api
        .create(&PostParams::default(), &serde_json::from_value(wanted)?)
        .await?;

    assert_eq!(made.type_.as_deref(), Some("Opaque"));
    assert_eq!(made.data.unwrap()["password"].0, b"p");
    assert!(made.string_data.is_none());
    Ok(())
}

#[tokio::test]
async fn a_service_gets_an_address_unless_it_is_headless() -> Result<()> {
    let api: Api<Service> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let service = |name: &str, address: Option<&str>| {
        serde_json::from_value::<Service>(json!({
            "metadata": {"name": name},
            "spec": {"clusterIP": address, "ports": [{"port": 80}]},
        }))
    };

    let plain = raw(api
        .create(&PostParams::default(), &service("plain", None)?)
        .await?);
    let headless = service("headless", Some("None"))?;
    let headless = raw(api.create(&PostParams::default(), &headless).await?);

    assert_eq!(plain["spec"]["clusterIP"], "10.96.0.10");
    assert_eq!(plain["spec"]["ports"][0]["targetPort"], 80);
    assert_eq!(headless["spec"]["clusterIP"], "None");
    assert_eq!(headless["spec"]["ports"][0]["protocol"], "TCP");
    Ok(())
}

#[tokio::test]
async fn every_namespace_has_its_default_account() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let wanted = serde_json::from_value(json!({"metadata": {"name": "shop"}}))?;
    namespaces.create(&PostParams::default(), &wanted).await?;
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(client, "shop");

    assert!(accounts.get_opt("default").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn requests_are_counted_by_verb_and_resource() -> Result<()> {
    let cluster = Cluster::in_memory();
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client("default"));
    api.create(&PostParams::default(), &config_map("one"))
        .await?;
    api.get("one").await?;
    api.get("one").await?;

    let counts = cluster.request_counts();

    assert_eq!(counts["create configmaps"], 1);
    assert_eq!(counts["get configmaps"], 2);
    Ok(())
}

#[tokio::test]
async fn kinds_outside_the_table_are_refused_by_name() {
    let client = Cluster::in_memory().client("default");
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let api: Api<DynamicObject> = Api::default_namespaced_with(client, &kind);

    let status = refused(api.get("web").await);

    assert_eq!(status.code, 404);
    assert!(
        status
            .message
            .starts_with("not served here: apps/deployments; the embedded cluster serves ")
    );
}
