//! The kinds that apps are made of: which objects of each are kept, and which apps a change affects.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use kube::Resource;
use stateward_planner::world::Face;

use super::app::{AppKey, AppObject};
use super::claim::SlimClaim;
use super::follow::{Followed, News};
use super::index::{Kind, State};
use super::pod::SlimPod;
use super::raw_pod::RawPod;
use super::slim::{Meta, RawClaim, RawPlugin, RawStatefulApp, RawStatefulSet, SlimRevision};
use crate::worlds;

pub(super) fn scoped<K>(client: kube::Client, namespace: Option<&str>) -> kube::Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => kube::Api::namespaced(client, namespace),
        None => kube::Api::all(client),
    }
}

fn affected(state: &State, namespace: &str, name: &str) -> Vec<News> {
    (state.apps_named_in(namespace, name).into_iter())
        .map(News::App)
        .collect()
}

pub(super) fn put<T: Meta>(all: &mut HashMap<String, BTreeMap<String, Arc<T>>>, object: T) {
    let (namespace, name) = (object.namespace().to_owned(), object.name().to_owned());
    (all.entry(namespace).or_default()).insert(name, Arc::new(object));
}

pub(super) fn take<T>(
    all: &mut HashMap<String, BTreeMap<String, Arc<T>>>,
    namespace: &str,
    name: &str,
) -> Option<Arc<T>> {
    let named = all.get_mut(namespace)?;
    let taken = named.remove(name);
    if named.is_empty() {
        all.remove(namespace);
    }
    taken
}

/// One whose name is next to this one: most often it is of the same app.
fn neighbour<'a, T>(named: &'a BTreeMap<String, Arc<T>>, name: &str) -> Option<&'a T> {
    let mut before = named.range::<str, _>((Bound::Unbounded, Bound::Excluded(name)));
    let mut after = named.range::<str, _>((Bound::Excluded(name), Bound::Unbounded));
    let (_, next) = before.next_back().or_else(|| after.next())?;
    Some(next)
}

impl Followed for RawPod {
    const KIND: Option<Kind> = Some(Kind::Pod);

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<RawPod> {
        scoped(client, namespace)
    }

    /// Others' pods are not: those with a foreign controller, and those whose name no app can have given.
    fn is_kept(&self) -> bool {
        worlds::may_be_a_member(self)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        let mut pod = SlimPod::from(self);
        let pods = state.pods.get(&namespace);
        let known = pods.and_then(|pods| pods.get(&name)).map(Arc::as_ref);
        if let Some(sibling) = known.or_else(|| neighbour(pods?, &name)) {
            pod.share_with(sibling);
        }
        let is_ordinary = worlds::goes_its_way(known, &pod);
        put(&mut state.pods, pod);
        let apps = state.apps_named_in(&namespace, &name).into_iter();
        match is_ordinary {
            true => apps.map(News::Stirring).collect(),
            false => apps.map(News::App).collect(),
        }
    }

    fn pass_over(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        // It went to another owner, and lives on.
        match take(&mut state.pods, namespace, name) {
            Some(_) => affected(state, namespace, name),
            None => Vec::new(),
        }
    }

    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        match take(&mut state.pods, namespace, name) {
            Some(pod) => {
                state.died(&pod);
                affected(state, namespace, name)
            }
            None => Vec::new(),
        }
    }
}

impl Followed for RawClaim {
    const KIND: Option<Kind> = Some(Kind::Claim);

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<RawClaim> {
        scoped(client, namespace)
    }

    fn is_kept(&self) -> bool {
        worlds::ends_in_ordinal(self.name())
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        put(&mut state.claims, SlimClaim::from(self));
        affected(state, &namespace, &name)
    }

    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        match take(&mut state.claims, namespace, name) {
            Some(_) => affected(state, namespace, name),
            None => Vec::new(),
        }
    }
}

impl Followed for SlimRevision {
    const KIND: Option<Kind> = Some(Kind::Revision);

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<SlimRevision> {
        scoped(client, namespace)
    }

    fn is_kept(&self) -> bool {
        worlds::is_ours_or_nobodys(&self.metadata)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        put(&mut state.revisions, self);
        affected(state, &namespace, &name)
    }

