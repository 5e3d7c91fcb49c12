//! The snapshot that a hook receives, made from the app's view.
//!
//! Keys of `extra`: `host` of a member is its stable DNS name, when the app has a service; `claims`, the UIDs of its claims, separated by commas. Of the app,
//! `epoch.<role>` is the epoch of a role that was released, so that it can be claimed anew; `reserved`, the ordinals that have no member, separated by commas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use stateward_planner::world::World;
use stateward_runtime::{
    App, Claim, Death, Entry, Extra, Member, Seen, Snapshot, Standing, Volume,
};

use crate::annotations::USED_BY;
use crate::watch::{Index, Meta, SlimPod};
use crate::worlds::{View, condition_since, has_stopped, ordinal_of, runs};

/// What the last probe of each pod saw, by the pod's UID.
pub(crate) type Observations = BTreeMap<String, Seen>;

/// The picture of the app that this view shows. `settings` is `spec.plugin.settings`.
pub(crate) fn snapshot(
    view: &View,
    observations: &Observations,
    index: &Index,
    now: Timestamp,
) -> Snapshot {
    let world = &view.world;
    let mut pods: BTreeMap<u32, &Arc<SlimPod>> = BTreeMap::new();
    for pod in view.pods.iter() {
        let is_ours = pod.controller() == Some(world.app.uid.as_str());
        if let (true, Some(ordinal)) = (is_ours, ordinal_of(&world.app.name, pod.name())) {
            pods.insert(ordinal, pod);
        }
    }
    let wanted = world.app.spec.ordinals();
    let ordinals: BTreeSet<u32> = wanted.iter().chain(pods.keys().copied()).collect();
    let members = (ordinals.into_iter())
        .map(|ordinal| {
            let pod = pods.get(&ordinal).map(|pod| pod.as_ref());
            Arc::new(member(view, ordinal, pod, observations))
        })
        .collect();
    let current = pods.values().filter(|pod| !pod.is_terminating()).count();
    Snapshot {
        app: Arc::new(app(view, current, now)),
        members,
        deaths: Arc::new(ends(view, index)),
        state: Arc::new(state(world)),
    }
}

fn app(view: &View, current: usize, now: Timestamp) -> App {
    let world = &view.world;
    let mut extra = Extra::new();
    let mut claims = Vec::new();
    for role in &world.recorded.roles {
        match &role.holder {
            Some(holder) => claims.push(Claim {
                role: role.name.clone(),
                ordinal: holder.ordinal,
                pod: holder.pod.clone(),
                epoch: role.epoch,
                extra: Extra::new(),
            }),
            None if role.epoch > 0 => {
                extra.push((format!("epoch.{}", role.name), role.epoch.to_string()));
            }
            None => {}
        }
    }
    let reserved = &world.app.spec.reserved;
    if !reserved.is_empty() {
        let reserved: Vec<_> = reserved.iter().map(u32::to_string).collect();
        extra.push(("reserved".to_owned(), reserved.join(",")));
    }
    let settings = view.app.spec.pointer("/plugin/settings");
    App {
        uid: world.app.uid.clone(),
        namespace: world.app.namespace.clone(),
        name: world.app.name.clone(),
        now_ms: u64::try_from(now.as_millisecond()).unwrap_or(0),
        generation: u64::try_from(world.app.generation).unwrap_or(0),
        current: u32::try_from(current).unwrap_or(u32::MAX),
        target: world.app.spec.replicas,
        start: world.app.spec.start,
        update_revision: world.recorded.update_revision.clone(),
        claims,
        settings: settings
            .filter(|settings| !settings.is_null())
            .map_or_else(|| "{}".to_owned(), Value::to_string),
        extra,
    }
}

