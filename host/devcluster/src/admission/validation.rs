//! What a built-in kind insists on.

use serde_json::Value;

use crate::failure::Cause;
use crate::kinds::Builtin;

pub(crate) fn causes(_builtin: Builtin, _old: Option<&Value>, _new: &Value) -> Vec<Cause> {
    Vec::new()
}
