//! What a hook is told, in the runtime's types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stateward_runtime as runtime;
use stateward_sdk::{App, Death, Member, Standing, View, Volume};

pub(super) fn of(now: &App, view: &dyn View, keys: &BTreeSet<String>) -> runtime::Snapshot {
    let members = view.members();
    let pods = members.iter().filter_map(|member| member.pod.clone());
    let held = now.claims.iter().map(|claim| claim.pod.clone());
    let deaths: BTreeMap<String, runtime::Death> = pods
        .chain(held)
        .map(|pod| {
            let end = death(view.death_of(&pod));
            (pod, end)
        })
        .collect();
    let state: BTreeMap<String, runtime::Entry> = (keys.iter())
        .filter_map(|key| {
            let entry = view.state_get(key)?;
            let entry = runtime::Entry {
                value: entry.value,
                version: entry.version,
            };
            Some((key.clone(), entry))
        })
        .collect();
    runtime::Snapshot {
        app: Arc::new(app(now)),
        members: members
            .into_iter()
            .map(|one| Arc::new(member(one)))
            .collect(),
        deaths: Arc::new(deaths),
        state: Arc::new(state),
    }
}

pub(super) fn app(app: &App) -> runtime::App {
    let claims = app.claims.iter().map(|claim| runtime::Claim {
        role: claim.role.clone(),
        ordinal: claim.ordinal,
        pod: claim.pod.clone(),
        epoch: claim.epoch,
        extra: claim.extra.clone().into_iter().collect(),
    });
    runtime::App {
        uid: app.uid.clone(),
        namespace: app.namespace.clone(),
        name: app.name.clone(),
        now_ms: app.now_ms,
        generation: app.generation,
        current: app.current,
        target: app.target,
        start: app.start,
        update_revision: app.update_revision.clone(),
        claims: claims.collect(),
        settings: app.settings.clone(),
        extra: app.extra.clone().into_iter().collect(),
    }
}

fn member(member: Member) -> runtime::Member {
    runtime::Member {
        ordinal: member.ordinal,
        pod: member.pod,
        address: member.address,
        standing: match member.standing {
            Standing::Absent => runtime::Standing::Absent,
            Standing::Starting => runtime::Standing::Starting,
            Standing::Ready => runtime::Standing::Ready,
            Standing::Unready => runtime::Standing::Unready,
            Standing::Terminating => runtime::Standing::Terminating,
            Standing::Other(word) => runtime::Standing::Other(word),
        },
        restarts: member.restarts,
        revision: member.revision,
        node: member.node,
        volume: match member.volume {
            Volume::New => runtime::Volume::New,
            Volume::Same => runtime::Volume::Same,
            Volume::Stale => runtime::Volume::Stale,
            Volume::Foreign => runtime::Volume::Foreign,
            Volume::None => runtime::Volume::None,
            Volume::Other(word) => runtime::Volume::Other(word),
        },
        last: member.last.map(|seen| runtime::Seen {
            at_ms: seen.at_ms,
            healthy: seen.healthy,
            role: seen.role,
            note: seen.note,
        }),
        extra: member.extra.into_iter().collect(),
    }
}

fn death(death: Death) -> runtime::Death {
    match death {
        Death::Alive => runtime::Death::Alive,
        Death::ObjectGone => runtime::Death::ObjectGone,
        Death::Stopped => runtime::Death::Stopped,
        Death::NodeFenced => runtime::Death::NodeFenced,
        Death::Other(word) => runtime::Death::Other(word),
    }
}
