//! The rules in CEL that a schema carries (`x-kubernetes-validations`).

use std::sync::Arc;

use kube_cel::{CompiledSchema, Validator, compile_schema};
use serde_json::Value;

use crate::failure::Cause;

/// The compiled rules of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Rules(Arc<CompiledSchema>);

impl Rules {
    /// Nothing where the schema has no rule.
    pub(crate) fn compile(schema: &Value) -> Option<Self> {
        has_rules(schema).then(|| Self(Arc::new(compile_schema(schema))))
    }

    /// The rules that an object, or the change of one, breaks.
    pub(crate) fn causes(&self, old: Option<&Value>, object: &Value) -> Vec<Cause> {
        let Err(broken) = Validator::new().validate_compiled(&self.0, object, old) else {
            return Vec::new();
        };
        broken
            .into_vec()
            .into_iter()
            .map(|broken| {
                let pointer = format!("/{}", broken.field_path.replace('.', "/"));
                let value = object.pointer(&pointer).unwrap_or(object);
                let field = match broken.field_path.as_str() {
                    "" => "<nil>",
                    path => path,
                };
                match value {
                    Value::Object(_) | Value::Array(_) => {
                        let message = format!("Invalid value: {}", broken.message);
                        Cause::new("FieldValueInvalid", field, message)
                    }
                    plain => Cause::invalid(field, plain, &broken.message),
                }
            })
            .collect()
    }
}

fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            fields.contains_key("x-kubernetes-validations") || fields.values().any(has_rules)
        }
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}
