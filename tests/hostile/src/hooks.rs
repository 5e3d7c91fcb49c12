//! The hooks: each does the deed.

#![allow(unsafe_code, reason = "the export macro makes C functions")]

use crate::bindings;
use crate::bindings::exports::stateward::plugin::{
    describe, member_config, move_role, post_delete, post_ready, pre_delete, pre_scale, probe,
    task, update_order, validate,
};
use crate::bindings::stateward::plugin::types::{
    App, Call, Cause, Claim, Extra, Fault, Figure, Finding, Member, MoveCause, Outcome, Report,
};
use crate::deeds;
use crate::ledger;

struct Hostile;

impl describe::Guest for Hostile {
    fn manifest() -> String {
        r#"{
            "name": "hostile", "version": "0.1.0", "sdk": "0.1.0",
            "asks": { "tcp": [{ "port": "mysql", "why": "talk to members" }] },
            "metrics": [
                { "name": "jobs", "kind": "counter", "help": "jobs done" },
                { "name": "depth", "kind": "gauge", "help": "how deep" }
            ],
            "settings": { "not": { "const": "against-the-schema" } },
            "roles": [{ "name": "primary", "exclusive": true, "movable": true }, { "name": "witness" }],
            "tasks": [{ "name": "tidy", "why": "show that tasks run" }]
        }"#
        .to_owned()
    }
}

impl validate::Guest for Hostile {
    fn run(old: Option<App>, new: App) -> Vec<Finding> {
        let is_served = [deeds::ONLY_ACTING, deeds::ONLY_JOINING]
            .iter()
            .any(|begin| new.settings.starts_with(begin));
        if ledger::is_meant(&new) || is_served {
            return Vec::new();
        }
        let count = match new.settings.as_str() {
            "\"many-findings\"" => 1000,
            _ => 1,
        };
        let text = match deeds::act(&new, None) {
            Ok(Outcome::Refuse(text)) => text,
            other => format!("{other:?}"),
        };
        let finding = Finding {
            path: "settings".to_owned(),
            text,
            blocks: old.is_some(),
            extra: Vec::new(),
        };
        vec![finding; count]
    }
}

impl member_config::Guest for Hostile {
    fn run(app: App, member: Member) -> Extra {
        let entry = |key: &str, value: String| (key.to_owned(), value);
        match app.settings.as_str() {
            "\"bad-key\"" => vec![entry("no/slash", String::new())],
            "\"twice\"" => vec![entry("a", String::new()), entry("a", String::new())],
            "\"too-much\"" => vec![entry("a", "x".repeat(100_000))],
            _ => vec![entry("server-id", format!("{}", 100 + member.ordinal))],
        }
    }
}

impl probe::Guest for Hostile {
    fn run(app: App, member: Member) -> Result<Report, Fault> {
        let (note, figures) = match app.settings.as_str() {
            "\"long-note\"" => (vec![0; 5000], vec![figure("lag")]),
            "\"bad-figure\"" => (Vec::new(), vec![figure("no such name!")]),
            flood if flood.contains("flood-figures") => {
                let names = (0..64).map(|number| format!("figure-{number}"));
                (Vec::new(), names.map(|name| figure(&name)).collect())
            }
            _ => (vec![1, 2], vec![figure("lag")]),
        };
        let role = match deeds::act(&app, Some(&member))? {
            Outcome::Refuse(text) => text,
            other => format!("{other:?}"),
        };
        Ok(Report {
            healthy: true,
            role: Some(role),
            note,
            figures,
            wants: Vec::new(),
            extra: Vec::new(),
        })
    }
}

fn figure(name: &str) -> Figure {
    Figure {
        name: name.to_owned(),
        value: 1.5,
    }
}

impl pre_scale::Guest for Hostile {
    fn run(call: Call, app: App) -> Result<Outcome, Fault> {
        if ledger::is_meant(&app) {
            let subject = format!("{}-to-{}", app.current, app.target);
            return ledger::keep(&call, "pre-scale", &subject, None);
        }
        deeds::act(&app, None)
    }
}

impl post_ready::Guest for Hostile {
    fn run(call: Call, app: App, member: Member) -> Result<Outcome, Fault> {
        if ledger::is_meant(&app) {
            let pod = member.pod.as_deref().unwrap_or_default();
            let subject = format!("{}/{pod}/{}", member.ordinal, member.restarts);
            let outcome = ledger::keep(&call, "post-ready", &subject, Some(&member))?;
            ledger::claim_first(&app, &member, &outcome)?;
            return Ok(outcome);
        }
        match app.settings.as_str() {
            "\"echo\"" => Ok(Outcome::Refuse(format!("{call:?} {app:?} {member:?}"))),
            _ => deeds::act(&app, Some(&member)),
        }
    }
}

impl pre_delete::Guest for Hostile {
    fn run(call: Call, app: App, member: Member, why: Cause) -> Result<Outcome, Fault> {
        if ledger::is_meant(&app) {
            let pod = member.pod.as_deref().unwrap_or_default();
            let subject = format!("{}/{pod}/{why:?}", member.ordinal);
            return ledger::keep(&call, "pre-delete", &subject, Some(&member));
        }
        match app.settings.as_str() {
            "\"echo\"" => Ok(Outcome::Refuse(format!("{} {why:?}", member.ordinal))),
            _ => deeds::act(&app, Some(&member)),
        }
    }
}

impl move_role::Guest for Hostile {
    fn run(
        call: Call,
        app: App,
        held: Claim,
        why: MoveCause,
        target: Option<u32>,
    ) -> Result<Outcome, Fault> {
        if ledger::is_meant(&app) {
            let subject = format!("{}/{}/{why:?}", held.role, held.epoch);
            let outcome = ledger::keep(&call, "move-role", &subject, None)?;
            ledger::hand_over(held.ordinal, held.epoch, target, &outcome)?;
            return Ok(outcome);
        }
        match app.settings.as_str() {
            "\"echo\"" => Ok(Outcome::Refuse(format!(
                "{} {} {why:?} {target:?}",
                held.role, held.epoch
            ))),
            _ => deeds::act(&app, None),
        }
    }
}

impl update_order::Guest for Hostile {
    fn run(app: App) -> Vec<u32> {
        let wanted = app.start..app.start + app.target;
        match app.settings.as_str() {
            "\"upwards\"" => wanted.collect(),
            "\"twice\"" => vec![app.start; app.target as usize],
            _ => wanted.rev().collect(),
        }
    }
}

impl post_delete::Guest for Hostile {
    fn run(_call: Call, app: App, ordinal: u32, was: String) -> Result<Outcome, Fault> {
        match app.settings.as_str() {
            "\"echo\"" => Ok(Outcome::Refuse(format!("{ordinal} {was}"))),
            _ => deeds::act(&app, None),
        }
    }
}

impl task::Guest for Hostile {
    fn run(
        _call: Call,
        app: App,
        name: String,
        member: Option<u32>,
        arguments: String,
    ) -> Result<Outcome, Fault> {
        match app.settings.as_str() {
            "\"echo\"" => Ok(Outcome::Refuse(format!("{name} {member:?} {arguments:?}"))),
            _ => deeds::act(&app, None),
        }
    }
}

bindings::export!(Hostile with_types_in bindings);
