//! The hooks.

#![allow(unsafe_code, reason = "the export macro makes C functions")]
#![allow(clippy::panic, reason = "one of the answers")]

use crate::bindings;
use crate::bindings::exports::stateward::plugin::{
    describe, member_config, move_role, post_delete, post_ready, pre_delete, pre_scale, probe,
    task, update_order, validate,
};
use crate::bindings::stateward::plugin::types::{
    App, Call, Cause, Claim, Extra, Fault, Figure, Finding, Member, MoveCause, Outcome, Progress,
    Report, Standing,
};
use crate::bindings::stateward::plugin::{events, requests, view};

struct Steered;

/// What the settings say for this hook.
fn told(app: &App, hook: &str) -> String {
    let marked = format!("\"{hook}\":\"");
    let said = app.settings.split_once(&marked).map(|(_, rest)| rest);
    let said = said.and_then(|rest| rest.split_once('"'));
    said.map_or("done", |(answer, _)| answer).to_owned()
}

fn answer(
    app: &App,
    call: &Call,
    hook: &str,
    about: &str,
    member: Option<u32>,
) -> Result<Outcome, Fault> {
    let undo = if call.cancelling { " undone" } else { "" };
    // Without the grant nobody hears of it.
    let _ = events::emit(
        events::Weight::Normal,
        "Called",
        &format!("{}{undo} {about}", call.id),
    );
    if call.cancelling {
        return Ok(Outcome::Done);
    }
    let told = told(app, hook);
    let (what, why) = told.split_once(": ").unwrap_or((told.as_str(), ""));
    let last = app.start + app.target.saturating_sub(1);
    let ordinal = member.unwrap_or(last);
    let subject = view::get(ordinal);
    let failed = |_| Fault::Retry(format!("{what} failed"));
    match what {
        "refuse" => return Ok(Outcome::Refuse(why.to_owned())),
        "panic" => panic!("it was told so"),
        "death" => {
            let held = app.claims.iter().find(|claim| claim.role == "primary");
            let death = held.map(|held| view::death_of(&held.pod));
            return Ok(Outcome::Refuse(format!("{death:?}")));
        }
        "again" => {
            return Ok(Outcome::InProgress(Progress {
                checkpoint: vec![7; 2048],
                percent: Some(50),
                message: format!("{why}{}", "…".repeat(300)),
                again_after_ms: 60_000,
                extra: Vec::new(),
            }));
        }
        "claim" => {
            let held = app.claims.iter().find(|claim| claim.role == "primary");
            let epoch = held.map_or(0, |held| held.epoch);
            let holder = held.and_then(|held| view::get(held.ordinal)?.pod);
            let is_held = holder.is_some() && holder == held.map(|held| held.pod.clone());
            let taker = match hook {
                "move-role" => view::range(0, 256)
                    .into_iter()
                    .filter(|other| matches!(other.standing, Standing::Ready))
                    .find(|other| held.is_none_or(|held| held.ordinal != other.ordinal)),
                _ if is_held => None,
                _ => subject,
            };
            if let Some(pod) = taker.and_then(|taker| taker.pod) {
                requests::claim_role("primary", &pod, epoch).map_err(failed)?;
            }
        }
        "replace" => {
            if let Some(pod) = subject.and_then(|subject| subject.pod) {
                requests::delete_pod(&pod, "it was told so").map_err(failed)?;
            }
        }
        "discard" => {
            let claims = subject.map(|subject| subject.extra).unwrap_or_default();
            let claims = claims.into_iter().find(|(key, _)| key == "claims");
            let claims = claims.map(|(_, uids)| uids.split(',').map(str::to_owned).collect());
            let claims: Vec<String> = claims.unwrap_or_default();
            requests::discard_volumes(ordinal, &claims, "it was told so").map_err(failed)?;
        }
        "quarantine" => requests::quarantine(ordinal, "it was told so").map_err(failed)?,
        _ => {}
    }
    Ok(Outcome::Done)
}

impl describe::Guest for Steered {
    fn manifest() -> String {
        r#"{
            "name": "steered", "version": "0.1.0", "sdk": "0.1.0",
            "asks": {
                "requests": { "why": "roles, replacements and quarantines" },
                "discard-volumes": { "why": "empty a member" },
                "events": { "why": "tell which hook was called" }
            },
            "lanes": { "post-ready-overlaps": true },
            "roles": [{ "name": "primary", "exclusive": true, "movable": true, "grace-seconds": 0 }],
            "tasks": [{ "name": "tidy", "why": "tidy up" }]
        }"#
        .to_owned()
    }
}

impl validate::Guest for Steered {
    fn run(_old: Option<App>, new: App) -> Vec<Finding> {
        assert_ne!(told(&new, "validate"), "panic", "it was told so");
        Vec::new()
    }
}

impl member_config::Guest for Steered {
    fn run(_app: App, _member: Member) -> Extra {
        Vec::new()
    }
}

impl update_order::Guest for Steered {
    fn run(app: App) -> Vec<u32> {
        let told = told(&app, "update-order");
        match told.strip_prefix("order: ") {
            Some(order) => order
                .split(',')
                .filter_map(|one| one.parse().ok())
                .collect(),
            None => (app.start..app.start + app.target).rev().collect(),
        }
    }
}

impl probe::Guest for Steered {
    fn run(app: App, member: Member) -> Result<Report, Fault> {
        let told = told(&app, "probe");
        let is_first = member.ordinal == app.start;
        Ok(Report {
            healthy: !(told == "unwell" && is_first),
            role: None,
            note: Vec::new(),
            figures: told
                .strip_prefix("figure: ")
                .and_then(|told| told.split_once('='))
                .map(|(name, value)| Figure {
                    name: name.to_owned(),
                    value: value.parse().unwrap_or(f64::NAN),
                })
                .into_iter()
                .collect(),
            wants: told
                .strip_prefix("want: ")
                .filter(|_| is_first)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            extra: Vec::new(),
        })
    }
}

impl pre_scale::Guest for Steered {
    fn run(call: Call, app: App) -> Result<Outcome, Fault> {
        answer(&app, &call, "pre-scale", "", None)
    }
}

impl post_ready::Guest for Steered {
    fn run(call: Call, app: App, member: Member) -> Result<Outcome, Fault> {
        answer(&app, &call, "post-ready", "", Some(member.ordinal))
    }
}

impl pre_delete::Guest for Steered {
    fn run(call: Call, app: App, member: Member, why: Cause) -> Result<Outcome, Fault> {
        let hook = match why {
            Cause::Teardown => "teardown",
            _ => "pre-delete",
        };
        answer(&app, &call, hook, &format!("{why:?}"), Some(member.ordinal))
    }
}

impl post_delete::Guest for Steered {
    fn run(call: Call, app: App, ordinal: u32, was: String) -> Result<Outcome, Fault> {
        answer(&app, &call, "post-delete", &was, Some(ordinal))
    }
}

impl move_role::Guest for Steered {
    fn run(
        call: Call,
        app: App,
        held: Claim,
        why: MoveCause,
        _target: Option<u32>,
    ) -> Result<Outcome, Fault> {
        let about = format!("{} {why:?}", held.role);
        answer(&app, &call, "move-role", &about, None)
    }
}

impl task::Guest for Steered {
    fn run(
        call: Call,
        app: App,
        name: String,
        member: Option<u32>,
        arguments: String,
    ) -> Result<Outcome, Fault> {
        let about = format!("{name} {member:?} {arguments}");
        answer(&app, &call, "task", &about, member)
    }
}

bindings::export!(Steered with_types_in bindings);
