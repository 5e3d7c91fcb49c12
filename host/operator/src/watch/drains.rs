//! What drains are made of: nodes that are to be emptied, and the budgets that decide on evictions. The operator may lack the right to see them; everything
//! else goes on without.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Deserialize;

use super::app::{AppKey, AppObject};
use super::follow::{Followed, News};
use super::index::{Index, Kind, State};
use super::kinds::{put, scoped, take};
use super::slim::{Meta, SlimBudget, SlimNode};
use stateward_planner::Texts;
use stateward_planner::world::{self as planner, Budgets, Face};

/// What is known of drains.
#[derive(Default)]
pub(super) struct Drains {
    /// Nodes whose pods are to leave.
    nodes: BTreeSet<String>,
    /// Kinds that cannot be read, and why.
    unreadable: BTreeMap<&'static str, String>,
}

impl State {
    /// This kind cannot be read, or can again. Tells who is affected: every app that may have a budget.
    fn can_read(&mut self, kind: &'static str, why_not: Option<String>) -> Vec<News> {
        let known = self.drains.unreadable.get(kind);
        if known == why_not.as_ref() {
            return Vec::new();
        }
        match why_not {
            Some(why) => self.drains.unreadable.insert(kind, why),
            None => self.drains.unreadable.remove(kind),
        };
        self.apps_where(|key| key.face == Face::StatefulApp)
    }

    /// The apps that this budget concerns: its owner, and those of whose pods it selects one, or the next that is created.
    fn apps_of_budget(&self, budget: &SlimBudget) -> Vec<News> {
        let namespace = budget.namespace();
        let selector = budget.spec.selector.as_ref();
        let selects = |labels: &Texts| selector.is_some_and(|selector| selector.matches(labels));
        let is_its = |app: &AppObject| {
            let template = app.spec.pointer("/template/metadata/labels");
            let labels = template.and_then(|labels| Texts::deserialize(labels).ok());
            budget.controller() == Some(app.uid()) || selects(&labels.unwrap_or_default())
        };
        let mut concerned: HashSet<AppKey> = (self.apps.iter())
            .filter(|(key, app)| key.namespace == namespace && is_its(app))
            .map(|(key, _)| key.clone())
            .collect();
        let pods = self.pods.get(namespace).into_iter();
        for pod in pods.flat_map(|named| named.values()) {
            if selects(&pod.facts.labels) {
                concerned.extend(self.apps_named_in(namespace, pod.name()));
            }
        }
        concerned.retain(|key| key.face == Face::StatefulApp);
        concerned.into_iter().map(News::App).collect()
    }

    fn set_drained(&mut self, node: &str, is_drained: bool) -> Vec<News> {
        let has_changed = match is_drained {
            true => self.drains.nodes.insert(node.to_owned()),
            false => self.drains.nodes.remove(node),
        };
        if !has_changed {
            return Vec::new();
        }
        self.apps_at(&self.pods_on(node))
    }
}

impl Index {
    /// The nodes whose pods are to leave.
    pub(crate) fn drained_nodes(&self) -> BTreeSet<String> {
        self.read().drains.nodes.clone()
    }

    /// The disruption budgets of a namespace.
    pub(crate) fn budgets_in(&self, namespace: &str) -> Budgets {
        let state = self.read();
        if let Some(why) = state.drains.unreadable.values().next() {
            return Budgets::Unreadable { why: why.clone() };
        }
        let budgets = state.budgets.get(namespace).into_iter();
        let budgets = budgets
            .flat_map(|named| named.values())
            .map(|budget| planner::Budget {
                name: budget.name().to_owned(),
                uid: budget.uid().to_owned(),
                owner: budget.controller().map(str::to_owned),
                selector: budget.spec.selector.clone(),
                is_terminating: budget.is_terminating(),
            });
        Budgets::Seen {
            budgets: budgets.collect(),
        }
    }
}

impl Followed for SlimNode {
    const KIND: Option<Kind> = None;
    const OPTIONAL: Option<&'static str> = Some("drains and fences of nodes are not noticed");

    fn api(client: kube::Client, _: Option<&str>) -> kube::Api<SlimNode> {
        kube::Api::all(client)
    }

