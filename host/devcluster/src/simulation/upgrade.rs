//! A newer API server: it fills in a field that its predecessor left out.

use std::sync::Arc;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::object;

/// The table of StatefulSets, which hold a template that is completed.
const SETS: &str = "statefulsets.apps";

impl Cluster {
    /// From now on a pod spec without this field gets it, in pods, in templates, and in the StatefulSets that exist: Kubernetes completes what it reads from
    /// its store, so after an upgrade every object shows the new default, and nobody has written it.
    pub fn gain_default(&self, field: &str, value: &Value) {
        let mut state = self.state();
        state.gained.push((field.to_owned(), value.clone()));
        let sets: Vec<Arc<Value>> = (state.store.list(SETS, None))
            .map(|(_, set)| set.clone())
            .collect();
        for set in sets {
            let mut set = Value::clone(&set);
            object::with_map(&mut set, &["spec", "template", "spec"], |spec| {
                object::default(spec, field, value.clone());
            });
            state.put(SETS, set);
        }
    }
}
