//! The world that a plan starts from, and the spec that is wanted.

use std::path::Path;

use kube::api::{DynamicObject, PostParams};
use kube::core::Request;
use kube::{Client, Resource};
use serde_json::{Map, Value, json};
use stateward_planner::status::Status;
use stateward_planner::world::{Answers, App, Face, Plugin};
use stateward_planner::{Shared, Spec, World};

use super::defaults;
use super::manifest::Manifest;
use super::plugins;
use crate::connection::{Connection, ConnectionArguments};
use crate::failure::Failure;
use crate::target::{AppName, Target, look_up, resource};

/// Stands for the UID of an app that does not exist yet.
const NOT_CREATED: &str = "not-created-yet";

/// Where a plan starts, and where it is to lead.
#[derive(Debug)]
pub(crate) struct Present {
    /// What the schema of the plugin has against the settings, each with its path.
    pub(crate) mistakes: Vec<String>,
    /// The app as it is. One that does not exist yet has its wanted spec and nothing else.
    pub(crate) world: World,
    pub(crate) exists: bool,
    pub(crate) wanted: Shared<Spec>,
    pub(crate) plugin: Plugin,
    /// What the reader should know about how the plan was made.
    pub(crate) notes: Vec<String>,
}

/// From a file that `--save-world` wrote.
pub(crate) async fn saved(path: &Path, manifest: Option<&Manifest>) -> Result<Present, Failure> {
    let text = std::fs::read_to_string(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    let world: World = serde_json::from_str(&text).map_err(|error| {
        Failure::Wrong(format!(
            "{} is no saved world: {error}; `stateward plan APP --save-world FILE` makes one",
            path.display()
        ))
    })?;
    let Some(manifest) = manifest else {
        return Ok(as_it_is(world));
    };
    let app = &world.app;
    let other_namespace = manifest.namespace.as_ref();
    if (manifest.face, &manifest.name) != (app.face, &app.name)
        || other_namespace.is_some_and(|namespace| *namespace != app.namespace)
    {
        return Err(Failure::Wrong(format!(
            "{} is about {} {}/{}, the manifest about {} {}",
            path.display(),
            app.face.kind(),
            app.namespace,
            app.name,
            manifest.face.kind(),
            manifest.name
        )));
    }
    let mut wanted = manifest.written.clone();
    defaults::carry_over(&world.app.spec, &mut wanted);
    let served = plugins::of(None, manifest, Some(&world.plugin)).await?;
    Ok(Present {
        mistakes: served.mistakes,
        exists: world.app.uid != NOT_CREATED,
        wanted: wanted.into(),
        plugin: served.plugin,
        notes: Vec::new(),
        world,
    })
}

/// From the cluster.
pub(crate) async fn live(
    arguments: &ConnectionArguments,
    name: Option<&AppName>,
    manifest: Option<&Manifest>,
) -> Result<Present, Failure> {
    let mut connection = arguments.connect().await?;
    let Some(manifest) = manifest else {
        let name = name.ok_or_else(|| Failure::Wrong("no app is named".to_owned()))?;
        let target = name.find(&connection).await?;
        return Ok(as_it_is(world_of(&connection, &target).await?));
    };
    connection.namespace =
        manifest.namespace(arguments.namespace.as_deref(), &connection.namespace)?;
    let target = look_up(&connection, manifest.face, &manifest.name).await?;
    let mut notes = Vec::new();
    let completed = complete(&connection, target.as_ref(), manifest, &mut notes).await?;
    let mut wanted = match &completed {
        Some(spec) => manifest.completed(spec)?,
        None => manifest.written.clone(),
    };
    let client = Some(&connection.client);
    let present = match target {
        Some(target) => {
            let world = world_of(&connection, &target).await?;
            if completed.is_none() {
                defaults::carry_over(&world.app.spec, &mut wanted);
            }
            let served = plugins::of(client, manifest, Some(&world.plugin)).await?;
            Present {
                mistakes: served.mistakes,
                exists: true,
                plugin: served.plugin,
                wanted: wanted.into(),
                notes,
                world,
            }
        }
        None => {
            let served = plugins::of(client, manifest, None).await?;
            let (wanted, plugin) = (Shared::from(wanted), served.plugin);
            let namespace = &connection.namespace;
            Present {
                mistakes: served.mistakes,
                exists: false,
                world: from_nothing(manifest, namespace, wanted.clone(), plugin.clone()),
                plugin,
                wanted,
                notes,
            }
        }
    };
    Ok(present)
}

fn as_it_is(world: World) -> Present {
    Present {
        mistakes: Vec::new(),
        exists: world.app.uid != NOT_CREATED,
        wanted: world.app.spec.clone(),
        plugin: world.plugin.clone(),
        notes: Vec::new(),
        world,
    }
}

async fn world_of(connection: &Connection, target: &Target) -> Result<World, Failure> {
    let client = connection.client.clone();
    let Target {
        namespace,
        name,
        face,
        ..
    } = target;
    Ok(stateward_operator::world_of(client, namespace, name, *face).await?)
}

fn from_nothing(manifest: &Manifest, namespace: &str, spec: Shared<Spec>, plugin: Plugin) -> World {
    World {
        app: App {
            face: manifest.face,
            namespace: namespace.to_owned(),
            name: manifest.name.clone(),
            uid: NOT_CREATED.to_owned(),
            generation: 1,
            deletion: None,
            annotations: Default::default(),
            spec,
            switchover: None,
            wishes: Default::default(),
            hold: Default::default(),
        },
        revisions: Vec::new(),
        pods: Vec::new(),
        claims: Vec::new(),
        recorded: Status::default().into(),
        budgets: Default::default(),
        plugin,
        answers: Answers::default(),
        journal: Default::default(),
    }
}

/// The spec as the API would store it: checked strictly, defaults filled in, nothing written. None where the API cannot be asked, with a note why.
async fn complete(
    connection: &Connection,
    target: Option<&Target>,
    manifest: &Manifest,
    notes: &mut Vec<String>,
) -> Result<Option<Value>, Failure> {
    let Connection { client, namespace } = connection;
    let body = match target {
        None => fresh(manifest, namespace),
        Some(target) => replaced(target, manifest)?,
    };
    match dry_run(client, manifest.face, namespace, target, &body).await {
        Ok(object) => Ok(object.data.get("spec").cloned()),
        // The namespace or our definitions do not exist yet, or one may look and not write: the plan can do without.
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => {
            notes.push(format!(
                "the cluster did not check the manifest: {}",
                status.message
            ));
            Ok(None)
        }
        Err(error) => Err(Failure::api(format!(
            "the cluster refuses {} {namespace}/{}",
            manifest.face.kind(),
            manifest.name
        ))(error)),
    }
}

fn fresh(manifest: &Manifest, namespace: &str) -> Value {
    let mut object = manifest.object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    object
}

/// The object as it stands, with the manifest's spec. Replicas that the manifest leaves out are somebody else's business and stay.
fn replaced(target: &Target, manifest: &Manifest) -> Result<Value, Failure> {
    let mut object = serde_json::to_value(&target.object).map_err(|error| Failure::Unreadable {
        object: target.to_string(),
        why: error.to_string(),
    })?;
    let mut spec: Map<String, Value> = manifest.spec().as_object().cloned().unwrap_or_default();
    if let (None, Some(replicas)) = (spec.get("replicas"), target.spec().get("replicas")) {
        spec.insert("replicas".to_owned(), replicas.clone());
    }
    if let Value::Object(object) = &mut object {
        object.insert("spec".to_owned(), Value::Object(spec));
    }
    Ok(object)
}

async fn dry_run(
    client: &Client,
    face: Face,
    namespace: &str,
    target: Option<&Target>,
    body: &Value,
) -> Result<DynamicObject, kube::Error> {
    let request = Request::new(DynamicObject::url_path(&resource(face), Some(namespace)));
    let parameters = PostParams {
        dry_run: true,
        field_manager: Some("stateward-plan".to_owned()),
    };
    let body = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
    let built = match target {
        None => request.create(&parameters, body),
        Some(target) => request.replace(&target.name, &parameters, body),
    };
    let mut request = built.map_err(kube::Error::BuildRequest)?;
    // A misspelled field is a mistake here, as it is for `kubectl apply`.
    if let Ok(strict) = format!("{}&fieldValidation=Strict", request.uri()).parse() {
        *request.uri_mut() = strict;
    }
    client.request(request).await
}
