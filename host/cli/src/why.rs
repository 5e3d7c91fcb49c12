//! `stateward why`: what an app waits for, who can end the wait, and how.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stateward_planner::status::{Condition, RoleStatus, Ruling};
use stateward_planner::world::{Face, Verb};
use stateward_planner::{Owner, Status, Waiting};

use crate::connection::{Connection, ConnectionArguments};
use crate::failure::{Ended, Failure};
use crate::output::{self, BAD, FAINT, Format, FormatArguments, GOOD, NAME, STRONG, WAIT, painted};
use crate::target::{AppArguments, Target};

/// Tell why an app is not done: what it waits for, who can end that, and how
///
/// A StatefulApp's answer is what its operator recorded; a StatefulSet's is computed from what the cluster shows now.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward why mariadb
  stateward why sts/web --namespace shop
  stateward why mariadb -o json | jq '.waiting[].unblocks'")]
pub(crate) struct WhyArguments {
    #[command(flatten)]
    app: AppArguments,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    kind: &'static str,
    namespace: String,
    name: String,
    generation: i64,
    observed_generation: i64,
    /// Replicas that the spec wants.
    wanted: u64,
    available: u32,
    updated: u32,
    current_revision: String,
    update_revision: String,
    plugin: Option<String>,
    roles: Vec<RoleStatus>,
    /// Being deleted.
    is_deleting: bool,
    waiting: Vec<Waiting>,
    /// Decisions about invocations, the newest last.
    rulings: Vec<Ruling>,
    conditions: Vec<Condition>,
}

/// How long a decision is news. One that still holds is told anyway.
const NEWS: SignedDuration = SignedDuration::from_hours(1);

pub(crate) async fn why(arguments: WhyArguments) -> Result<Ended, Failure> {
    let connection = arguments.connection.connect().await?;
    let target = arguments.app.find(&connection).await?;
    let now = Timestamp::now();
    let status = match target.face {
        Face::StatefulApp => target.status::<Status>()?,
        Face::StatefulSet => computed(&connection, &target, now).await?,
    };
    let answer = answer(&target, status, now);
    match arguments.format.output {
        Format::Json => output::json(&answer)?,
        Format::Text => output::line(text(&answer, now))?,
    }
    Ok(Ended::Done)
}

/// A StatefulSet's status has no room for what it waits for, so that it is planned here.
async fn computed(
    connection: &Connection,
    target: &Target,
    now: Timestamp,
) -> Result<Status, Failure> {
    let world = stateward_operator::world_of(
        connection.client.clone(),
        &target.namespace,
        &target.name,
        target.face,
    )
    .await?;
    let waiting = stateward_planner::plan(&world, now).status.waiting;
    Ok(Status {
        waiting,
        ..(*world.recorded).clone()
    })
}

fn answer(target: &Target, status: Status, now: Timestamp) -> Answer {
    let text = |pointer: &str| {
        let text = target.spec().pointer(pointer)?.as_str()?;
        Some(text.to_owned())
    };
    let wanted = target
        .spec()
        .get("replicas")
        .and_then(|replicas| replicas.as_u64());
    let mut waiting = status.waiting;
    if status.observed_generation < target.generation() {
        waiting.insert(0, unseen(target, status.observed_generation, now));
    }
    Answer {
        kind: target.face.kind(),
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        generation: target.generation(),
        observed_generation: status.observed_generation,
        wanted: wanted.unwrap_or(1),
        available: status.available_replicas,
        updated: status.updated_replicas,
        current_revision: status.current_revision,
        update_revision: status.update_revision,
        plugin: text("/plugin/name"),
        roles: status.roles,
        is_deleting: target.object.metadata.deletion_timestamp.is_some(),
        waiting,
        rulings: status.rulings,
        conditions: status.conditions,
    }
}

/// The one wait that no operator can record: nobody looked.
fn unseen(target: &Target, observed: i64, now: Timestamp) -> Waiting {
    let created = target.object.metadata.creation_timestamp.as_ref();
    let message = match observed {
        0 => "no operator has looked at it yet".to_owned(),
        observed => format!(
            "the operator has seen generation {observed}, the spec is at {}",
            target.generation()
        ),
    };
    let unblocks = match target.face {
        Face::StatefulApp => {
            "an operator that runs: `stateward run`, or the Deployment of Stateward"
        }
        Face::StatefulSet => {
            "the controller of StatefulSets: the cluster's own, or `stateward run --statefulsets`"
        }
    };
    Waiting {
        owner: Owner::User,
        reason: "NotObserved".to_owned(),
        subject: format!("generation {}", target.generation()),
        message,
        unblocks: unblocks.to_owned(),
        invocation: None,
        since: match observed {
            0 => created.map_or(now, |created| created.0),
            _ => now,
        },
    }
}

