//! Which hooks the app's plugin has: known by the world, by the cluster's Plugin object, or by a Plugin in the manifest itself.

use std::path::Path;

use kube::{Api, Client};
use serde_json::Value;
use stateward_operator::crd::{Plugin as PluginObject, PluginState, PluginStatus};
use stateward_planner::world::{Plugin, ReadyPlugin, Role, Task};

use super::manifest::Manifest;
use crate::failure::Failure;
use crate::plugin::inspect;

/// The plugin that the manifest's app names.
pub(crate) async fn of(
    client: Option<&Client>,
    manifest: &Manifest,
    known: Option<&Plugin>,
) -> Result<Plugin, Failure> {
    let Some(name) = manifest
        .spec()
        .pointer("/plugin/name")
        .and_then(Value::as_str)
    else {
        return Ok(Plugin::None);
    };
    if let Some(Plugin::Ready(ready)) = known
        && ready.name == name
    {
        return Ok(Plugin::Ready(ready.clone()));
    }
    let installed = match client {
        None => None,
        Some(client) => installed(client, name).await?,
    };
    if let Some(Plugin::Ready(ready)) = installed {
        return Ok(Plugin::Ready(ready));
    }
    // It is applied together with the app.
    if let Some(file) = file_of(manifest, name) {
        let found = inspect::load(Path::new(file)).await?;
        return Ok(Plugin::Ready(found.ready(name)));
    }
    Ok(installed.unwrap_or_else(|| Plugin::Unavailable {
        name: name.to_owned(),
        reason: "PluginNotFound".to_owned(),
        message: format!("there is no Plugin {name}: apply one first"),
    }))
}

/// What the schema of the plugin's manifest says against the settings of the manifest's app; nothing where no schema is known.
pub(crate) async fn refusal(
    client: Option<&Client>,
    manifest: &Manifest,
) -> Result<Option<String>, Failure> {
    let spec = manifest.spec();
    let Some(name) = spec.pointer("/plugin/name").and_then(Value::as_str) else {
        return Ok(None);
    };
    let installed = match client {
        None => None,
        Some(client) => status_of(client, name).await?,
    };
    let schema = match installed.and_then(|status| status.settings_schema) {
        Some(schema) => Some(schema),
        None => match file_of(manifest, name) {
            Some(file) => inspect::load(Path::new(file)).await?.settings_schema(),
            None => None,
        },
    };
    let Some(schema) = schema else {
        return Ok(None);
    };
    let nothing = Value::Object(serde_json::Map::new());
    let settings = spec.pointer("/plugin/settings").unwrap_or(&nothing);
    // A schema that is none was refused when the plugin was loaded.
    let findings = stateward_runtime::check_settings(&schema, settings).unwrap_or_default();
    let lines: Vec<_> = (findings.iter())
        .map(|finding| format!("{}: {}", finding.path, finding.text))
        .collect();
    Ok((!lines.is_empty()).then(|| lines.join("; ")))
}

/// The file of a Plugin document beside the app, where it is one that can be read from here.
fn file_of<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a str> {
    manifest
        .plugins
        .iter()
        .find(|plugin| plugin.pointer("/metadata/name").and_then(Value::as_str) == Some(name))
        .and_then(|plugin| plugin.pointer("/spec/source/file")?.as_str())
        .filter(|file| Path::new(file).is_file())
}

async fn installed(client: &Client, name: &str) -> Result<Option<Plugin>, Failure> {
    let status = status_of(client, name).await?;
    Ok(status.map(|status| as_told(name, status)))
}

async fn status_of(client: &Client, name: &str) -> Result<Option<PluginStatus>, Failure> {
    let api: Api<PluginObject> = Api::all(client.clone());
    match api.get_opt(name).await {
        Ok(None) => Ok(None),
        Ok(Some(object)) => Ok(Some(object.status.unwrap_or_default())),
        // Who may not read cluster-wide objects can still plan; the plugin's part is missing then.
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => Ok(None),
        Err(error) => Err(Failure::api(format!("reading Plugin {name}"))(error)),
    }
}

fn as_told(name: &str, status: PluginStatus) -> Plugin {
    if status.state != Some(PluginState::Ready) {
        return Plugin::Unavailable {
            name: name.to_owned(),
            reason: match status.state {
                None => "PluginNotLoaded".to_owned(),
                Some(_) => status.reason,
            },
            message: match status.state {
                None => format!("no operator has loaded Plugin {name} yet"),
                Some(_) => status.message,
            },
        };
    }
    Plugin::Ready(ReadyPlugin {
        name: name.to_owned(),
        hooks: status.hooks_with_schema(),
        digest: status.digest,
        roles: status
            .roles
            .into_iter()
            .map(|role| Role {
                name: role.name,
                exclusive: role.exclusive,
                movable: role.movable,
                grace_seconds: role.grace_seconds,
            })
            .collect(),
        post_ready_overlaps: status.post_ready_overlaps,
        failover_interrupts: false,
        tasks: (status.tasks.into_iter())
            .map(|task| Task {
                name: task.name,
                after_scale: task.after_scale,
            })
            .collect(),
    })
}
