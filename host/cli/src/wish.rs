//! Wishes: what people ask of the operator by an annotation. Each has an id of its own, and the operator records under it how the wish ended, once.

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde_json::json;
use stateward_planner::Status;
use stateward_planner::world::{Face, Wish};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::target::{AppName, Target, look_up};

/// The StatefulApp of this name: only those have plugins.
pub(crate) async fn app(
    connection: &Connection,
    app: &AppName,
    without: &str,
) -> Result<Target, Failure> {
    let name = &app.name;
    if app.face == Some(Face::StatefulSet) {
        return Err(Failure::Wrong(format!(
            "a StatefulSet has no {without}: they come with the plugin of a StatefulApp"
        )));
    }
    let target = look_up(connection, Face::StatefulApp, name).await?;
    target.ok_or_else(|| {
        Failure::NotFound(format!(
            "there is no StatefulApp {name} in namespace {}",
            connection.namespace
        ))
    })
}

/// Unlike that of any other wish.
pub(crate) fn id() -> String {
    format!(
        "{}-{}",
        Timestamp::now().as_nanosecond(),
        std::process::id()
    )
}

/// Whether the operator would take it up: what is too long is refused before anything is written.
pub(crate) fn check(wish: &impl Wish) -> Result<(), Failure> {
    wish.check()
        .map_err(|error| Failure::Wrong(error.to_string()))
}

/// Writes the wish. One that nobody has looked at yet is replaced.
pub(crate) async fn ask(
    target: &Target,
    annotation: &str,
    wish: &impl Serialize,
    doing: &'static str,
) -> Result<(), Failure> {
    let text = serde_json::to_string(wish).map_err(|error| Failure::Unreadable {
        object: target.to_string(),
        why: error.to_string(),
    })?;
    let patch = json!({"metadata": {"annotations": {annotation: text}}});
    target
        .api
        .patch(&target.name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(target.failed(doing))?;
    Ok(())
}

/// What the app waits for, in lines.
pub(crate) fn hindrances(status: &Status) -> String {
    let lines: Vec<_> = status
        .waiting
        .iter()
        .map(|entry| format!("{}: {}", entry.subject, entry.message))
        .collect();
    lines.join("\n")
}
