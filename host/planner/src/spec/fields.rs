//! Reading single fields of raw JSON, with errors that name them.

use serde_json::Value;

use super::SpecError;

/// Kubernetes' integers of a spec have 32 bits with a sign.
const MAX: u32 = i32::MAX as u32;

/// The field, unless it is absent or null.
pub(super) fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// A whole number, 0 or more.
pub(super) fn count(value: Option<&Value>, path: &str, default: u32) -> Result<u32, SpecError> {
    let Some(value) = value else {
        return Ok(default);
    };
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number <= MAX)
        .ok_or_else(|| {
            SpecError::invalid(
                path,
                format!("is {value}"),
                format!("use a whole number from 0 to {MAX}"),
            )
        })
}

pub(super) fn text<'a>(value: &'a Value, path: &str) -> Result<&'a str, SpecError> {
    value
        .as_str()
        .ok_or_else(|| SpecError::invalid(path, format!("is {value}"), "use a string"))
}

pub(super) fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Value, SpecError> {
    if value.is_object() {
        Ok(value)
    } else {
        Err(SpecError::invalid(
            path,
            format!("is {value}"),
            "use an object with named fields",
        ))
    }
}

pub(super) fn list<'a>(value: Option<&'a Value>, path: &str) -> Result<&'a [Value], SpecError> {
    match value {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(SpecError::invalid(
            path,
            format!("is {other}"),
            "use a list",
        )),
    }
}

pub(super) fn unknown(path: &str, value: &str, allowed: &str) -> SpecError {
    SpecError::UnknownValue {
        path: path.to_owned(),
        value: value.to_owned(),
        allowed: allowed.to_owned(),
    }
}