fn member(view: &View, ordinal: u32, pod: Option<&SlimPod>, observations: &Observations) -> Member {
    let app = &view.world.app;
    let mut extra = Extra::new();
    if !app.spec.service_name.is_empty() {
        let host = format!(
            "{}-{ordinal}.{}.{}.svc",
            app.name, app.spec.service_name, app.namespace
        );
        extra.push(("host".to_owned(), host));
    }
    let claims = claims_of(view, ordinal);
    if !claims.is_empty() {
        extra.push(("claims".to_owned(), claims.join(",")));
    }
    let volume = volume(view, ordinal);
    let Some(pod) = pod else {
        return Member {
            ordinal,
            volume,
            extra,
            ..Member::default()
        };
    };
    let labels = pod.metadata.labels.as_ref();
    let revision = labels.and_then(|labels| labels.get("controller-revision-hash"));
    let restarts = pod.status.container_statuses.iter();
    Member {
        ordinal,
        pod: Some(pod.uid().to_owned()),
        address: pod.status.pod_ip.clone(),
        standing: standing(pod),
        restarts: restarts
            .map(|container| container.restart_count)
            .fold(0, u32::saturating_add),
        revision: revision.cloned().unwrap_or_default(),
        node: pod.spec.node_name.clone(),
        volume,
        last: observations.get(pod.uid()).cloned(),
        extra,
    }
}

/// UIDs of the member's claims.
fn claims_of(view: &View, ordinal: u32) -> Vec<String> {
    let end = format!("-{}-{ordinal}", view.world.app.name);
    (view.claims.iter())
        .filter(|claim| claim.name().ends_with(&end))
        .map(|claim| claim.uid().to_owned())
        .collect()
}

fn standing(pod: &SlimPod) -> Standing {
    if pod.is_terminating() {
        Standing::Terminating
    } else if condition_since(pod, "Ready").is_some() {
        Standing::Ready
    } else if runs(pod) {
        Standing::Unready
    } else {
        Standing::Starting
    }
}

/// The claims of a member carry who has used their volumes.
fn volume(view: &View, ordinal: u32) -> Volume {
    let app = &view.world.app;
    if app.spec.claim_templates.is_empty() {
        return Volume::None;
    }
    let end = format!("-{}-{ordinal}", app.name);
    let expected = format!("{}/{ordinal}", app.uid);
    let claims = view
        .claims
        .iter()
        .filter(|claim| claim.name().ends_with(&end));
    let marks: Vec<Option<&String>> = claims
        .map(|claim| (claim.metadata.annotations.as_ref()).and_then(|all| all.get(USED_BY)))
        .collect();
    if marks.iter().flatten().any(|mark| **mark != expected) {
        Volume::Foreign
    } else if marks.iter().any(Option::is_some) {
        Volume::Same
    } else {
        Volume::New
    }
}

/// The ends of pods that are there, and of those that the app still speaks of. A pod that is there and is not named is alive.
pub(crate) fn ends(view: &View, index: &Index) -> BTreeMap<String, Death> {
    let fenced = index.fenced_nodes();
    let is_fenced = |pod: &SlimPod| {
        let node = pod.spec.node_name.as_ref();
        node.is_some_and(|node| fenced.contains(node))
    };
    let mut ends = BTreeMap::new();
    for pod in view.pods.iter() {
        let death = if has_stopped(pod) {
            Death::Stopped
        } else if is_fenced(pod) {
            Death::NodeFenced
        } else {
            continue;
        };
        ends.insert(pod.uid().to_owned(), death);
    }
    let recorded = &view.world.recorded;
    let holders = recorded
        .roles
        .iter()
        .filter_map(|role| role.holder.as_ref());
    let left = recorded.departures.iter().map(|left| &left.pod);
    for uid in holders.map(|holder| &holder.pod).chain(left) {
        match index.death_of(uid) {
            Some(death) => drop(ends.insert(uid.clone(), death)),
            None if view.pods.iter().any(|pod| pod.uid() == uid) => {}
            None => drop(ends.insert(uid.clone(), Death::ObjectGone)),
        }
    }
    ends
}

fn state(world: &World) -> BTreeMap<String, Entry> {
    let entries = world.recorded.state.iter().map(|(key, entry)| {
        let value = STANDARD.decode(&entry.value).unwrap_or_default();
        let entry = Entry {
            value,
            version: entry.version,
        };
        (key.clone(), entry)
    });
    entries.collect()
}
