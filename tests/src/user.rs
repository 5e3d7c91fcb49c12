//! A user of the cluster: types `kubectl` where it is installed, and does the same through the API where it is not.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::{Endpoints, Event, Namespace, PersistentVolumeClaim, Pod};
use kube::api::{
    Api, ApiResource, AttachParams, DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch,
    PatchParams, PostParams,
};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::bed::{Bed, stateward};
use crate::eventually;
use crate::kubectl::Kubectl;
use crate::narrator::Narrator;

/// Which kind the app is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    StatefulSet,
    StatefulApp,
}

impl Face {
    /// As `kubectl` calls it.
    pub fn resource(self) -> &'static str {
        match self {
            Face::StatefulSet => "statefulset",
            Face::StatefulApp => "sapp",
        }
    }

    fn kind(self) -> ApiResource {
        match self {
            Face::StatefulSet => {
                ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "StatefulSet"))
            }
            Face::StatefulApp => ApiResource::from_gvk(&GroupVersionKind::gvk(
                "stateward.dev",
                "v1alpha1",
                "StatefulApp",
            )),
        }
    }
}

/// How long anything may take before a scenario gives up. A wait ends as soon as it can.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Somebody at a keyboard, in one namespace, writing apps in one face.
#[derive(Clone)]
pub struct User {
    pub client: Client,
    pub namespace: String,
    pub face: Face,
    pub narrator: Narrator,
    kubeconfig: PathBuf,
    kubectl: Option<Kubectl>,
}

impl User {
    pub async fn new(bed: &Bed, namespace: &str, face: Face, narrator: Narrator) -> Result<User> {
        let user = User {
            client: bed.client.clone(),
            namespace: namespace.to_owned(),
            face,
            narrator,
            kubeconfig: bed.kubeconfig.clone(),
            kubectl: Kubectl::of_this_machine(&bed.kubeconfig),
        };
        let namespaces: Api<Namespace> = Api::all(bed.client.clone());
        if namespaces.get_opt(namespace).await?.is_none() {
            let body = Namespace {
                metadata: ObjectMeta {
                    name: Some(namespace.to_owned()),
                    ..ObjectMeta::default()
                },
                ..Namespace::default()
            };
            namespaces.create(&PostParams::default(), &body).await?;
        }
        Ok(user)
    }

    /// The same user without `kubectl`.
    pub fn through_the_api(mut self) -> User {
        self.kubectl = None;
        self
    }

    /// The same user with a `kubectl` that is not the machine's own: a program, with the words that make `kubectl` of it.
    pub fn typing(mut self, program: &[impl Into<OsString> + Clone]) -> User {
        self.kubectl = Some(Kubectl::new(program, &self.kubeconfig));
        self
    }

    /// Types `kubectl …`; none where there is no kubectl (the line is shown all the same, so that the story reads the same).
    fn kubectl(&self, arguments: &[&str], stdin: Option<&str>) -> Result<Option<String>> {
        let line: Vec<_> = arguments
            .iter()
            .map(|word| {
                if word.contains([' ', '{', '$']) {
                    format!("'{word}'")
                } else {
                    (*word).to_owned()
                }
            })
            .collect();
        self.narrator
            .types(&format!("kubectl -n {} {}", self.namespace, line.join(" ")));
        let Some(kubectl) = &self.kubectl else {
            return Ok(None);
        };
        let words = [&["-n", &self.namespace][..], arguments].concat();
        let text = kubectl.run(&words, stdin.unwrap_or_default())?;
        self.narrator.shows(&text);
        Ok(Some(text))
    }

    /// Types `stateward …` and returns what it printed, with its exit code.
    pub fn stateward(&self, arguments: &[&str]) -> Result<(i32, String)> {
        let line: Vec<_> = arguments
            .iter()
            .map(|word| {
                if word.contains(' ') {
                    format!("'{word}'")
                } else {
                    (*word).to_owned()
                }
            })
            .collect();
        self.narrator
            .types(&format!("stateward {}", line.join(" ")));
        let output = Command::new(stateward()?)
            .args(arguments)
            .args(["--namespace", &self.namespace])
            .current_dir(crate::workspace())
            .env("KUBECONFIG", &self.kubeconfig)
            .output()?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            text.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        self.narrator.shows(&text);
        Ok((output.status.code().unwrap_or(-1), text))
    }

