//! What the user and the world do, as requests.

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, ResourceQuota};
use kube::api::{
    Api, DeleteParams, DynamicObject, EvictParams, ListParams, Patch, PatchParams, PostParams,
};
use kube::runtime::wait::await_condition;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::manifest::{container, manifest, old_revision, retention, whole};
use crate::face::Face;
use crate::kubelet::{Clock, Kubelet};
use crate::picture::{Picture, look};
use crate::scenario::{Cascade, Deed, Limited, RefusedEdit, Settings, Strategy};

/// How long somebody waits for a set that was deleted to be gone.
const LEAVES_WITHIN: Duration = Duration::from_secs(60);

/// Who does what a scenario says, in one namespace.
pub struct Actor {
    client: Client,
    namespace: String,
    face: Face,
    kubelet: Kubelet,
    has_order: bool,
}

impl Actor {
    /// With a kubelet of the namespace. `has_order`: pictures show the order of creates and deletes.
    pub fn new(client: Client, namespace: &str, face: Face, clock: Clock, has_order: bool) -> Self {
        Self {
            kubelet: Kubelet::start(client.clone(), namespace, clock),
            client,
            namespace: namespace.to_owned(),
            face,
            has_order,
        }
    }

    /// The kubelet.
    pub fn kubelet(&self) -> &Kubelet {
        &self.kubelet
    }

