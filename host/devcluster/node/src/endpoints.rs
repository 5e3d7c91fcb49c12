//! Keeps Endpoints and EndpointSlices of services with a selector true to their pods.

mod addresses;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Endpoints, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::cache::{Cache, Changes, next_pass};
use addresses::{Wanted, wanted};

/// Says whose slices these are.
pub(crate) const MANAGED_BY: (&str, &str) = (
    "endpointslice.kubernetes.io/managed-by",
    "endpointslice-controller.stateward.dev",
);
/// The service of a slice.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";

pub(crate) struct Caches {
    pub(crate) services: Cache<Service>,
    pub(crate) pods: Cache<Pod>,
    pub(crate) endpoints: Cache<Endpoints>,
    pub(crate) slices: Cache<EndpointSlice>,
}

pub(crate) struct EndpointsController {
    client: Client,
    caches: Caches,
}

impl EndpointsController {
    pub(crate) fn new(client: Client, caches: Caches) -> Self {
        Self { client, caches }
    }

    pub(crate) async fn run(self, changes: Changes) {
        let mut changes = changes.subscribe();
        self.caches.services.complete().await;
        self.caches.pods.complete().await;
        self.caches.endpoints.complete().await;
        self.caches.slices.complete().await;
        loop {
            changes.mark_unchanged();
            let all_written = self.pass().await;
            if next_pass(&mut changes, all_written).await.is_err() {
                return;
            }
        }
    }

    /// Looks at every service; false when a write has to be tried again.
    async fn pass(&self) -> bool {
        let pods = self.caches.pods.all();
        let mut all_written = true;
        let mut owned: BTreeMap<(String, String), Wanted> = BTreeMap::new();
        for service in self.caches.services.all() {
            let key = (service.namespace().unwrap_or_default(), service.name_any());
            if let Some(wanted) = wanted(&service, &pods) {
                owned.insert(key, wanted);
            }
        }
        for (key, wanted) in &owned {
            all_written &= settled(self.write(key, wanted).await, "endpoints not written");
        }
        all_written & settled(self.remove_left(&owned).await, "endpoints not removed")
    }

    async fn write(
        &self,
        (namespace, name): &(String, String),
        wanted: &Wanted,
    ) -> kube::Result<()> {
        let api: Api<Endpoints> = Api::namespaced(self.client.clone(), namespace);
        match self.caches.endpoints.get(namespace, name) {
            None => drop(
                api.create(&PostParams::default(), &wanted.endpoints)
                    .await?,
            ),
            Some(known)
                if known.subsets.clone().unwrap_or_default()
                    == wanted.endpoints.subsets.clone().unwrap_or_default() => {}
            Some(_) => {
                let patch = Patch::Merge(json!({ "subsets": wanted.endpoints.subsets }));
                api.patch(name, &PatchParams::default(), &patch).await?;
            }
        }
        let api: Api<EndpointSlice> = Api::namespaced(self.client.clone(), namespace);
        for slice in &wanted.slices {
            match self.caches.slices.get(namespace, &slice.name_any()) {
                None => drop(api.create(&PostParams::default(), slice).await?),
                Some(known) if known.endpoints == slice.endpoints && known.ports == slice.ports => {
                }
                Some(_) => {
                    let patch =
                        Patch::Merge(json!({ "endpoints": slice.endpoints, "ports": slice.ports }));
                    api.patch(&slice.name_any(), &PatchParams::default(), &patch)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Slices that no service wants any more, and the Endpoints of services that are gone.
    async fn remove_left(&self, owned: &BTreeMap<(String, String), Wanted>) -> kube::Result<()> {
        let (managed_by, us) = MANAGED_BY;
        for slice in self.caches.slices.all() {
            let (namespace, name) = (slice.namespace().unwrap_or_default(), slice.name_any());
            if slice
                .labels()
                .get(managed_by)
                .is_none_or(|manager| manager != us)
            {
                continue;
            }
            let service = slice
                .labels()
                .get(SERVICE_NAME)
                .cloned()
                .unwrap_or_default();
            let is_wanted = owned
                .get(&(namespace.clone(), service))
                .is_some_and(|wanted| wanted.slices.iter().any(|wanted| wanted.name_any() == name));
            if !is_wanted {
                let api: Api<EndpointSlice> = Api::namespaced(self.client.clone(), &namespace);
                ignore_missing(api.delete(&name, &DeleteParams::default()).await.map(drop))?;
            }
        }
        for endpoints in self.caches.endpoints.all() {
            let key = (
                endpoints.namespace().unwrap_or_default(),
                endpoints.name_any(),
            );
            let is_ours = endpoints
                .labels()
                .get(managed_by)
                .is_some_and(|manager| manager == us);
            if is_ours && !owned.contains_key(&key) {
                let api: Api<Endpoints> = Api::namespaced(self.client.clone(), &key.0);
                ignore_missing(api.delete(&key.1, &DeleteParams::default()).await.map(drop))?;
            }
        }
        Ok(())
    }
}

/// The object went or was made meanwhile: the watch brings the next look.
fn settled(written: kube::Result<()>, what: &str) -> bool {
    match written {
        Ok(()) => true,
        Err(kube::Error::Api(answer))
            if answer.code == 404 || answer.code == 409 || answer.code == 403 =>
        {
            true
        }
        Err(error) => {
            tracing::debug!(%error, "{what}; trying again");
            false
        }
    }
}

fn ignore_missing(result: kube::Result<()>) -> kube::Result<()> {
    match result {
        Err(kube::Error::Api(answer)) if answer.code == 404 => Ok(()),
        other => other,
    }
}
