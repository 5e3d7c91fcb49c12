//! Who can become the primary.

use stateward_sdk::prelude::*;

use crate::group::Group;
use crate::replica::Source;
use crate::server::Server;

pub(super) struct Candidate {
    pub(super) pod: String,
    pub(super) server: Server,
}

/// The target where one is given; else of the replicas that keep up, one of the newest revision, the lowest ordinal first. The inner error says why
/// there is none.
pub(super) fn choose(
    group: &Group<'_>,
    holder: u32,
    source: &Source,
    target: Option<u32>,
    host: &dyn Host,
) -> Result<Result<Candidate, String>, Fault> {
    let mut members = group.others(holder);
    members.retain(|member| target.is_none_or(|target| member.ordinal == target));
    // A member that is about to leave would have to hand the role on at once.
    members.retain(|member| target.is_some() || group.app.wants(member.ordinal));
    members.sort_by_key(|member| {
        let is_outdated = member.revision != group.app.update_revision;
        (is_outdated, member.ordinal)
    });

    let mut unfit = Vec::new();
    for (member, opened) in members.iter().zip(group.open_all(&members)) {
        let name = group.name(member.ordinal);
        let Some(pod) = member.pod.clone() else {
            continue;
        };
        let mut server = match opened {
            Ok(server) => server,
            Err(trouble) => {
                unfit.push(trouble.to_string());
                continue;
            }
        };
        match unfitness(&mut server, source, group.settings.lag_limit_seconds)? {
            Some(reason) => unfit.push(format!("{name} {reason}")),
            None => {
                return Ok(Ok(Candidate { pod, server }));
            }
        }
    }
    host.debug(&format!("no candidate: {unfit:?}"));
    Ok(Err(match (target, unfit.is_empty()) {
        (Some(target), true) => format!("{} does not exist", group.name(target)),
        (None, true) => "there is no other member to become the primary".to_owned(),
        (_, false) => format!("nobody can become the primary now: {}", unfit.join("; ")),
    }))
}

fn unfitness(
    server: &mut Server,
    source: &Source,
    lag_limit: u64,
) -> Result<Option<String>, Fault> {
    let Some(following) = server.following()? else {
        return Ok(Some("follows nobody".to_owned()));
    };
    Ok(if !following.follows(source) {
        Some(format!("follows {}, not the primary", following.host))
    } else if !following.is_running() {
        let why = following.trouble();
        Some(why.unwrap_or_else(|| "does not replicate".to_owned()))
    } else {
        following
            .lag_seconds
            .filter(|lag| *lag > lag_limit)
            .map(|lag| format!("is {lag} s behind, more than lagLimitSeconds {lag_limit}"))
    })
}
