//! What drains are made of: nodes that are to be emptied, and the budgets that decide on evictions. The operator may lack the right to see them; everything
//! else goes on without.

use std::collections::BTreeSet;

use super::app::AppKey;
use super::follow::{Followed, News, put, scoped, take};
use super::index::{Index, Kind, State};
use super::slim::{Meta, SlimBudget, SlimNode, strip};
use stateward_planner::world::{self as planner, Budgets, Face};

/// What is known of drains.
#[derive(Default)]
pub(super) struct Drains {
    /// Nodes whose pods are to leave.
    nodes: BTreeSet<String>,
    /// Kinds that cannot be read, and why.
    unreadable: std::collections::BTreeMap<&'static str, String>,
}

impl State {
    /// This kind cannot be read, or can again. Tells who is affected: every app that may have a budget.
    pub(super) fn reads(&mut self, kind: &'static str, why_not: Option<String>) -> Vec<News> {
        let known = self.drains.unreadable.get(kind);
        if known == why_not.as_ref() {
            return Vec::new();
        }
        match why_not {
            Some(why) => self.drains.unreadable.insert(kind, why),
            None => self.drains.unreadable.remove(kind),
        };
        self.apps_with_budgets(None)
    }

    fn apps_with_budgets(&self, namespace: Option<&str>) -> Vec<News> {
        let concerned = |key: &&AppKey| {
            key.face == Face::StatefulApp && namespace.is_none_or(|of| key.namespace == of)
        };
        let keys = self.apps.keys().filter(concerned).cloned();
        keys.map(News::App).collect()
    }

    fn set_drained(&mut self, node: &str, is_drained: bool) -> Vec<News> {
        let has_changed = match is_drained {
            true => self.drains.nodes.insert(node.to_owned()),
            false => self.drains.nodes.remove(node),
        };
        if !has_changed {
            return Vec::new();
        }
        let mut news = Vec::new();
        for (namespace, pods) in &self.pods {
            let on_it = |pod: &&std::sync::Arc<super::slim::SlimPod>| {
                pod.spec.node_name.as_deref() == Some(node)
            };
            for pod in pods.values().filter(on_it) {
                let apps = self.apps_named_in(namespace, pod.name());
                news.extend(apps.into_iter().map(News::App));
            }
        }
        news
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
    const OPTIONAL: Option<&'static str> = Some("drains of nodes are not noticed");

    fn api(client: kube::Client, _: Option<&str>) -> kube::Api<SlimNode> {
        kube::Api::all(client)
    }

    fn apply(self, state: &mut State) -> Vec<News> {
        state.set_drained(self.name(), self.is_drained())
    }

    fn remove(state: &mut State, _: &str, name: &str) -> Vec<News> {
        state.set_drained(name, false)
    }
}

impl Followed for SlimBudget {
    const KIND: Option<Kind> = Some(Kind::Budget);
    const OPTIONAL: Option<&'static str> = Some("evictions are not held back");

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<SlimBudget> {
        scoped(client, namespace)
    }

    fn apply(mut self, state: &mut State) -> Vec<News> {
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        strip(&mut self.metadata);
        let selects = |budget: &SlimBudget| {
            let owner = budget.controller().map(str::to_owned);
            (owner, budget.spec.selector.clone(), budget.is_terminating())
        };
        let known = state.budgets.get(&namespace).and_then(|all| all.get(&name));
        let is_same = known.is_some_and(|known| selects(known) == selects(&self));
        put(&mut state.budgets, self);
        // How many may go just now changes with every pod, and concerns nobody here.
        match is_same {
            true => Vec::new(),
            false => state.apps_with_budgets(Some(&namespace)),
        }
    }

    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News> {
        match take(&mut state.budgets, namespace, name) {
            Some(_) => state.apps_with_budgets(Some(namespace)),
            None => Vec::new(),
        }
    }
}