    fn reads(state: &mut State, why_not: Option<String>) -> Vec<News> {
        state.can_read("nodes", why_not)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        let mut news = state.set_drained(self.name(), self.is_drained());
        news.extend(state.set_fenced(self.name(), self.is_fenced()));
        news
    }

    fn remove(state: &mut State, _: &str, name: &str) -> Vec<News> {
        let mut news = state.set_drained(name, false);
        news.extend(state.set_fenced(name, false));
        news
    }
}

impl Followed for SlimBudget {
    const KIND: Option<Kind> = Some(Kind::Budget);
    const OPTIONAL: Option<&'static str> = Some("evictions are not held back");

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<SlimBudget> {
        scoped(client, namespace)
    }

    fn reads(state: &mut State, why_not: Option<String>) -> Vec<News> {
        state.can_read("poddisruptionbudgets", why_not)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        let selects = |budget: &SlimBudget| {
            let owner = budget.controller().map(str::to_owned);
            (owner, budget.spec.selector.clone(), budget.is_terminating())
        };
        let known = state.budgets.get(&namespace).and_then(|all| all.get(&name));
        // How many may go just now changes with every pod, and concerns nobody here.
        let is_same = known.is_some_and(|known| selects(known) == selects(&self));
        let mut news = Vec::new();
        if !is_same {
            news.extend(
                known
                    .map(|known| state.apps_of_budget(known))
                    .unwrap_or_default(),
            );
            news.extend(state.apps_of_budget(&self));
        }
        put(&mut state.budgets, self);
        news
    }

    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        match take(&mut state.budgets, namespace, name) {
            Some(budget) => state.apps_of_budget(&budget),
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::raw_pod::RawPod;
    use super::super::slim::RawStatefulApp;
    use super::*;

    fn seen<K: Followed>(state: &mut State, object: Value) -> Vec<String> {
        let object: K = serde_json::from_value(object).unwrap();
        names(object.apply(state))
    }

    fn names(news: Vec<News>) -> Vec<String> {
        let mut names: Vec<String> = (news.into_iter())
            .map(|news| match news {
                News::App(key) | News::Stirring(key) | News::StatusWritten(key) => key.name,
                other => panic!("{other:?}"),
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn budget(name: &str, owner: Option<&str>, app: &str) -> Value {
        let owner = owner.map(|uid| {
            json!([{ "apiVersion": "stateward.dev/v1alpha1", "kind": "StatefulApp", "name": "x", "uid": uid, "controller": true }])
        });
        json!({
            "metadata": { "namespace": "shop", "name": name, "ownerReferences": owner },
            "spec": { "selector": { "matchLabels": { "app": app } } },
        })
    }

    #[test]
    fn a_budget_concerns_its_owner_and_the_apps_that_it_selects_or_did() {
        let mut state = State::default();
        for (namespace, name) in [
            ("shop", "db"),
            ("shop", "web"),
            ("shop", "old"),
            ("other", "db"),
        ] {
            let template = json!({ "metadata": { "labels": { "app": name } } });
            seen::<RawStatefulApp>(
                &mut state,
                json!({
                    "metadata": { "namespace": namespace, "name": name, "uid": format!("{namespace}-{name}") },
                    "spec": { "template": template },
                }),
            );
        }
        // Made from an older template.
        let labels = json!({ "app": "older" });
        let pod = json!({ "metadata": { "namespace": "shop", "name": "old-0", "labels": labels } });
        seen::<RawPod>(&mut state, pod);

        let apply = seen::<SlimBudget>;
        assert_eq!(apply(&mut state, budget("one", None, "db")), ["db"]);
        assert_eq!(apply(&mut state, budget("one", None, "db")), [""; 0]);
        assert_eq!(apply(&mut state, budget("one", None, "web")), ["db", "web"]);
        assert_eq!(apply(&mut state, budget("two", None, "older")), ["old"]);
        let own = budget("three", Some("shop-db"), "nobody");
        assert_eq!(apply(&mut state, own), ["db"]);
        let gone = SlimBudget::remove(&mut state, "shop", "one");
        assert_eq!(names(gone), ["web"]);
    }
}