fn text(answer: &Answer, now: Timestamp) -> String {
    let mut lines = vec![headline(answer)];
    for role in &answer.roles {
        lines.push(match &role.holder {
            Some(holder) => format!("  {} is {}-{}", role.name, answer.name, holder.ordinal),
            None => format!("  nobody is {}", role.name),
        });
    }
    for condition in troubling(&answer.conditions) {
        lines.push(format!(
            "  {} {}: {}",
            painted(BAD, &condition.type_),
            condition.reason,
            condition.message
        ));
    }
    if let Some(drains) = (answer.conditions.iter()).find(|one| one.type_ == "DrainsGated") {
        lines.push(format!("  drains: {}", drains.message));
    }
    if answer.waiting.is_empty() {
        lines.push(painted(GOOD, "It waits for nothing."));
    } else {
        lines.push(painted(STRONG, "It waits for:"));
        lines.extend(answer.waiting.iter().map(|entry| wait(entry, now)));
        if answer
            .waiting
            .iter()
            .any(|entry| entry.invocation.is_some())
        {
            let advice = format!(
                "Whoever cannot wait decides: stateward invocation retry|skip|abort {} ID --reason …",
                answer.name
            );
            lines.push(painted(FAINT, advice));
        }
    }
    let news: Vec<_> = (answer.rulings.iter())
        .filter(|ruling| is_news(ruling, answer, now))
        .collect();
    if !news.is_empty() {
        lines.push(painted(STRONG, "It was decided:"));
        lines.extend(news.into_iter().map(|ruling| decision(ruling, now)));
    }
    lines.join("\n")
}

fn headline(answer: &Answer) -> String {
    let Answer {
        kind,
        namespace,
        name,
        ..
    } = answer;
    let mut text = format!(
        "{}: {}/{} available",
        painted(NAME, format_args!("{kind} {namespace}/{name}")),
        answer.available,
        answer.wanted
    );
    if answer.current_revision == answer.update_revision {
        if !answer.current_revision.is_empty() {
            text.push_str(&format!(", revision {}", answer.current_revision));
        }
    } else {
        text.push_str(&format!(
            ", {} at the new revision {} (before: {})",
            answer.updated, answer.update_revision, answer.current_revision
        ));
    }
    if let Some(plugin) = &answer.plugin {
        text.push_str(&format!(", plugin {plugin}"));
    }
    if answer.is_deleting {
        text.push_str(", being deleted");
    }
    text
}

/// Conditions that say more than the waiting list: what holds the app up until somebody does something.
fn troubling(conditions: &[Condition]) -> impl Iterator<Item = &Condition> {
    conditions
        .iter()
        .filter(|condition| condition.type_ == "Stalled" && condition.status == "True")
}

fn wait(entry: &Waiting, now: Timestamp) -> String {
    let mut text = format!(
        "  {}: {} {}",
        painted(WAIT, &entry.subject),
        entry.message,
        painted(
            FAINT,
            format_args!(
                "({}, for {})",
                entry.reason,
                output::words(now.duration_since(entry.since))
            )
        )
    );
    if !entry.unblocks.is_empty() {
        text.push_str(&format!("\n    {}: {}", who(entry.owner), entry.unblocks));
    }
    if let Some(id) = &entry.invocation {
        text.push_str(&format!("\n    id: {id}"));
    }
    text
}

fn is_news(ruling: &Ruling, answer: &Answer, now: Timestamp) -> bool {
    let holds = ruling.verb == Verb::Abort && ruling.generation == answer.generation;
    holds || now.duration_since(ruling.at) < NEWS
}

fn decision(ruling: &Ruling, now: Timestamp) -> String {
    let Ruling {
        verb,
        invocation,
        by,
        reason,
        result,
        ..
    } = ruling;
    let ago = output::words(now.duration_since(ruling.at));
    let details = match result.as_str() {
        "Taken" => format!("({ago} ago)"),
        other => format!("({ago} ago; not taken: {other})"),
    };
    format!(
        "  {verb:?} of {invocation} by {by}: {reason} {}",
        painted(FAINT, details)
    )
}

/// Whose turn it is.
fn who(owner: Owner) -> &'static str {
    match owner {
        Owner::Kubernetes => "up to Kubernetes",
        Owner::Plugin => "up to the plugin",
        Owner::Quota => "up to the quota",
        Owner::User => "up to you",
        Owner::Clock => "only time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_rest() -> Answer {
        Answer {
            kind: "StatefulApp",
            namespace: "default".into(),
            name: "mariadb".into(),
            generation: 1,
            observed_generation: 1,
            wanted: 3,
            available: 3,
            updated: 3,
            current_revision: "mariadb-1".into(),
            update_revision: "mariadb-1".into(),
            plugin: Some("mysql".into()),
            roles: Vec::new(),
            is_deleting: false,
            waiting: Vec::new(),
            rulings: Vec::new(),
            conditions: Vec::new(),
        }
    }

    fn plain(answer: &Answer) -> String {
        let now = "2026-01-01T00:02:00Z".parse().unwrap();
        anstream::adapter::strip_str(&text(answer, now)).to_string()
    }

    #[test]
    fn an_app_at_rest_says_in_which_state_it_is() {
        assert_eq!(
            plain(&at_rest()),
            "StatefulApp default/mariadb: 3/3 available, revision mariadb-1, plugin mysql\nIt waits for nothing."
        );
    }

    #[test]
    fn a_wait_tells_what_since_when_and_whose_turn_it_is() {
        let answer = Answer {
            available: 2,
            waiting: vec![Waiting {
                owner: Owner::User,
                reason: "Partition".into(),
                subject: "rollout".into(),
                message: "partition 2 keeps ordinals 0..1".into(),
                unblocks: "lower the partition".into(),
                invocation: None,
                since: "2026-01-01T00:00:00Z".parse().unwrap(),
            }],
            ..at_rest()
        };
        let text = plain(&answer);
        assert!(text.contains("rollout: partition 2 keeps ordinals 0..1 (Partition, for 2 min)\n    up to you: lower the partition"), "{text}");
    }
}
