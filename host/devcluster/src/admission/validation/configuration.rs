//! Config maps, secrets and controller revisions: data that may be declared final.

use serde_json::Value;

use super::unchanged;
use crate::failure::Cause;
use crate::object::map;

const FINAL: &str = "field is immutable when `immutable` is set";

pub(super) fn check(old: Option<&Value>, new: &Value, groups: &[&str], causes: &mut Vec<Cause>) {
    for group in groups {
        for key in map(new, &format!("/{group}")).into_iter().flatten() {
            let is_key = !key.0.is_empty()
                && key.0.len() <= 253
                && !matches!(key.0.as_str(), "." | "..")
                && key
                    .0
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            if !is_key {
                causes.push(Cause::invalid(
                    format!("{group}[{}]", key.0),
                    &Value::from(key.0.as_str()),
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
                ));
            }
        }
    }
    let was_final =
        old.is_some_and(|old| old.get("immutable").and_then(Value::as_bool) == Some(true));
    if was_final && let Some(old) = old {
        for field in ["immutable"].iter().chain(groups) {
            if old.get(*field) != new.get(*field) {
                causes.push(Cause::forbidden(*field, FINAL));
            }
        }
    }
}

pub(super) fn check_secret(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    check(old, new, &["data"], causes);
    unchanged(old, new, "/type", "field is immutable", causes);
}

pub(super) fn check_revision(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    if old.is_some_and(|old| old.get("data") != new.get("data")) {
        let data = new.get("data").unwrap_or(&Value::Null);
        causes.push(Cause::invalid("data", data, "field is immutable"));
    }
    super::not_negative(new, &["/revision"], causes);
}