    fn pass_over(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        // Nothing is known of the end of a revision, so it is the same.
        Self::remove(state, namespace, name)
    }

    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        match take(&mut state.revisions, namespace, name) {
            Some(_) => affected(state, namespace, name),
            None => Vec::new(),
        }
    }
}

fn apply_app(app: AppObject, state: &mut State) -> Vec<News> {
    let key = app.key.clone();
    let app = Arc::new(app);
    let before = state.apps.insert(key.clone(), app.clone());
    match before.is_some_and(|before| before.differs_in_status_alone(&app)) {
        true => vec![News::StatusWritten(key)],
        false => vec![News::App(key)],
    }
}

fn remove_app(face: Face, state: &mut State, namespace: &str, name: &str) -> Vec<News> {
    let key = AppKey {
        face,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    state.apps.remove(&key);
    vec![News::App(key)]
}

impl Followed for RawStatefulApp {
    const KIND: Option<Kind> = None;

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<RawStatefulApp> {
        scoped(client, namespace)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        apply_app(self.into(), state)
    }

    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        let face = Face::StatefulApp;
        remove_app(face, state, namespace, name)
    }
}

impl Followed for RawStatefulSet {
    const KIND: Option<Kind> = None;

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<RawStatefulSet> {
        scoped(client, namespace)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        apply_app(self.into(), state)
    }

    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        let face = Face::StatefulSet;
        remove_app(face, state, namespace, name)
    }
}

impl Followed for RawPlugin {
    const KIND: Option<Kind> = None;
    // After an uninstallation there is no such kind, and apps that were left are still to be let go.
    const MAY_BE_UNKNOWN: bool = true;

    fn api(client: kube::Client, _: Option<&str>) -> kube::Api<RawPlugin> {
        kube::Api::all(client)
    }

    fn apply(self, _: &mut State) -> Vec<News> {
        vec![News::Plugin(Box::new(self))]
    }

    fn remove(_: &mut State, _: &str, name: &str) -> Vec<News> {
        vec![News::PluginGone(name.to_owned())]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::follow::see;
    use super::*;

    fn seen<K: Followed>(state: &mut State, object: Value) -> usize {
        let object: K = serde_json::from_value(object).unwrap();
        let is_kept = object.is_kept();
        see(object, is_kept, state).len()
    }

    /// One of `shop`, with this controller.
    fn owned(name: &str, controller: Option<&str>) -> Value {
        let owners = controller.map(|kind| {
            json!([{ "apiVersion": "apps/v1", "kind": kind, "name": "x", "uid": "x", "controller": true }])
        });
        json!({ "metadata": { "namespace": "shop", "name": name, "uid": name, "ownerReferences": owners } })
    }

    fn given() -> State {
        let mut state = State::default();
        let app =
            json!({ "metadata": { "namespace": "shop", "name": "db", "uid": "db" }, "spec": {} });
        seen::<RawStatefulApp>(&mut state, app);
        state
    }

    #[test]
    fn a_pod_that_another_controller_takes_is_kept_no_more_and_its_app_is_told() {
        let mut state = given();
        assert_eq!(seen::<RawPod>(&mut state, owned("db-0", None)), 1);
        assert!(state.pods["shop"].contains_key("db-0"));
        let theirs = owned("db-0", Some("ReplicaSet"));
        assert_eq!(seen::<RawPod>(&mut state, theirs.clone()), 1);
        assert!(state.pods.is_empty());
        // Of what it does not know nobody is told.
        assert_eq!(seen::<RawPod>(&mut state, theirs), 0);
        assert_eq!(RawPod::remove(&mut state, "shop", "db-0").len(), 0);
    }

    #[test]
    fn of_claims_and_revisions_too_only_those_are_kept_that_may_be_an_apps() {
        let mut state = given();
        assert_eq!(seen::<RawClaim>(&mut state, owned("data-db-0", None)), 1);
        assert_eq!(seen::<RawClaim>(&mut state, owned("uploads", None)), 0);
        assert_eq!(state.claims["shop"].len(), 1);
        seen::<SlimRevision>(&mut state, owned("db-1", None));
        assert_eq!(state.revisions["shop"].len(), 1);
        seen::<SlimRevision>(&mut state, owned("db-1", Some("DaemonSet")));
        assert!(state.revisions.is_empty());
    }
}
