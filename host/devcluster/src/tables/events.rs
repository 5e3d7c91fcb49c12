//! The columns of events.

use serde_json::Value;

use super::{Column, age};
use crate::object::{number, text};

pub(super) fn columns() -> Vec<Column> {
    let about = |event: &Value| {
        let kind = match text(event, "/involvedObject/kind") {
            "" => text(event, "/regarding/kind"),
            kind => kind,
        };
        let name = match text(event, "/involvedObject/name") {
            "" => text(event, "/regarding/name"),
            name => name,
        };
        Value::from(format!("{}/{name}", kind.to_lowercase()))
    };
    vec![
        Column::new("Last Seen", |event| {
            age_of(
                event,
                &[
                    "/series/lastObservedTime",
                    "/lastTimestamp",
                    "/deprecatedLastTimestamp",
                    "/eventTime",
                    "/metadata/creationTimestamp",
                ],
            )
        }),
        Column::text("Type", "/type"),
        Column::text("Reason", "/reason"),
        Column::new("Object", about),
        Column::text("Subobject", "/involvedObject/fieldPath").wide(),
        Column::new("Source", source).wide(),
        Column::new("Message", |event| {
            match text(event, "/message") {
                "" => text(event, "/note"),
                message => message,
            }
            .trim()
            .into()
        }),
        Column::new("First Seen", |event| {
            age_of(
                event,
                &[
                    "/firstTimestamp",
                    "/deprecatedFirstTimestamp",
                    "/eventTime",
                    "/metadata/creationTimestamp",
                ],
            )
        })
        .wide(),
        Column::new("Count", |event| {
            ["/series/count", "/count", "/deprecatedCount"]
                .iter()
                .find_map(|pointer| number(event, pointer))
                .unwrap_or(1)
                .to_string()
                .into()
        })
        .wide(),
        Column::name().wide(),
    ]
}

fn age_of(event: &Value, moments: &[&str]) -> Value {
    let moment = moments
        .iter()
        .map(|pointer| text(event, pointer))
        .find(|moment| !moment.is_empty());
    age(moment.unwrap_or_default()).into()
}

fn source(event: &Value) -> Value {
    let either = |pointers: &[&str]| {
        let found = pointers.iter().map(|pointer| text(event, pointer));
        found
            .into_iter()
            .find(|found| !found.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    let component = either(&[
        "/source/component",
        "/reportingComponent",
        "/reportingController",
    ]);
    let host = either(&["/source/host", "/reportingInstance"]);
    match (component.is_empty(), host.is_empty()) {
        (_, true) => component.into(),
        (true, _) => host.into(),
        _ => format!("{component}, {host}").into(),
    }
}
