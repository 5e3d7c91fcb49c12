//! Which app a command is about: a StatefulApp or a StatefulSet, by name.

use std::fmt;
use std::str::FromStr;

use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde::Deserialize;
use serde_json::Value;
use stateward_planner::world::Face;

use crate::connection::Connection;
use crate::failure::Failure;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AppArguments {
    /// The app: a StatefulApp or, where there is none of this name, a StatefulSet.
    /// `sapp/NAME` and `sts/NAME` say which
    #[arg(value_name = "APP")]
    app: AppName,
    /// The app is a StatefulSet
    #[arg(long)]
    statefulset: bool,
}

/// A name as typed, with the kind where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppName {
    pub(crate) face: Option<Face>,
    pub(crate) name: String,
}

impl FromStr for AppName {
    type Err = String;

    fn from_str(text: &str) -> Result<AppName, String> {
        let (face, name) = match text.split_once('/') {
            None => (None, text),
            Some((kind, name)) => {
                let face = match kind.to_ascii_lowercase().as_str() {
                    "sapp" | "statefulapp" | "statefulapps" => Face::StatefulApp,
                    "sts" | "statefulset" | "statefulsets" => Face::StatefulSet,
                    _ => return Err(format!("{kind} is neither sapp nor sts")),
                };
                (Some(face), name)
            }
        };
        if name.is_empty() {
            return Err("the name is empty".to_owned());
        }
        Ok(AppName {
            face,
            name: name.to_owned(),
        })
    }
}

/// An app as it stands in the cluster.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) face: Face,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) api: Api<DynamicObject>,
    pub(crate) object: DynamicObject,
}

/// The API resource of a face.
pub(crate) fn resource(face: Face) -> ApiResource {
    match face {
        Face::StatefulApp => ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk("stateward.dev", "v1alpha1", "StatefulApp"),
            "statefulapps",
        ),
        Face::StatefulSet => ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk("apps", "v1", "StatefulSet"),
            "statefulsets",
        ),
    }
}

impl AppArguments {
    /// Reads the app from the cluster.
    pub(crate) async fn find(&self, connection: &Connection) -> Result<Target, Failure> {
        let forced = self.statefulset.then_some(Face::StatefulSet);
        let app = AppName {
            face: forced.or(self.app.face),
            name: self.app.name.clone(),
        };
        app.find(connection).await
    }
}

impl AppName {
    /// Reads the app from the cluster.
    pub(crate) async fn find(&self, connection: &Connection) -> Result<Target, Failure> {
        let faces = match self.face {
            Some(Face::StatefulApp) => &[Face::StatefulApp][..],
            Some(Face::StatefulSet) => &[Face::StatefulSet],
            None => &[Face::StatefulApp, Face::StatefulSet],
        };
        for face in faces {
            if let Some(target) = look_up(connection, *face, &self.name).await? {
                return Ok(target);
            }
        }
        let kinds: Vec<_> = faces.iter().map(|face| face.kind()).collect();
        Err(Failure::NotFound(format!(
            "there is no {} {} in namespace {}; another namespace is chosen with --namespace",
            kinds.join(" or "),
            self.name,
            connection.namespace
        )))
    }
}

/// The app of this kind and name, if there is one. A cluster without our CRDs has no StatefulApp.
pub(crate) async fn look_up(
    connection: &Connection,
    face: Face,
    name: &str,
) -> Result<Option<Target>, Failure> {
    let Connection { client, namespace } = connection;
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource(face));
    let object = match api.get(name).await {
        Ok(object) => object,
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
        Err(error) => {
            return Err(Failure::api(format!(
                "reading {} {namespace}/{name}",
                face.kind()
            ))(error));
        }
    };
    Ok(Some(Target {
        face,
        namespace: namespace.clone(),
        name: name.to_owned(),
        api,
        object,
    }))
}

impl Target {
    pub(crate) fn spec(&self) -> &Value {
        self.object.data.get("spec").unwrap_or(&Value::Null)
    }

    pub(crate) fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or_default()
    }

    /// The status, or its empty value where nobody wrote one yet.
    pub(crate) fn status<S: for<'de> Deserialize<'de> + Default>(&self) -> Result<S, Failure> {
        match self.object.data.get("status") {
            None | Some(Value::Null) => Ok(S::default()),
            Some(status) => S::deserialize(status).map_err(|error| Failure::Unreadable {
                object: self.to_string(),
                why: error.to_string(),
            }),
        }
    }

    /// For `map_err`: what was being done to this app.
    pub(crate) fn failed(&self, doing: &str) -> impl FnOnce(kube::Error) -> Failure + use<> {
        Failure::api(format!("{doing} {self}"))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.face.kind(), self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_tell_its_kind() {
        let face = |text: &str| text.parse::<AppName>().map(|app| app.face);
        assert_eq!(face("mariadb"), Ok(None));
        assert_eq!(face("sapp/mariadb"), Ok(Some(Face::StatefulApp)));
        assert_eq!(face("StatefulSet/web"), Ok(Some(Face::StatefulSet)));
        assert!(face("pod/web-0").is_err());
        assert!(face("sts/").is_err());
    }
}
