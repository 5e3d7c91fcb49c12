//! An `AdmissionReview` of `admission.k8s.io/v1`: what the API server asks, and how it is told.

use serde::Deserialize;
use serde_json::{Value, json};
use stateward_planner::world::Face;

use super::judge::Judgement;
use crate::watch::{AppKey, AppObject};

const VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// The code of a refusal. With 422 kubectl would not say which file it is about.
const FORBIDDEN: u16 = 403;

/// The API server shows no more of them, and cuts longer ones.
const MOST_WARNINGS: usize = 16;
const LONGEST_WARNING: usize = 256;

/// What is asked.
#[derive(Debug)]
pub(super) struct Review {
    uid: String,
    pub(super) matter: Matter,
}

/// What there is to judge.
#[derive(Clone, Debug, Default)]
pub(super) enum Matter {
    /// No spec changes. Who edits labels, or lets an app go that is being deleted, is not judged by what others wrote.
    #[default]
    Nothing,
    /// The app as it would be stored.
    App(Box<AppObject>),
    /// Another size of an app that is stored, as `kubectl scale` and autoscalers write it.
    Scale { key: AppKey, replicas: Value },
}

/// It is no such review.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body is no {KIND}: {0}")]
    Body(String),
    #[error("the body is {kind} of {version}; {KIND} of {VERSION} is read here")]
    Version { kind: String, version: String },
    #[error("the review has no request")]
    NoRequest,
    #[error("request.uid is empty")]
    NoUid,
    #[error("request.object has no metadata that can be read")]
    Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    api_version: String,
    kind: String,
    request: Option<Asked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    uid: String,
    operation: String,
    resource: Resource,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

#[derive(Deserialize)]
struct Resource {
    group: String,
    resource: String,
}

impl Review {
    pub(super) fn read(body: &[u8]) -> Result<Review, Unreadable> {
        let envelope: Envelope =
            serde_json::from_slice(body).map_err(|error| Unreadable::Body(error.to_string()))?;
        if (envelope.api_version.as_str(), envelope.kind.as_str()) != (VERSION, KIND) {
            return Err(Unreadable::Version {
                kind: envelope.kind,
                version: envelope.api_version,
            });
        }
        let asked = envelope.request.ok_or(Unreadable::NoRequest)?;
        if asked.uid.is_empty() {
            return Err(Unreadable::NoUid);
        }
        Ok(Review {
            uid: asked.uid.clone(),
            matter: asked.matter()?,
        })
    }

    /// The answer.
    pub(super) fn answer(&self, judgement: &Judgement) -> Value {
        let mut response = json!({ "uid": self.uid, "allowed": true });
        let warnings = match judgement {
            Judgement::Allowed { warnings } => warnings.as_slice(),
            Judgement::Unjudged { why } => std::slice::from_ref(why),
            Judgement::Refused {
                reason,
                message,
                warnings,
            } => {
                response = json!({ "uid": self.uid, "allowed": false, "status": {
                    "status": "Failure", "code": FORBIDDEN, "reason": reason, "message": message,
                }});
                warnings
            }
        };
        if !warnings.is_empty() {
            let warnings: Vec<String> = (warnings.iter().take(MOST_WARNINGS))
                .map(|warning| warning.chars().take(LONGEST_WARNING).collect())
                .collect();
            if let Some(response) = response.as_object_mut() {
                response.insert("warnings".to_owned(), warnings.into());
            }
        }
        json!({ "apiVersion": VERSION, "kind": KIND, "response": response })
    }
}

impl Asked {
    fn matter(self) -> Result<Matter, Unreadable> {
        let of = (
            self.resource.group.as_str(),
            self.resource.resource.as_str(),
        );
        let is_going = self.object.pointer("/metadata/deletionTimestamp");
        let is_new = match self.operation.as_str() {
            "CREATE" => true,
            "UPDATE" => self.object.get("spec") != self.old_object.get("spec"),
            _ => false,
        };
        if of != ("stateward.dev", "statefulapps")
            || !is_new
            || is_going.is_some_and(|when| !when.is_null())
        {
            return Ok(Matter::Nothing);
        }
        let read = |object| AppObject::from_value(Face::StatefulApp, object);
        let object = read(self.object).ok_or(Unreadable::Object)?;
        Ok(match self.sub_resource.as_deref() {
            None | Some("") => Matter::App(Box::new(object)),
            // The object is a Scale of the app's name. It leaves out a size of 0.
            Some("scale") => Matter::Scale {
                key: object.key,
                replicas: (object.spec.get("replicas").cloned()).unwrap_or_else(|| json!(0)),
            },
            Some(_) => Matter::Nothing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(change: impl FnOnce(&mut Value)) -> Result<Review, Unreadable> {
        let mut review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "7", "operation": "UPDATE",
                "kind": { "group": "stateward.dev", "version": "v1alpha1", "kind": "StatefulApp" },
                "resource": { "group": "stateward.dev", "version": "v1alpha1", "resource": "statefulapps" },
                "object": { "metadata": { "namespace": "shop", "name": "db" }, "spec": { "replicas": 2 } },
                "oldObject": { "metadata": { "namespace": "shop", "name": "db" }, "spec": { "replicas": 1 } },
            },
        });
        change(&mut review);
        Review::read(review.to_string().as_bytes())
    }

