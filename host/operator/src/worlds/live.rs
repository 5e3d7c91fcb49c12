//! A world read from the API server, for the commands that answer questions.

use std::sync::Arc;

use serde_json::Value;
use stateward_planner::world::{Answers, Budgets, Face, Plugin, Verdict};
use stateward_planner::{Spec, World};

use super::build::{Parts, build, is_held};
use crate::api::{Api, ApiError, Collection};
use crate::crd::PluginStatus;
use crate::errors::OperatorError;
use crate::plugins;
use crate::watch::{AppKey, AppObject, Index};

/// The world of an app as the API shows it now: what a plan depends on. What the plugin can do is taken from the status of its Plugin object.
pub async fn world_of(
    client: kube::Client,
    namespace: &str,
    name: &str,
    kind: Face,
) -> Result<World, OperatorError> {
    let api = Api::new(client);
    let key = AppKey {
        face: kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let app = match api.get(key.collection(), namespace, name).await {
        Ok(value) => AppObject::from_value(kind, value),
        Err(ApiError::NotFound { .. }) => None,
        Err(source) => return Err(failed(&key, source)),
    };
    let Some(app) = app.map(Arc::new) else {
        return Err(OperatorError::AppNotFound {
            kind: key.kind(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
    };
    let spec = Spec::parse(kind, &app.spec).map_err(|error| OperatorError::InvalidApp {
        kind: key.kind(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        message: error.to_string(),
    })?;
    let index = Index::default();
    for kind in [Collection::Pods, Collection::Claims, Collection::Revisions] {
        let objects = api.list(kind, namespace).await;
        index.fill(kind, objects.map_err(|source| failed(&key, source))?);
    }
    if is_held(&app) {
        index.look_at_endings(api.client(), &key).await;
    }
    let plugin = match app.plugin_name() {
        Some(name) => plugin(&api, name)
            .await
            .map_err(|source| failed(&key, source))?,
        None => Plugin::None,
    };
    // The operator has asked `validate` about what it recorded as accepted.
    let recorded = app.recorded();
    let is_accepted = (recorded.accepted.as_ref())
        .is_some_and(|accepted| accepted.generation == app.generation());
    let parts = Parts {
        spec: spec.into(),
        recorded,
        plugin,
        answers: Answers {
            validate: is_accepted.then_some(Verdict::Accepted),
            ..Answers::default()
        },
        memory: std::collections::BTreeMap::new(),
        seen: std::collections::BTreeMap::new(),
        budgets: Budgets::NotLooked,
    };
    Ok(build(&index, app, parts).world)
}

fn failed(key: &AppKey, source: ApiError) -> OperatorError {
    OperatorError::Api {
        doing: format!("reading the world of {key}"),
        source,
    }
}

async fn plugin(api: &Api, name: &str) -> Result<Plugin, ApiError> {
    let object = match api.get(Collection::Plugins, "", name).await {
        Ok(object) => object,
        Err(ApiError::NotFound { .. }) => {
            return Ok(Plugin::Unavailable {
                name: name.to_owned(),
                reason: "PluginNotFound".to_owned(),
                message: plugins::not_found(name),
            });
        }
        Err(error) => return Err(error),
    };
    let status = object.get("status").cloned().unwrap_or(Value::Null);
    let status: PluginStatus = serde_json::from_value(status).unwrap_or_default();
    Ok(plugins::told(name, status))
}
