//! `stateward set-image`: another image for containers of the template. That is a new revision, and starts a rollout.

use std::str::FromStr;

use kube::api::{Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::connection::ConnectionArguments;
use crate::failure::{Ended, Failure};
use crate::output::{self, NAME, painted};
use crate::target::{AppArguments, Target};

/// Give containers of an app another image
///
/// The pods are then replaced as the update strategy says. Init containers are meant too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward set-image mariadb mariadb=mariadb:10.11
  stateward set-image sts/web nginx=nginx:1.29 log=fluent-bit:4 --namespace shop
  stateward set-image web '*=web:v2'         # every container")]
pub(crate) struct SetImageArguments {
    #[command(flatten)]
    app: AppArguments,
    /// Which container gets which image; `*` stands for every container
    #[arg(value_name = "CONTAINER=IMAGE", required = true)]
    images: Vec<Assignment>,
    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Assignment {
    container: String,
    image: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Assignment, String> {
        match text.split_once('=') {
            Some((container, image)) if !container.is_empty() && !image.is_empty() => {
                Ok(Assignment {
                    container: container.to_owned(),
                    image: image.to_owned(),
                })
            }
            _ => Err("write CONTAINER=IMAGE".to_owned()),
        }
    }
}

/// Others, the operator among them, write to the app at any time; each lost race is followed by a new read.
const RACES: u32 = 8;

pub(crate) async fn set_image(arguments: SetImageArguments) -> Result<Ended, Failure> {
    let connection = arguments.connection.connect().await?;
    let mut races = 0;
    loop {
        let target = arguments.app.find(&connection).await?;
        let Some(lists) = changed(&target, &arguments.images)? else {
            output::line(format_args!(
                "{}: the images are these already",
                painted(NAME, &target)
            ))?;
            return Ok(Ended::Done);
        };
        // The whole lists, as they were read, guarded by the version that was read: neither face needs another kind of patch.
        let patch = json!({
            "metadata": {"resourceVersion": target.object.metadata.resource_version},
            "spec": {"template": {"spec": lists}},
        });
        let (plain, patch) = (PatchParams::default(), Patch::Merge(patch));
        match target.api.patch(&target.name, &plain, &patch).await {
            Ok(_) => {
                output::line(format_args!("{}: image set", painted(NAME, &target)))?;
                return Ok(Ended::Done);
            }
            Err(kube::Error::Api(status)) if status.code == 409 && races < RACES => races += 1,
            Err(error) => return Err(target.failed("setting the image of")(error)),
        }
    }
}

/// The container lists with the new images; none when nothing changes.
fn changed(target: &Target, images: &[Assignment]) -> Result<Option<Map<String, Value>>, Failure> {
    let pod = target
        .spec()
        .pointer("/template/spec")
        .unwrap_or(&Value::Null);
    let mut lists: Map<String, Value> = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), pod.get(key)?.clone())))
        .collect();
    let before = lists.clone();
    for assignment in images {
        if !assign(&mut lists, assignment) {
            return Err(Failure::Wrong(format!(
                "{target} has no container {}; it has {}",
                assignment.container,
                names(&before).join(", ")
            )));
        }
    }
    lists.retain(|key, list| before.get(key) != Some(list));
    Ok((!lists.is_empty()).then_some(lists))
}

/// Sets the image of the containers that are meant; false when there is none.
fn assign(lists: &mut Map<String, Value>, assignment: &Assignment) -> bool {
    let mut found = false;
    let containers = lists
        .values_mut()
        .filter_map(Value::as_array_mut)
        .flatten()
        .filter_map(Value::as_object_mut);
    for container in containers {
        let is_meant = assignment.container == "*"
            || container.get("name").and_then(Value::as_str) == Some(&assignment.container);
        if is_meant {
            container.insert("image".to_owned(), json!(assignment.image));
            found = true;
        }
    }
    found
}

fn names(lists: &Map<String, Value>) -> Vec<&str> {
    lists
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|container| container.get("name")?.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Map<String, Value> {
        let lists = json!({
            "containers": [{"name": "web", "image": "web:v1"}, {"name": "log", "image": "log:v1"}],
            "initContainers": [{"name": "seed", "image": "seed:v1"}],
        });
        lists.as_object().unwrap().clone()
    }

    #[test]
    fn an_assignment_sets_the_image_of_its_container_alone() {
        let mut lists = lists();
        assert!(assign(&mut lists, &"log=log:v2".parse().unwrap()));
        assert_eq!(lists["containers"][0]["image"], "web:v1");
        assert_eq!(lists["containers"][1]["image"], "log:v2");
    }

    #[test]
    fn a_star_means_every_container() {
        let mut lists = lists();
        assert!(assign(&mut lists, &"*=all:v2".parse().unwrap()));
        assert_eq!(lists["initContainers"][0]["image"], "all:v2");
        assert_eq!(lists["containers"][0]["image"], "all:v2");
    }

    #[test]
    fn a_container_that_is_not_there_is_found_out() {
        assert!(!assign(&mut lists(), &"db=db:v2".parse().unwrap()));
        assert_eq!(names(&lists()), ["web", "log", "seed"]);
    }

    #[test]
    fn half_an_assignment_is_none() {
        for text in ["web", "web=", "=web:v2"] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
