//! `stateward timeline`: what happened to an app, in the order in which it did.
//!
//! From the events of the app and its pods, which Kubernetes keeps for an hour, and from what the status keeps: the last invocations, decisions and tasks.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, ListParams};
use serde::Serialize;
use stateward_planner::Status;
use stateward_planner::identity::ordinal_of;

use crate::connection::ConnectionArguments;
use crate::failure::{Ended, Failure};
use crate::output::{self, FAINT, Format, FormatArguments, NAME, painted};
use crate::target::{AppArguments, Target};

/// Show what happened to an app, in the order in which it did
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward timeline mariadb
  stateward timeline mariadb -o json")]
pub(crate) struct TimelineArguments {
    #[command(flatten)]
    app: AppArguments,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// One line of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Entry {
    at: Timestamp,
    subject: String,
    what: String,
    detail: String,
}

pub(crate) async fn timeline(arguments: TimelineArguments) -> Result<Ended, Failure> {
    let connection = arguments.connection.connect().await?;
    let target = arguments.app.find(&connection).await?;
    let events: Api<Event> = Api::namespaced(connection.client.clone(), &target.namespace);
    let events = events
        .list(&ListParams::default())
        .await
        .map_err(target.failed("listing the events of"))?;
    let status = target.status::<Status>().unwrap_or_default();
    let mut entries = of_status(&status);
    let of_app = |event: &Event| of_event(&target, event);
    entries.extend(events.items.iter().filter_map(of_app));
    entries.sort_by_key(|entry| entry.at);
    if arguments.format.output == Format::Json {
        output::json(&entries)?;
        return Ok(Ended::Done);
    }
    for entry in &entries {
        output::line(format_args!(
            "{}  {}  {}  {}",
            painted(FAINT, entry.at.strftime("%F %T")),
            painted(NAME, &entry.subject),
            entry.what,
            entry.detail
        ))?;
    }
    if entries.is_empty() {
        output::note(format_args!(
            "nothing is known of what happened to {target}"
        ));
    }
    Ok(Ended::Done)
}

fn of_event(target: &Target, event: &Event) -> Option<Entry> {
    let about = &event.involved_object;
    let name = about.name.as_deref()?;
    let is_app = name == target.name && about.uid == target.object.metadata.uid;
    let is_member =
        about.kind.as_deref() == Some("Pod") && ordinal_of(&target.name, name).is_some();
    if !is_app && !is_member {
        return None;
    }
    let last = event
        .series
        .as_ref()
        .and_then(|series| series.last_observed_time.as_ref());
    let at = last
        .map(|time| time.0)
        .or(event.event_time.as_ref().map(|time| time.0))
        .or(event.last_timestamp.as_ref().map(|time| time.0))?;
    Some(Entry {
        at,
        subject: if is_app {
            "app".to_owned()
        } else {
            name.to_owned()
        },
        what: event.reason.clone().unwrap_or_default(),
        detail: event.message.clone().unwrap_or_default(),
    })
}

fn of_status(status: &Status) -> Vec<Entry> {
    let ended = status.history.iter().map(|ended| {
        let took = ended.ended.duration_since(ended.started);
        let calls = match ended.attempts {
            1 => "1 call".to_owned(),
            many => format!("{many} calls"),
        };
        Entry {
            at: ended.ended,
            subject: ended.invocation.to_string(),
            what: ended.result.clone(),
            detail: format!("{calls}, {:.1} s", took.as_secs_f64()),
        }
    });
    let under_way = status.invocations.iter().map(|known| Entry {
        at: known.started,
        subject: known.id.to_string(),
        what: "Begun".to_owned(),
        detail: "not done yet".to_owned(),
    });
    let decided = status.rulings.iter().map(|ruling| Entry {
        at: ruling.at,
        subject: ruling.invocation.to_string(),
        what: format!("{:?}", ruling.verb),
        detail: format!("by {} ({}): {}", ruling.by, ruling.result, ruling.reason),
    });
    let tasks = status.tasks.iter().filter_map(|task| {
        let last = task.last.as_ref()?;
        Some(Entry {
            at: last.at,
            subject: format!("task {}", task.name),
            what: last.result.clone(),
            detail: last.message.clone(),
        })
    });
    ended.chain(under_way).chain(decided).chain(tasks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_status_keeps_is_told() {
        let status: Status = serde_json::from_value(serde_json::json!({
            "history": [{
                "invocation": "post-ready/u/0", "started": "2026-01-01T00:00:00Z",
                "ended": "2026-01-01T00:00:02Z", "attempts": 2, "result": "Done",
            }],
            "rulings": [{
                "invocation": "pre-scale/1/2", "verb": "skip", "by": "ada", "reason": "enough",
                "at": "2026-01-01T00:00:05Z", "generation": 1, "result": "Taken",
            }],
        }))
        .unwrap();
        let told: Vec<_> = of_status(&status)
            .into_iter()
            .map(|entry| format!("{} {} {}", entry.subject, entry.what, entry.detail))
            .collect();
        assert_eq!(
            told,
            [
                "post-ready/u/0 Done 2 calls, 2.0 s",
                "pre-scale/1/2 Skip by ada (Taken): enough",
            ]
        );
    }
}
