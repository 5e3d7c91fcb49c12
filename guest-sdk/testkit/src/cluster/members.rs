//! The snapshot that hooks see, made from the world as the operator makes it.

use std::collections::{BTreeMap, BTreeSet};

use stateward_planner::world::{Pod, PodPhase};
use stateward_sdk::{App, Claim, Member, Standing};

use crate::application::Application;
use crate::cluster::scene::Scene;

impl<A: Application> Scene<A> {
    pub(super) fn app(&self) -> App {
        let world = &self.model.world;
        let mut extra = BTreeMap::new();
        let mut claims = Vec::new();
        for role in &world.recorded.roles {
            match &role.holder {
                Some(holder) => claims.push(Claim {
                    role: role.name.clone(),
                    ordinal: holder.ordinal,
                    pod: holder.pod.clone(),
                    epoch: role.epoch,
                    extra: BTreeMap::new(),
                }),
                None if role.epoch > 0 => {
                    extra.insert(format!("epoch.{}", role.name), role.epoch.to_string());
                }
                None => {}
            }
        }
        let current = world.pods.iter().filter(|pod| pod.deletion.is_none());
        App {
            uid: world.app.uid.clone(),
            namespace: world.app.namespace.clone(),
            name: world.app.name.clone(),
            now_ms: self.now_ms(),
            generation: u64::try_from(world.app.generation).unwrap_or(0),
            current: u32::try_from(current.count()).unwrap_or(u32::MAX),
            target: world.app.spec.replicas,
            start: world.app.spec.start,
            update_revision: world.recorded.update_revision.clone(),
            claims,
            settings: self.settings.clone(),
            extra,
        }
    }

    pub(super) fn members(&self) -> Vec<Member> {
        let world = &self.model.world;
        let pods: BTreeMap<u32, &Pod> = (world.pods.iter())
            .filter_map(|pod| Some((self.ordinal_of(&pod.name)?, pod)))
            .collect();
        let spec = &world.app.spec;
        let wanted = spec.start..spec.start.saturating_add(spec.replicas);
        let ordinals: BTreeSet<u32> = wanted.chain(pods.keys().copied()).collect();
        ordinals
            .into_iter()
            .map(|ordinal| self.member(ordinal, pods.get(&ordinal).copied()))
            .collect()
    }

    fn member(&self, ordinal: u32, pod: Option<&Pod>) -> Member {
        let (volume, claims) = self.volume(ordinal);
        let host = ("host".to_owned(), self.host_of(ordinal));
        let extra = BTreeMap::from([host, ("claims".to_owned(), claims)]);
        let Some(pod) = pod else {
            return Member {
                ordinal,
                volume,
                extra,
                ..Member::default()
            };
        };
        let process = self.processes.get(&pod.uid);
        let revision = pod.labels.get("controller-revision-hash");
        Member {
            ordinal,
            pod: Some(pod.uid.clone()),
            address: process.map(|process| process.address.clone()),
            standing: standing(pod),
            restarts: pod.restarts,
            revision: revision.unwrap_or_default().to_owned(),
            node: pod.node.clone(),
            volume,
            last: self.seen.get(&pod.uid).cloned(),
            extra,
        }
    }
}

fn standing(pod: &Pod) -> Standing {
    if pod.deletion.is_some() {
        Standing::Terminating
    } else if pod.ready_since.is_some() {
        Standing::Ready
    } else if pod.phase == PodPhase::Running {
        Standing::Unready
    } else {
        Standing::Starting
    }
}
