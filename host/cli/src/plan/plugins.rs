//! Which hooks the app's plugin has: known by the world, by the cluster's Plugin object, or by a Plugin in the manifest itself.

use std::path::Path;

use kube::{Api, Client};
use serde_json::Value;
use stateward_operator::crd::{Plugin as PluginObject, PluginStatus};
use stateward_planner::world::Plugin;

use super::manifest::Manifest;
use crate::failure::Failure;
use crate::plugin::inspect;

/// What is known of the plugin of an app.
pub(crate) struct Served {
    pub(crate) plugin: Plugin,
    /// What the schema of its manifest says against the settings: where, and what was expected there. Empty where no schema is known.
    pub(crate) mistakes: Vec<String>,
}

/// The plugin that the manifest's app names.
pub(crate) async fn of(
    client: Option<&Client>,
    manifest: &Manifest,
    known: Option<&Plugin>,
) -> Result<Served, Failure> {
    let spec = manifest.spec();
    let Some(name) = spec.pointer("/plugin/name").and_then(Value::as_str) else {
        return Ok(Served {
            plugin: Plugin::None,
            mistakes: Vec::new(),
        });
    };
    let status = match client {
        None => None,
        Some(client) => status_of(client, name).await?,
    };
    let schema = (status.as_ref()).and_then(|status| status.settings_schema.clone());
    let installed = status.map(|status| stateward_operator::told(name, status));
    // Where none is ready, the one that is applied together with the app tells.
    let beside = match (&installed, file_of(manifest, name)) {
        (Some(Plugin::Ready(_)), _) | (_, None) => None,
        (_, Some(file)) => Some(inspect::load(Path::new(file)).await?),
    };
    let schema = schema.or_else(|| beside.as_ref()?.settings_schema());
    let mistakes = schema.map_or_else(Vec::new, |schema| mistakes(&schema, spec));
    let plugin = match (known, installed, beside) {
        (Some(Plugin::Ready(ready)), _, _) if ready.name == name => Plugin::Ready(ready.clone()),
        (_, Some(Plugin::Ready(ready)), _) => Plugin::Ready(ready),
        (_, _, Some(beside)) => Plugin::Ready(beside.ready(name)),
        (_, Some(installed), None) => installed,
        (_, None, None) => Plugin::Unavailable {
            name: name.to_owned(),
            reason: "PluginNotFound".to_owned(),
            message: stateward_operator::not_found(name),
        },
    };
    Ok(Served { plugin, mistakes })
}

fn mistakes(schema: &Value, spec: &Value) -> Vec<String> {
    let nothing = Value::Object(serde_json::Map::new());
    let settings = spec.pointer("/plugin/settings");
    let settings = settings
        .filter(|settings| !settings.is_null())
        .unwrap_or(&nothing);
    // A schema that is none was refused when the plugin was loaded.
    let findings = stateward_runtime::check_settings(schema, settings).unwrap_or_default();
    findings.iter().map(ToString::to_string).collect()
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
