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

use crate::watch::{Index, Meta, SlimClaim, SlimPod};
use crate::worlds::{View, ordinal_of};

/// Of the members that have no pod so many are drawn, from the lowest ordinal on: a spec may ask for billions.
const MOST_MISSING: usize = 10_000;

/// What the last probe of each pod saw, by the pod's UID.
pub(crate) type Observations = BTreeMap<String, Seen>;

/// Members as they were drawn last, by ordinal: most of them are the same in the next picture.
#[derive(Default)]
pub(crate) struct Portraits {
    /// Of the app's spec: members tell of the service's name.
    generation: i64,
    drawn: BTreeMap<u32, Portrait>,
}

/// A member, and what it was drawn from.
struct Portrait {
    pod: Option<Arc<SlimPod>>,
    claims: Vec<Arc<SlimClaim>>,
    last: Option<Seen>,
    member: Arc<Member>,
}

impl Portrait {
    fn is_of(
        &self,
        pod: Option<&Arc<SlimPod>>,
        claims: &[&Arc<SlimClaim>],
        last: Option<&Seen>,
    ) -> bool {
        let is_same_pod = match (&self.pod, pod) {
            (Some(drawn), Some(pod)) => Arc::ptr_eq(drawn, pod),
            (None, None) => true,
            _ => false,
        };
        is_same_pod
            && self.last.as_ref() == last
            && self.claims.len() == claims.len()
            && (self.claims.iter().zip(claims)).all(|(drawn, claim)| Arc::ptr_eq(drawn, claim))
    }
}

/// The picture of the app that this view shows. `settings` is `spec.plugin.settings`.
pub(crate) fn snapshot(
    view: &View,
    observations: &Observations,
    portraits: &mut Portraits,
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
    let claims = claims_by_ordinal(view);
    let wanted = world.app.spec.ordinals();
    let drawn = wanted.iter().take(pods.len().saturating_add(MOST_MISSING));
    let ordinals: BTreeSet<u32> = drawn.chain(pods.keys().copied()).collect();
    let mut known = match portraits.generation == world.app.generation {
        true => std::mem::take(&mut portraits.drawn),
        false => BTreeMap::new(),
    };
    portraits.generation = world.app.generation;
    portraits.drawn = (ordinals.into_iter())
        .map(|ordinal| {
            let pod = pods.get(&ordinal).copied();
            let claims = claims.get(&ordinal).map_or(&[][..], Vec::as_slice);
            let last = pod.and_then(|pod| observations.get(pod.uid()));
            let same =
                (known.remove(&ordinal)).filter(|portrait| portrait.is_of(pod, claims, last));
            let portrait = same.unwrap_or_else(|| Portrait {
                pod: pod.cloned(),
                claims: claims.iter().copied().cloned().collect(),
                last: last.cloned(),
                member: Arc::new(member(view, ordinal, pod.map(Arc::as_ref), claims, last)),
            });
            (ordinal, portrait)
        })
        .collect();
    let members = portraits.drawn.values();
    let members = members.map(|portrait| portrait.member.clone()).collect();
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

fn member(
    view: &View,
    ordinal: u32,
    pod: Option<&SlimPod>,
    claims: &[&Arc<SlimClaim>],
    last: Option<&Seen>,
) -> Member {
    let app = &view.world.app;
    let mut extra = Extra::new();
    if !app.spec.service_name.is_empty() {
        let host = format!(
            "{}-{ordinal}.{}.{}.svc",
            app.name, app.spec.service_name, app.namespace
        );
        extra.push(("host".to_owned(), host));
    }
    if !claims.is_empty() {
        let uids: Vec<&str> = claims.iter().map(|claim| claim.uid()).collect();
        extra.push(("claims".to_owned(), uids.join(",")));
    }
    let volume = volume(view, ordinal, claims);
    let Some(pod) = pod else {
        return Member {
            ordinal,
            volume,
            extra,
            ..Member::default()
        };
    };
    let revision = pod.facts.labels.get("controller-revision-hash");
    Member {
        ordinal,
        pod: Some(pod.uid().to_owned()),
        address: pod.facts.address.clone(),
        standing: standing(pod),
        restarts: pod.facts.restarts,
        revision: revision.unwrap_or_default().to_owned(),
        node: pod.facts.node.clone(),
        volume,
        last: last.cloned(),
        extra,
    }
}

/// The claims of each member, whose names end with its ordinal.
fn claims_by_ordinal(view: &View) -> BTreeMap<u32, Vec<&Arc<SlimClaim>>> {
    let mut claims: BTreeMap<u32, Vec<&Arc<SlimClaim>>> = BTreeMap::new();
    for claim in &view.claims {
        let end = claim.name().rsplit_once('-').map(|(_, end)| end);
        if let Some(Ok(ordinal)) = end.map(str::parse) {
            claims.entry(ordinal).or_default().push(claim);
        }
    }
    claims
}

fn standing(pod: &SlimPod) -> Standing {
    if pod.is_terminating() {
        Standing::Terminating
    } else if pod.facts.ready_since.is_some() {
        Standing::Ready
    } else if pod.runs {
        Standing::Unready
    } else {
        Standing::Starting
    }
}

/// The claims of a member carry who has used their volumes.
fn volume(view: &View, ordinal: u32, claims: &[&Arc<SlimClaim>]) -> Volume {
    let app = &view.world.app;
    if app.spec.claim_templates.is_empty() {
        return Volume::None;
    }
    let expected = format!("{}/{ordinal}", app.uid);
    let mut marks = claims.iter().filter_map(|claim| claim.used_by.as_ref());
    if marks.clone().any(|mark| *mark != expected) {
        Volume::Foreign
    } else if marks.next().is_some() {
        Volume::Same
    } else {
        Volume::New
    }
}

/// The ends of pods that are there, and of those that the app still speaks of. A pod that is there and is not named is alive.
pub(crate) fn ends(view: &View, index: &Index) -> BTreeMap<String, Death> {
    let fenced = index.fenced_nodes();
    let is_fenced = |pod: &SlimPod| {
        let node = pod.facts.node.as_ref();
        node.is_some_and(|node| fenced.contains(node))
    };
    let mut ends = BTreeMap::new();
    for pod in view.pods.iter() {
        let death = if pod.has_stopped {
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
