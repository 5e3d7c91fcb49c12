//! What `kubectl get` prints: each kind's columns and the cells of a row.

mod columns;
mod custom;
mod events;
mod pods;
mod storage;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::object::text;
use crate::representation::{IncludeObject, metadata_of};

/// One column of a table.
pub(crate) struct Column {
    name: String,
    column_type: &'static str,
    format: &'static str,
    /// Columns above zero are shown by `-o wide` only.
    priority: i64,
    description: String,
    cell: Box<dyn Fn(&Value) -> Value + Send + Sync>,
}

impl Column {
    fn new(name: &str, cell: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self {
            name: name.to_owned(),
            column_type: "string",
            format: "",
            priority: 0,
            description: name.to_owned(),
            cell: Box::new(cell),
        }
    }

    /// A column that shows the text at a pointer.
    fn text(name: &str, pointer: &'static str) -> Self {
        Self::new(name, move |object| text(object, pointer).into())
    }

    fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }

    fn number(mut self) -> Self {
        self.column_type = "integer";
        self
    }

    fn name() -> Self {
        let mut column = Self::text("Name", "/metadata/name");
        column.format = "name";
        column
    }

    fn age() -> Self {
        Self::new("Age", |object| {
            age(text(object, "/metadata/creationTimestamp")).into()
        })
    }

    fn definition(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.column_type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        })
    }
}

/// The objects as a `Table`.
pub(crate) fn table(
    kind: &Kind,
    version: &str,
    objects: &[Arc<Value>],
    metadata: Value,
    include: IncludeObject,
) -> Value {
    let columns = match (kind.builtin(), kind.custom(version)) {
        (Some(builtin), _) => columns::of(builtin),
        (None, Some(custom)) => custom::columns(custom),
        (None, None) => vec![Column::name(), Column::age()],
    };
    let rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let cells: Vec<_> = columns.iter().map(|column| (column.cell)(object)).collect();
            let shown = match include {
                IncludeObject::None => Value::Null,
                IncludeObject::Metadata => metadata_of(object),
                IncludeObject::Object => Value::clone(object),
            };
            json!({"cells": cells, "object": shown})
        })
        .collect();
    let definitions: Vec<_> = columns.iter().map(Column::definition).collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

/// How long ago a moment was, in the words of `kubectl`.
fn age(since: &str) -> String {
    match since.parse::<Timestamp>() {
        Ok(since) => human(Timestamp::now().duration_since(since)),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// A duration as Kubernetes prints it: two units at most, and only one where the first is large.
fn human(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let two = |first: i64, unit: &str, rest: i64, rest_unit: &str| match rest {
        0 => format!("{first}{unit}"),
        rest => format!("{first}{unit}{rest}{rest_unit}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..120 => format!("{}s", seconds.max(0)),
        _ if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        _ if hours < 3 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => two(days, "d", hours % 24, "h"),
        _ if days < 2 * 365 => format!("{days}d"),
        _ if years < 8 => two(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use super::human;
    use jiff::SignedDuration;

    #[test]
    fn ages_read_as_kubectl_writes_them() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (130, "2m10s"),
            (660, "11m"),
            (3 * 3600, "3h"),
            (4 * 3600 + 300, "4h5m"),
            (50 * 3600, "2d2h"),
            (9 * 86_400, "9d"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(human(SignedDuration::from_secs(seconds)), shown);
        }
    }
}
