//! Who manages which field.

use serde_json::Value;

use crate::object;
use crate::request::Target;
use crate::verbs::Context;

/// How a manager writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation<'a> {
    Update,
    /// Server-side apply of this configuration.
    Apply(&'a Value),
}

/// Records the fields that this write changed for its manager.
pub(crate) fn track(
    _target: &Target,
    _context: &Context,
    _old: Option<&Value>,
    new: &mut Value,
    _operation: Operation<'_>,
) {
    object::remove(new, &["metadata", "managedFields"]);
}

/// Whether both record the same managers.
pub(crate) fn is_same(_old: &Value, _new: &Value) -> bool {
    true
}
