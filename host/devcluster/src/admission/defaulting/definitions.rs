//! Names and conditions of a custom resource definition. Its kind is served as soon as the definition is written, so
//! that both conditions hold from the start.

use serde_json::{Value, json};

use crate::object::{self, list, text};

pub(super) fn complete(definition: &mut Value) {
    let kind = text(definition, "/spec/names/kind").to_owned();
    object::with_map(definition, &["spec", "names"], |names| {
        object::default(names, "singular", kind.to_lowercase());
        object::default(names, "listKind", format!("{kind}List"));
    });
    object::with_map(definition, &["spec"], |spec| {
        object::default(spec, "conversion", json!({"strategy": "None"}));
    });

    let names = definition.pointer("/spec/names").cloned();
    let since = text(definition, "/metadata/creationTimestamp").to_owned();
    let stored: Vec<_> = list(definition, "/spec/versions")
        .iter()
        .filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .map(|version| text(version, "/name").to_owned())
        .collect();
    object::with_map(definition, &["status"], |status| {
        status.insert("acceptedNames".to_owned(), names.unwrap_or_default());
        object::default(status, "storedVersions", stored);
        object::default(
            status,
            "conditions",
            json!([
                {
                    "type": "NamesAccepted",
                    "status": "True",
                    "lastTransitionTime": since,
                    "reason": "NoConflicts",
                    "message": "no conflicts found",
                },
                {
                    "type": "Established",
                    "status": "True",
                    "lastTransitionTime": since,
                    "reason": "InitialNamesAccepted",
                    "message": "the initial names have been accepted",
                },
            ]),
        );
    });
}
