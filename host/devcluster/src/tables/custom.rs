//! The printer columns of a custom resource definition.

use serde_json::Value;

use super::{Column, age};
use crate::kinds::CustomVersion;
use crate::object::{number, text};

pub(super) fn columns(version: &CustomVersion) -> Vec<Column> {
    let mut columns = vec![Column::name()];
    if version.columns.is_empty() {
        columns.push(Column::age());
    }
    columns.extend(version.columns.iter().map(column));
    columns
}

fn column(definition: &Value) -> Column {
    let path = text(definition, "/jsonPath").to_owned();
    let description = match text(definition, "/description") {
        "" => format!("Custom resource definition column (in JSONPath format): {path}"),
        given => given.to_owned(),
    };
    let column_type = match text(definition, "/type") {
        "integer" => "integer",
        "number" => "number",
        "boolean" => "boolean",
        "date" => "date",
        _ => "string",
    };
    let mut column = Column::new(text(definition, "/name"), move |object| {
        cell(object, &path, column_type)
    });
    column.column_type = column_type;
    column.description = description;
    column.priority = number(definition, "/priority").unwrap_or(0);
    column
}

fn cell(object: &Value, path: &str, column_type: &str) -> Value {
    match (find(object, path), column_type) {
        (None | Some(Value::Null), _) => Value::Null,
        (Some(Value::String(moment)), "date") => age(moment).into(),
        (Some(value @ (Value::Number(_) | Value::Bool(_))), "integer" | "number" | "boolean") => {
            value.clone()
        }
        (Some(Value::String(text)), _) => text.as_str().into(),
        (Some(other), _) => other.to_string().into(),
    }
}

/// Follows a simple JSON path: fields, `['field']`, `[0]` and `[?(@.type=="Ready")]`.
fn find<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut here = object;
    let mut rest = path.trim_start_matches(['$', '{']).trim_end_matches('}');
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (inside, after) = after.split_once(']')?;
            here = step(here, inside)?;
            rest = after;
            continue;
        }
        let field = rest.strip_prefix('.').unwrap_or(rest);
        let end = end_of_field(field);
        let (name, after) = field.split_at_checked(end)?;
        here = here.get(name.replace("\\.", "."))?;
        rest = after;
    }
    Some(here)
}

/// Where a field name ends: at a bracket or at a dot that is not escaped.
fn end_of_field(field: &str) -> usize {
    let mut is_escaped = false;
    for (position, c) in field.char_indices() {
        match c {
            '[' => return position,
            '.' if !is_escaped => return position,
            _ => is_escaped = c == '\\',
        }
    }
    field.len()
}

fn step<'a>(here: &'a Value, inside: &str) -> Option<&'a Value> {
    if let Ok(position) = inside.parse::<usize>() {
        return here.get(position);
    }
    if let Some(condition) = inside.strip_prefix("?(@.") {
        let (field, wanted) = condition.trim_end_matches(')').split_once("==")?;
        let wanted = wanted.trim().trim_matches(['"', '\'']);
        return here
            .as_array()?
            .iter()
            .find(|item| item.get(field.trim()).and_then(Value::as_str) == Some(wanted));
    }
    here.get(inside.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::find;
    use serde_json::json;

    #[test]
    fn a_path_leads_through_fields_positions_and_conditions() {
        let object = json!({
            "spec": {"replicas": 3},
            "metadata": {"annotations": {"a.b/c": "x"}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        });
        let cases = [
            (".spec.replicas", Some(json!(3))),
            (".metadata.annotations.a\\.b/c", Some(json!("x"))),
            (".status.conditions[0].type", Some(json!("Ready"))),
            (
                ".status.conditions[?(@.type==\"Ready\")].status",
                Some(json!("True")),
            ),
            (".status.missing", None),
        ];
        for (path, found) in cases {
            assert_eq!(find(&object, path), found.as_ref(), "{path}");
        }
    }
}
