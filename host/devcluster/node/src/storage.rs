//! Storage of a cluster without a controller manager: classes, volumes on demand, binding, reclaiming, protection of
//! claims in use, expansion. `plan` decides, this file writes.

mod binding;
mod claim;
mod effects;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};

use crate::cache::{Cache, Changes, next_pass};
use crate::errors::NodeError;
use crate::events::Recorder;
use crate::options::StorageScope;
pub(crate) use claim::class_name;
use plan::{World, plan};

/// Marks the class of claims that name none.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
/// Classes that exist from the start: name, provisioner, default.
const CLASSES: [(&str, &str, bool); 2] = [
    ("local-path", "stateward.dev/local-path", true),
    ("nfs", "stateward.dev/nfs", false),
];
/// A write that failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) struct Caches {
    pub(crate) claims: Cache<PersistentVolumeClaim>,
    pub(crate) volumes: Cache<PersistentVolume>,
    pub(crate) classes: Cache<StorageClass>,
    pub(crate) pods: Cache<Pod>,
}

pub(crate) struct StorageController {
    client: Client,
    /// Where volumes on demand are.
    folder: PathBuf,
    scope: StorageScope,
    caches: Caches,
    events: Recorder,
    /// What was last told of a claim, by UID.
    told: BTreeMap<String, String>,
    /// Newest version of what was written here, by UID: a cache that is older is not acted on.
    written: BTreeMap<String, u64>,
}

impl StorageController {
    pub(crate) fn new(
        client: Client,
        folder: &Path,
        scope: StorageScope,
        caches: Caches,
    ) -> Result<Self, NodeError> {
        let unusable = |source| NodeError::Folder {
            path: folder.to_owned(),
            source,
        };
        let volumes_folder = folder.join("volumes");
        std::fs::create_dir_all(&volumes_folder).map_err(unusable)?;
        Ok(Self {
            events: Recorder::new(client.clone(), "persistentvolume-controller", None),
            folder: volumes_folder.canonicalize().map_err(unusable)?,
            client,
            scope,
            caches,
            told: BTreeMap::new(),
            written: BTreeMap::new(),
        })
    }

    pub(crate) async fn run(mut self, changes: Changes) {
        let mut changes = changes.subscribe();
        while let Err(error) = self.make_classes().await {
            tracing::debug!(%error, "storage classes not made; trying again");
            tokio::time::sleep(RETRY).await;
        }
        self.caches.claims.complete().await;
        self.caches.volumes.complete().await;
        self.caches.classes.complete().await;
        self.caches.pods.complete().await;
        loop {
            changes.mark_unchanged();
            let all_written = self.pass().await;
            if next_pass(&mut changes, all_written).await.is_err() {
                return;
            }
        }
    }

    async fn make_classes(&self) -> kube::Result<()> {
        let api: Api<StorageClass> = Api::all(self.client.clone());
        for (name, provisioner, is_default) in CLASSES {
            let annotations =
                is_default.then(|| BTreeMap::from([(DEFAULT_CLASS.to_owned(), "true".to_owned())]));
            let class = StorageClass {
                metadata: ObjectMeta {
                    name: Some(name.to_owned()),
                    annotations,
                    ..ObjectMeta::default()
                },
                provisioner: provisioner.to_owned(),
                reclaim_policy: Some("Delete".to_owned()),
                allow_volume_expansion: Some(true),
                volume_binding_mode: Some("Immediate".to_owned()),
                ..StorageClass::default()
            };
            match api.create(&PostParams::default(), &class).await {
                Err(kube::Error::Api(answer)) if answer.code == 409 => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Looks at everything; false when a write has to be tried again.
    async fn pass(&mut self) -> bool {
        let caches = &self.caches;
        let (claims, volumes) = (caches.claims.all(), caches.volumes.all());
        let (classes, pods) = (caches.classes.all(), caches.pods.all());
        self.forget(&claims, &volumes);
        let steps = plan(&World {
            claims: &claims,
            volumes: &volumes,
            classes: &classes,
            pods: &pods,
        });
        let mut all_written = true;
        for step in steps {
            if !step.is_for(self.scope) || self.is_stale(&step) {
                continue;
            }
            match self.execute(&step).await {
                Ok(()) => {}
                // The object went or changed meanwhile; the watch brings the next look.
                Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => {}
                Err(error) => {
                    tracing::warn!(%error, ?step, "storage step failed; trying again");
                    all_written = false;
                }
            }
        }
        all_written
    }

    fn forget(&mut self, claims: &[Arc<PersistentVolumeClaim>], volumes: &[Arc<PersistentVolume>]) {
        let uids: std::collections::BTreeSet<&str> = claims
            .iter()
            .filter_map(|claim| claim.metadata.uid.as_deref())
            .chain(
                volumes
                    .iter()
                    .filter_map(|volume| volume.metadata.uid.as_deref()),
            )
            .collect();
        self.told.retain(|uid, _| uids.contains(uid.as_str()));
        self.written.retain(|uid, _| uids.contains(uid.as_str()));
    }
}