    fn apps(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &self.face.kind())
    }

    pub fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn claims(&self) -> Api<PersistentVolumeClaim> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies the documents of a manifest, a StatefulSet among them written in the user's face.
    pub async fn apply(&self, manifest: &str) -> Result<()> {
        let mut documents = Vec::new();
        for document in serde_yaml::Deserializer::from_str(manifest) {
            let mut document = Value::deserialize(document)?;
            if self.face == Face::StatefulApp && document["kind"] == "StatefulSet" {
                document["apiVersion"] = json!("stateward.dev/v1alpha1");
                document["kind"] = json!("StatefulApp");
            }
            documents.push(document);
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": documents}).to_string();
        if self.kubectl(&["apply", "-f", "-"], Some(&list))?.is_some() {
            return Ok(());
        }
        for document in documents {
            let object: DynamicObject = serde_json::from_value(document)?;
            let types = object.types.clone().context("a document has no kind")?;
            let (group, version) = types
                .api_version
                .rsplit_once('/')
                .unwrap_or(("", &types.api_version));
            let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
            let cluster_wide = ["Namespace", "PersistentVolume", "StorageClass", "Plugin"]
                .contains(&types.kind.as_str());
            let api: Api<DynamicObject> = if cluster_wide {
                Api::all_with(self.client.clone(), &kind)
            } else {
                Api::namespaced_with(
                    self.client.clone(),
                    object
                        .metadata
                        .namespace
                        .as_deref()
                        .unwrap_or(&self.namespace),
                    &kind,
                )
            };
            api.patch(
                &object.name_any(),
                &PatchParams::apply("demo").force(),
                &Patch::Apply(&object),
            )
            .await?;
        }
        Ok(())
    }

    pub async fn apply_file(&self, path: &str) -> Result<()> {
        self.narrator.says(&format!("applying {path}"));
        self.apply(
            &std::fs::read_to_string(crate::workspace().join(path))
                .with_context(|| path.to_owned())?,
        )
        .await
    }

    pub async fn scale(&self, app: &str, replicas: u32) -> Result<()> {
        if self
            .kubectl(
                &[
                    "scale",
                    self.face.resource(),
                    app,
                    &format!("--replicas={replicas}"),
                ],
                None,
            )?
            .is_none()
        {
            self.merge(app, &json!({"spec": {"replicas": replicas}}))
                .await?;
        }
        Ok(())
    }

    /// A merge patch of the app.
    pub async fn patch(&self, app: &str, patch: &Value) -> Result<()> {
        if self
            .kubectl(
                &[
                    "patch",
                    self.face.resource(),
                    app,
                    "--type=merge",
                    "-p",
                    &patch.to_string(),
                ],
                None,
            )?
            .is_none()
        {
            self.merge(app, patch).await?;
        }
        Ok(())
    }

    async fn merge(&self, app: &str, patch: &Value) -> Result<()> {
        self.apps()
            .patch(app, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// `kubectl set image` knows no custom resources: a StatefulApp's users write `stateward set-image`.
    pub async fn set_image(&self, app: &str, container: &str, image: &str) -> Result<()> {
        let assignment = format!("{container}={image}");
        if self.face == Face::StatefulApp {
            let (code, text) = self.stateward(&["set-image", app, &assignment])?;
            if code != 0 {
                bail!("set-image failed: {text}");
            }
        } else if self
            .kubectl(
                &["set", "image", self.face.resource(), app, &assignment],
                None,
            )?
            .is_none()
        {
            let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}});
            self.apps()
                .patch(app, &PatchParams::default(), &Patch::Strategic(patch))
                .await?;
        }
        Ok(())
    }

    pub async fn delete_pod(&self, pod: &str) -> Result<()> {
        if self
            .kubectl(&["delete", "pod", pod, "--wait=false"], None)?
            .is_none()
        {
            self.pods().delete(pod, &DeleteParams::default()).await?;
        }
        Ok(())
    }

    pub async fn delete_pods(&self, label: &str) -> Result<()> {
        if self
            .kubectl(&["delete", "pod", "-l", label, "--wait=false"], None)?
            .is_none()
        {
            self.pods()
                .delete_collection(
                    &DeleteParams::default(),
                    &ListParams::default().labels(label),
                )
                .await?;
        }
        Ok(())
    }

    pub async fn delete_app(&self, app: &str) -> Result<()> {
        if self
            .kubectl(&["delete", self.face.resource(), app], None)?
            .is_none()
        {
            self.apps().delete(app, &DeleteParams::default()).await?;
        }
        Ok(())
    }

    /// Runs a program in a pod and returns what it printed.
    pub async fn exec(&self, pod: &str, argv: &[&str]) -> Result<String> {
        let mut arguments = vec!["exec", pod, "--"];
        arguments.extend(argv);
        if let Some(output) = self.kubectl(&arguments, None)? {
            return Ok(output.trim_end().to_owned());
        }
        let output = self.exec_quietly(pod, argv).await?;
        self.narrator.shows(&output);
        Ok(output)
    }

    /// The same, untold.
    pub async fn exec_quietly(&self, pod: &str, argv: &[&str]) -> Result<String> {
        let mut process = self
            .pods()
            .exec(
                pod,
                argv.iter().copied(),
                &AttachParams::default().stderr(true),
            )
            .await
            .with_context(|| format!("exec in {pod}"))?;
        let (mut out, mut errors) = (String::new(), String::new());
        let (mut stdout, mut stderr) = (
            process.stdout().context("no stdout")?,
            process.stderr().context("no stderr")?,
        );
        tokio::try_join!(
            stdout.read_to_string(&mut out),
            stderr.read_to_string(&mut errors)
        )?;
        let status = process.take_status().context("no status")?.await;
        if status.as_ref().and_then(|status| status.status.as_deref()) != Some("Success") {
            bail!(
                "{argv:?} in {pod} failed: {} {errors}",
                status.and_then(|status| status.message).unwrap_or_default()
            );
        }
        Ok(out.trim_end().to_owned())
    }

    /// Shows what `kubectl get` says.
    pub fn look(&self, what: &str) -> Result<()> {
        if self.kubectl.is_some() {
            self.kubectl(&["get", what], None)?;
        }
        Ok(())
    }

    pub async fn app(&self, app: &str) -> Result<Value> {
        Ok(serde_json::to_value(self.apps().get(app).await?)?)
    }

    pub async fn address(&self, pod: &str) -> Result<String> {
        let pod = self.pods().get(pod).await?;
        pod.status
            .and_then(|status| status.pod_ip)
            .context("the pod has no address")
    }

    pub async fn uid(&self, pod: &str) -> Result<String> {
        self.pods()
            .get(pod)
            .await?
            .metadata
            .uid
            .context("the pod has no UID")
    }

    /// Waits until exactly these pods exist, all Ready and none terminating, and the app's status says the same.
    pub async fn until_ready(&self, app: &str, ordinals: &[u32]) -> Result<()> {
        let wanted: Vec<String> = ordinals
            .iter()
            .map(|ordinal| format!("{app}-{ordinal}"))
            .collect();
        eventually(
            &format!(
                "{} are ready and nothing else of {app} is left",
                wanted.join(", ")
            ),
            PATIENCE,
            || async {
                let object = self.app(app).await?;
                let selector = labels(&object["spec"]["selector"]["matchLabels"]);
                let pods = self
                    .pods()
                    .list(&ListParams::default().labels(&selector))
                    .await?
                    .items;
                let mut names: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
                names.sort_by_key(|name| (name.len(), name.clone()));
                let status = &object["status"];
                let settled = status["observedGeneration"] == object["metadata"]["generation"]
                    && status["replicas"] == json!(wanted.len())
                    && status["availableReplicas"].as_u64().unwrap_or(0) == wanted.len() as u64;
                let all = pods
                    .iter()
                    .all(|pod| is_ready(pod) && pod.metadata.deletion_timestamp.is_none());
                Ok(if names == wanted && all && settled {
                    Ok(())
                } else {
                    Err(format!("pods {names:?} status {status}"))
                })
            },
        )
        .await
    }

    /// Waits until a rollout to the newest template is complete.
    pub async fn until_rolled_out(&self, app: &str) -> Result<()> {
        eventually(
            &format!("the rollout of {app} is complete"),
            PATIENCE,
            || async {
                let object = self.app(app).await?;
                let status = &object["status"];
                let complete = status["observedGeneration"] == object["metadata"]["generation"]
                    && status["updatedReplicas"] == object["spec"]["replicas"]
                    && status["availableReplicas"] == object["spec"]["replicas"]
                    && status["currentRevision"] == status["updateRevision"];
                Ok(if complete {
                    Ok(())
                } else {
                    Err(status.to_string())
                })
            },
        )
        .await
    }

    /// Waits until a pod under this name, with another UID than before, is Ready.
    pub async fn until_replaced(&self, pod: &str, before: &str) -> Result<()> {
        eventually(&format!("{pod} is back"), PATIENCE, || async {
            Ok(match self.pods().get_opt(pod).await? {
                Some(found)
                    if found.metadata.uid.as_deref() != Some(before) && is_ready(&found) =>
                {
                    Ok(())
                }
                found => Err(format!(
                    "{:?}",
                    found
                        .and_then(|pod| pod.status)
                        .and_then(|status| status.phase)
                )),
            })
        })
        .await
    }

    /// Addresses that the endpoints of a service list as ready.
    pub async fn endpoints(&self, service: &str) -> Result<Vec<String>> {
        let endpoints: Api<Endpoints> = Api::namespaced(self.client.clone(), &self.namespace);
        let subsets = endpoints
            .get_opt(service)
            .await?
            .and_then(|endpoints| endpoints.subsets)
            .unwrap_or_default();
        Ok(subsets
            .into_iter()
            .flat_map(|subset| subset.addresses.unwrap_or_default())
            .map(|address| address.ip)
            .collect())
    }

    /// Waits for an event whose reason and note satisfy `fits`, and returns its note.
    pub async fn until_event(&self, what: &str, fits: impl Fn(&Event) -> bool) -> Result<String> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        eventually(&format!("an event says {what}"), PATIENCE, || async {
            let all = events.list(&ListParams::default()).await?.items;
            Ok(match all.iter().find(|event| fits(event)) {
                Some(event) => Ok(event.message.clone().unwrap_or_default()),
                None => Err(all
                    .iter()
                    .map(|event| {
                        format!(
                            "{}: {}",
                            event.reason.clone().unwrap_or_default(),
                            event.message.clone().unwrap_or_default()
                        )
                    })
                    .collect::<Vec<_>>()
                    .join(" | ")),
            })
        })
        .await
    }
}

/// `a=b,c=d`.
fn labels(value: &Value) -> String {
    let pairs = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}

pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| {
        all.iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}
