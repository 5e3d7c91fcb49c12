//! Which objects a list, a watch or a collection delete means.

pub(crate) mod fields;
pub(crate) mod labels;

use serde_json::Value;

use crate::object;
use crate::store::Key;
use fields::FieldSelector;
use labels::LabelSelector;

/// Everything that narrows a collection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) namespace: Option<String>,
    /// A watch of a single object names it in the path.
    pub(crate) name: Option<String>,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Selection {
    pub(crate) fn matches(&self, key: &Key, object: &Value) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|namespace| *namespace == key.namespace)
            && self.name.as_ref().is_none_or(|name| *name == key.name)
            && self.labels.matches(object::map(object, "/metadata/labels"))
            && self.fields.matches(object)
    }
}
