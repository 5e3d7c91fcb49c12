//! `probe`: what a member is, and whether it does its work.

use serde::Serialize;
use stateward_sdk::prelude::*;

use crate::group::{Group, PRIMARY};
use crate::replica::Following;
use crate::server::Vitals;
use crate::trouble::Trouble;

/// For people and for later calls; well below the host's 1 KiB.
const WORDS_MAX: usize = 300;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

pub(crate) fn probe(app: &App, member: &Member, reach: &dyn Reach) -> Result<Report, Fault> {
    let group = Group::of(app, reach)?;
    Ok(match look(&group, member) {
        Ok((vitals, Some(following))) => replica(&group, member, &vitals, &following),
        Ok((vitals, None)) => follows_nobody(&group, member, &vitals),
        Err(trouble) => {
            Report::unhealthy()
                .figure("up", 0.0)
                .note(note(None, None, Some(trouble.to_string())))
        }
    })
}

fn look(group: &Group<'_>, member: &Member) -> Result<(Vitals, Option<Following>), Trouble> {
    let mut server = group.open(member)?;
    Ok((server.vitals()?, server.following()?))
}

fn replica(group: &Group<'_>, member: &Member, vitals: &Vitals, following: &Following) -> Report {
    let limit = group.settings.lag_limit_seconds;
    let keeps_up = following.lag_seconds.is_some_and(|lag| lag <= limit);
    let trouble = if group.holds(member.ordinal) {
        Some("is to be the primary, and follows another one".to_owned())
    } else if !vitals.is_read_only {
        Some("is a replica, and open for writes".to_owned())
    } else if !following.is_running() {
        let why = following.trouble();
        Some(why.unwrap_or_else(|| "does not replicate".to_owned()))
    } else if !keeps_up {
        Some(format!("is more than {limit} s behind"))
    } else {
        None
    };
    let report = Report {
        healthy: trouble.is_none(),
        ..Report::default()
    };
    let report = report
        .role("replica")
        .figure("up", 1.0)
        .figure("replicating", f64::from(u8::from(following.is_running())))
        .note(note(Some(vitals), Some(following), trouble));
    match following.lag_seconds {
        // Far below where a float stops being exact.
        Some(lag) => report.figure(
            "lag_seconds",
            f64::from(u32::try_from(lag).unwrap_or(u32::MAX)),
        ),
        None => report,
    }
}

fn follows_nobody(group: &Group<'_>, member: &Member, vitals: &Vitals) -> Report {
    let is_primary = group
        .claim()
        .is_some_and(|claim| member.pod.as_deref() == Some(claim.pod.as_str()));
    let (role, trouble) = match (is_primary, vitals.is_read_only) {
        (true, false) => (PRIMARY, None),
        (true, true) => ("unattached", Some("is the primary, and closed for writes")),
        (false, true) => ("unattached", Some("follows nobody")),
        (false, false) => (
            "unattached",
            Some("is not the primary, follows nobody, and is open for writes"),
        ),
    };
    let report = Report {
        healthy: trouble.is_none(),
        ..Report::default()
    };
    report
        .role(role)
        .figure("up", 1.0)
        .note(note(Some(vitals), None, trouble.map(str::to_owned)))
}

fn note(
    vitals: Option<&Vitals>,
    following: Option<&Following>,
    trouble: Option<String>,
) -> Vec<u8> {
    let short = |text: String| text.chars().take(WORDS_MAX).collect::<String>();
    let note = Note {
        position: vitals.map(|vitals| short(vitals.position().to_string())),
        follows: following.map(|following| following.host.clone()),
        lag_seconds: following.and_then(|following| following.lag_seconds),
        trouble: trouble.map(short),
    };
    // Texts and numbers are always JSON; an empty note is allowed.
    serde_json::to_vec(&note).unwrap_or_default()
}