    fn is_judged(change: impl FnOnce(&mut Value)) -> bool {
        !matches!(asked(change).unwrap().matter, Matter::Nothing)
    }

    #[test]
    fn a_new_app_and_a_new_spec_are_judged() {
        assert!(is_judged(|_| {}));
        let review = asked(|review| {
            review["request"]["operation"] = json!("CREATE");
            review["request"]["oldObject"] = Value::Null;
        });
        let Matter::App(app) = review.unwrap().matter else {
            panic!("an app is judged");
        };
        assert_eq!(app.key.to_string(), "StatefulApp shop/db");
        assert_eq!(app.spec, json!({ "replicas": 2 }));
        // A dry run is asked in the same words.
        assert!(is_judged(|review| review["request"]["dryRun"] = json!(true)));
    }

    #[test]
    fn another_size_of_an_app_is_judged() {
        let scaled = |replicas: Value| {
            let review = asked(|review| {
                review["request"]["subResource"] = json!("scale");
                review["request"]["object"]["spec"] = replicas;
            });
            match review.unwrap().matter {
                Matter::Scale { key, replicas } => (key.to_string(), replicas),
                other => panic!("{other:?}"),
            }
        };
        let of = |replicas| ("StatefulApp shop/db".to_owned(), json!(replicas));
        assert_eq!(scaled(json!({ "replicas": 7 })), of(7));
        assert_eq!(scaled(json!({})), of(0));
    }

    #[test]
    fn what_changes_no_spec_is_not_judged() {
        assert!(!is_judged(|review| {
            review["request"]["object"]["spec"]["replicas"] = json!(1);
            review["request"]["object"]["metadata"]["labels"] = json!({ "a": "b" });
        }));
        assert!(!is_judged(|review| {
            review["request"]["object"]["metadata"]["deletionTimestamp"] =
                json!("2030-01-01T00:00:00Z");
        }));
        assert!(!is_judged(
            |review| review["request"]["subResource"] = json!("status")
        ));
        assert!(!is_judged(
            |review| review["request"]["operation"] = json!("DELETE")
        ));
        assert!(!is_judged(|review| {
            review["request"]["resource"]["resource"] = json!("plugins");
        }));
    }

    #[test]
    fn what_is_no_review_is_told() {
        for (body, expected) in [
            ("", "the body is no AdmissionReview: EOF"),
            ("[1, 2", "the body is no AdmissionReview"),
            ("{}", "missing field `apiVersion`"),
            ("\u{0}\u{1}", "the body is no AdmissionReview"),
            (
                r#"{"apiVersion": "v1", "kind": "Pod"}"#,
                "the body is Pod of v1",
            ),
            (
                r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}"#,
                "the review has no request",
            ),
        ] {
            let error = Review::read(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{body}: {error}");
        }
        assert!(Review::read(b"\xff\xfe").is_err());
        let deep = "[".repeat(100_000);
        assert!(Review::read(deep.as_bytes()).is_err());
        let error = asked(|review| review["request"]["uid"] = json!("")).unwrap_err();
        assert_eq!(error, Unreadable::NoUid);
        let error = asked(|review| review["request"]["object"]["metadata"] = json!(7)).unwrap_err();
        assert_eq!(error, Unreadable::Object);
    }

    #[test]
    fn the_answer_names_the_question() {
        let review = asked(|_| {}).unwrap();
        let allowed = review.answer(&Judgement::Allowed {
            warnings: Vec::new(),
        });
        assert_eq!(
            allowed,
            json!({
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                "response": { "uid": "7", "allowed": true },
            })
        );
        let refused = review.answer(&Judgement::Refused {
            reason: "SpecRefused".to_owned(),
            message: "settings: no".to_owned(),
            warnings: vec!["replicas: many".to_owned()],
        });
        assert_eq!(
            refused["response"],
            json!({
                "uid": "7", "allowed": false, "warnings": ["replicas: many"],
                "status": {
                    "status": "Failure", "code": 403, "reason": "SpecRefused", "message": "settings: no",
                },
            })
        );
    }

    #[test]
    fn warnings_are_as_many_and_as_long_as_the_api_server_shows() {
        let review = asked(|_| {}).unwrap();
        let judgement = Judgement::Allowed {
            warnings: vec!["ö".repeat(1000); 100],
        };
        let answer = review.answer(&judgement);
        let warnings = answer["response"]["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 16);
        assert_eq!(warnings[0], json!("ö".repeat(256)));
        let unjudged = review.answer(&Judgement::Unjudged {
            why: "it is away".to_owned(),
        });
        assert_eq!(unjudged["response"]["allowed"], true);
        assert_eq!(unjudged["response"]["warnings"], json!(["it is away"]));
    }
}
