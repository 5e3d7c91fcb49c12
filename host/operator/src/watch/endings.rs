//! What ends as a whole and takes its apps with it: a namespace that is being deleted, and the kind StatefulApp when Stateward is uninstalled.
//!
//! Their pods go at the same time and in no order, so no app is held for a teardown there. Only what ends is kept. Without the right to see it, everything
//! else goes on, and such apps are held until they are torn down.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use stateward_planner::world::Face;

use super::app::AppKey;
use super::follow::{Followed, News};
use super::index::{Index, Kind, State};
use super::slim::Meta;
use crate::crd::StatefulApp;

/// What is ending.
#[derive(Default)]
pub(super) struct Endings {
    /// UIDs of the namespaces that are being deleted, by name.
    namespaces: BTreeMap<String, String>,
    /// The definition of StatefulApp is being deleted.
    is_uninstalled: bool,
}

impl Index {
    /// UID of this namespace, if it is being deleted.
    pub(crate) fn ending_namespace(&self, name: &str) -> Option<String> {
        self.read().endings.namespaces.get(name).cloned()
    }

    /// Looks once at what could end with this app in it, where nobody watches. What cannot be read is taken to stay, as it is by an operator without the right.
    pub(crate) async fn look_at_endings(&self, client: &kube::Client, app: &AppKey) {
        let namespaces = PartialObjectMeta::<Namespace>::api(client.clone(), None);
        if let Ok(Some(namespace)) = namespaces.get_opt(&app.namespace).await {
            namespace.apply(&mut self.write());
        }
        let definitions = PartialObjectMeta::<CustomResourceDefinition>::api(client.clone(), None);
        if let Ok(Some(definition)) = definitions.get_opt(StatefulApp::crd_name()).await {
            definition.apply(&mut self.write());
        }
    }

    /// Whether the definition of StatefulApp is being deleted, and all apps with it.
    pub(crate) fn is_uninstalled(&self) -> bool {
        self.read().endings.is_uninstalled
    }
}

impl State {
    pub(super) fn apps_where(&self, is_concerned: impl Fn(&AppKey) -> bool) -> Vec<News> {
        let keys = self.apps.keys().filter(|key| is_concerned(key)).cloned();
        keys.map(News::App).collect()
    }

    fn namespace_ends(&mut self, name: &str, uid: Option<&str>) -> Vec<News> {
        let namespaces = &mut self.endings.namespaces;
        let known = match uid {
            Some(uid) => namespaces.insert(name.to_owned(), uid.to_owned()),
            None => namespaces.remove(name),
        };
        match known.as_deref() == uid {
            true => Vec::new(),
            false => self.apps_where(|key| key.namespace == name),
        }
    }

    fn kind_ends(&mut self, is_ending: bool) -> Vec<News> {
        match std::mem::replace(&mut self.endings.is_uninstalled, is_ending) == is_ending {
            true => Vec::new(),
            false => self.apps_where(|key| key.face == Face::StatefulApp),
        }
    }
}

impl Followed for PartialObjectMeta<Namespace> {
    const KIND: Option<Kind> = None;
    const OPTIONAL: Option<&'static str> =
        Some("apps with a teardown hold the deletion of their namespace until they are torn down");

    fn api(client: kube::Client, _: Option<&str>) -> kube::Api<Self> {
        kube::Api::all(client)
    }

    fn config(namespace: Option<&str>) -> watcher::Config {
        // The others cost nothing: neither memory nor events.
        let fields = match namespace {
            Some(namespace) => format!("status.phase=Terminating,metadata.name={namespace}"),
            None => "status.phase=Terminating".to_owned(),
        };
        watcher::Config::default().fields(&fields)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        let uid = self.is_terminating().then(|| self.uid());
        state.namespace_ends(self.name(), uid)
    }

    fn remove(state: &mut State, _: &str, name: &str) -> Vec<News> {
        state.namespace_ends(name, None)
    }
}

impl Followed for PartialObjectMeta<CustomResourceDefinition> {
    const KIND: Option<Kind> = None;
    const OPTIONAL: Option<&'static str> =
        Some("apps with a teardown hold an uninstallation until they are torn down");

    fn api(client: kube::Client, _: Option<&str>) -> kube::Api<Self> {
        kube::Api::all(client)
    }

    fn config(_: Option<&str>) -> watcher::Config {
        let name = StatefulApp::crd_name();
        watcher::Config::default().fields(&format!("metadata.name={name}"))
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        state.kind_ends(self.is_terminating())
    }

    fn remove(state: &mut State, _: &str, _: &str) -> Vec<News> {
        state.kind_ends(false)
    }
}