    /// What is seen now.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn look(&self) -> Result<Picture> {
        let record = self.kubelet.record();
        let (namespace, has_order) = (&self.namespace, self.has_order);
        look(&self.client, namespace, self.face, record, has_order).await
    }

    /// Whether some pod is ready and will count as available only after the set's `minReadySeconds`. A status can look as if it did already, while it still
    /// tells of a pod before it.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn is_a_pod_to_become_available(&self) -> Result<bool> {
        let set = self.sets().get_opt("web").await?;
        let seconds = set.and_then(|set| set.data["spec"]["minReadySeconds"].as_i64());
        let Some(seconds) = seconds.filter(|seconds| *seconds > 0) else {
            return Ok(false);
        };
        // Times are told in whole seconds.
        let ago = Timestamp::now() - SignedDuration::from_secs(seconds + 1);
        let pods = self.api::<Pod>().list(&ListParams::default()).await?;
        Ok(pods.iter().any(|pod| is_ready_since_later(pod, ago)))
    }

    /// Makes the controller look at the set. Nothing changes but a label that nobody reads.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn nudge(&self) -> Result<()> {
        let now = Timestamp::now().as_nanosecond().to_string();
        let patch = json!({ "metadata": { "labels": { "nudged": now } } });
        let patch = Patch::Merge(&patch);
        let patched = (self.sets().patch("web", &PatchParams::default(), &patch)).await;
        match patched {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    /// Does it. What concerns an object that is not there is left undone.
    ///
    /// # Errors
    /// When the API refuses for another reason.
    pub async fn perform(&self, deed: &Deed) -> Result<()> {
        let sets = self.sets();
        let pods: Api<Pod> = self.api();
        let now = DeleteParams::default();
        let done = match deed {
            Deed::Set(settings) => return self.create(settings).await,
            Deed::Scale(replicas) => self.edit(json!({ "replicas": replicas })).await,
            Deed::Image(image) => {
                let containers = json!([container(image)]);
                self.edit(json!({ "template": { "spec": { "containers": containers } } }))
                    .await
            }
            Deed::Apply(settings) => match self.edit(whole(settings)).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {
                    return self.create(settings).await;
                }
                edited => edited,
            },
            Deed::Partition(at) => self.roll(json!({ "partition": at })).await,
            Deed::MaxUnavailable(count) => self.roll(json!({ "maxUnavailable": count })).await,
            Deed::MinReadySeconds(seconds) => {
                self.edit(json!({ "minReadySeconds": seconds })).await
            }
            Deed::Start(ordinal) => self.edit(json!({ "ordinals": { "start": ordinal } })).await,
            Deed::Strategy(Strategy::RollingUpdate) => {
                self.edit(json!({ "updateStrategy": { "type": "RollingUpdate" } }))
                    .await
            }
            Deed::Strategy(other) => {
                let strategy = json!({ "type": other.name(), "rollingUpdate": null });
                self.edit(json!({ "updateStrategy": strategy })).await
            }
            Deed::History(limit) => self.edit(json!({ "revisionHistoryLimit": limit })).await,
            Deed::Retention { scaled, deleted } => {
                let policy = retention(*scaled, *deleted);
                self.edit(json!({ "persistentVolumeClaimRetentionPolicy": policy }))
                    .await
            }
            Deed::DeletePod(ordinal) => pods.delete(&pod(*ordinal), &now).await.map(drop),
            Deed::ForceDeletePod(ordinal) => {
                let at_once = DeleteParams::default().grace_period(0);
                pods.delete(&pod(*ordinal), &at_once).await.map(drop)
            }
            Deed::EvictPod(ordinal) => {
                let parameters = EvictParams::default();
                pods.evict(&pod(*ordinal), &parameters).await.map(drop)
            }
            Deed::DeleteClaim(ordinal) => {
                let claims: Api<PersistentVolumeClaim> = self.api();
                let name = format!("data-web-{ordinal}");
                claims.delete(&name, &now).await.map(drop)
            }
            Deed::RelabelPod(ordinal) => {
                let patch = json!({ "metadata": { "labels": { "app": "released" } } });
                let patch = Patch::Merge(&patch);
                let parameters = PatchParams::default();
                (pods.patch(&pod(*ordinal), &parameters, &patch).await).map(drop)
            }
            Deed::Fail(ordinal) => return self.end(*ordinal, "Failed").await,
            Deed::Succeed(ordinal) => return self.end(*ordinal, "Succeeded").await,
            Deed::Unready(ordinal) => {
                self.kubelet.set_ready(*ordinal, false);
                Ok(())
            }
            Deed::Ready(ordinal) => {
                self.kubelet.set_ready(*ordinal, true);
                Ok(())
            }
            Deed::LoseNode => {
                self.kubelet.lose(true);
                Ok(())
            }
            Deed::NodeBack => {
                self.kubelet.lose(false);
                Ok(())
            }
            Deed::Quota(None) => {
                let quotas: Api<ResourceQuota> = self.api();
                quotas.delete(QUOTA, &now).await.map(drop)
            }
            Deed::Quota(Some((limited, most))) => return self.limit(*limited, *most).await,
            Deed::RefusedEdit(field) => return self.refused(*field).await,
            Deed::OldRevision => {
                let revisions: Api<ControllerRevision> = self.api();
                let revision = serde_json::from_value(old_revision())?;
                let created = revisions.create(&PostParams::default(), &revision).await;
                created.map(drop)
            }
            // The controller is in other hands.
            Deed::Restart => Ok(()),
            Deed::DeleteSet(cascade) => {
                let parameters = match cascade {
                    Cascade::Background => DeleteParams::background(),
                    Cascade::Foreground => DeleteParams::foreground(),
                    Cascade::Orphan => DeleteParams::orphan(),
                };
                sets.delete("web", &parameters).await.map(drop)
            }
        };
        match done {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => Ok(other?),
        }
    }

    async fn create(&self, settings: &Settings) -> Result<()> {
        let set = serde_json::from_value(manifest(self.face, settings))?;
        self.until_it_is_gone().await?;
        self.sets().create(&PostParams::default(), &set).await?;
        Ok(())
    }

    /// One that was deleted goes before another comes, as after `kubectl delete`.
    async fn until_it_is_gone(&self) -> Result<()> {
        let begin = tokio::time::Instant::now();
        while begin.elapsed() < LEAVES_WITHIN
            && let Some(set) = self.sets().get_opt("web").await?
            && set.metadata.deletion_timestamp.is_some()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn end(&self, ordinal: u32, phase: &'static str) -> Result<()> {
        let pods: Api<Pod> = self.api();
        if let Some(pod) = pods.get_opt(&pod(ordinal)).await? {
            self.kubelet.end(&pod.uid().unwrap_or_default(), phase);
        }
        Ok(())
    }

    /// From the moment on at which the quota counts.
    async fn limit(&self, limited: Limited, most: u32) -> Result<()> {
        let quotas: Api<ResourceQuota> = self.api();
        let resource = match limited {
            Limited::Pods => "pods",
            Limited::Claims => "persistentvolumeclaims",
        };
        let hard = json!({ resource: most.to_string() });
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": { "name": QUOTA }, "spec": { "hard": hard },
        });
        // Applied again, it limits nothing else any more.
        let parameters = PatchParams::apply("user").force();
        (quotas.patch(QUOTA, &parameters, &Patch::Apply(&quota))).await?;
        let counts = move |quota: Option<&ResourceQuota>| {
            let status = quota.and_then(|quota| quota.status.as_ref());
            status.is_some_and(|status| status.used.is_some() && json!(status.hard) == hard)
        };
        await_condition(quotas, QUOTA, counts).await?;
        Ok(())
    }

    async fn refused(&self, field: RefusedEdit) -> Result<()> {
        let edited = match field {
            RefusedEdit::Replicas => self.edit(json!({ "replicas": -1 })).await,
            RefusedEdit::Selector => {
                let selector = json!({ "matchLabels": { "app": "another" } });
                self.edit(json!({ "selector": selector })).await
            }
            RefusedEdit::ServiceName => self.edit(json!({ "serviceName": "another" })).await,
        };
        match edited {
            Err(kube::Error::Api(status)) if status.code == 422 || status.is_not_found() => Ok(()),
            Err(other) => Err(other.into()),
            Ok(()) => bail!("the API server takes it"),
        }
    }

    async fn roll(&self, rolling: Value) -> kube::Result<()> {
        let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": rolling });
        self.edit(json!({ "updateStrategy": strategy })).await
    }

    async fn edit(&self, spec: Value) -> kube::Result<()> {
        let sets = self.sets();
        let patch = Patch::Merge(json!({ "spec": spec }));
        let patched = sets.patch("web", &PatchParams::default(), &patch).await;
        patched.map(drop)
    }

    fn sets(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &self.face.resource())
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

fn is_ready_since_later(pod: &Pod, than: Timestamp) -> bool {
    let conditions = pod.status.iter().flat_map(|status| &status.conditions);
    (conditions.flatten())
        .filter(|condition| condition.type_ == "Ready" && condition.status == "True")
        .filter_map(|condition| condition.last_transition_time.as_ref())
        .any(|since| since.0 > than)
}

/// The name of the quota.
const QUOTA: &str = "tight";

fn pod(ordinal: u32) -> String {
    format!("web-{ordinal}")
}
