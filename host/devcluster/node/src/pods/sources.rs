//! The config maps and secrets that a container's variables come from, fetched anew at each start.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ConfigMap, Container, Secret};
use kube::{Api, Client};

/// What was found by name; a name without an object is not in the map.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) config_maps: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) secrets: BTreeMap<String, BTreeMap<String, String>>,
}

impl Sources {
    pub(crate) async fn fetch(
        client: &Client,
        namespace: &str,
        container: &Container,
    ) -> kube::Result<Self> {
        let (config_maps, secrets) = references(container);
        let mut sources = Self::default();
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        for name in config_maps {
            if let Some(object) = api.get_opt(name).await? {
                sources
                    .config_maps
                    .insert(name.to_owned(), object.data.unwrap_or_default());
            }
        }
        let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
        for name in secrets {
            if let Some(object) = api.get_opt(name).await? {
                let data = object.data.unwrap_or_default();
                let texts = data
                    .into_iter()
                    .map(|(key, bytes)| (key, String::from_utf8_lossy(&bytes.0).into_owned()))
                    .collect();
                sources.secrets.insert(name.to_owned(), texts);
            }
        }
        Ok(sources)
    }
}

fn references(container: &Container) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut config_maps, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    for source in container.env_from.iter().flatten() {
        config_maps.extend(
            source
                .config_map_ref
                .iter()
                .map(|source| source.name.as_str()),
        );
        secrets.extend(source.secret_ref.iter().map(|source| source.name.as_str()));
    }
    for source in container
        .env
        .iter()
        .flatten()
        .filter_map(|variable| variable.value_from.as_ref())
    {
        config_maps.extend(
            source
                .config_map_key_ref
                .iter()
                .map(|source| source.name.as_str()),
        );
        secrets.extend(
            source
                .secret_key_ref
                .iter()
                .map(|source| source.name.as_str()),
        );
    }
    (config_maps, secrets)
}
