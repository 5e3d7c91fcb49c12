//! The API fills in defaults; a manifest that leaves them out means the same. Where the API cannot be asked, what stands in the world tells them.

use serde_json::Value;
use stateward_planner::Spec;

/// Takes from `present` what `wanted` only leaves to the defaults.
pub(crate) fn carry_over(present: &Spec, wanted: &mut Spec) {
    if covers(&wanted.template, &present.template) {
        wanted.template = present.template.clone();
    }
    for claim in &mut wanted.claim_templates {
        let same = present
            .claim_templates
            .iter()
            .find(|known| name_of(known) == name_of(claim) && covers(claim, known));
        if let Some(known) = same {
            *claim = known.clone();
        }
    }
}

/// Whether everything that `written` says stands in `full` too.
fn covers(written: &Value, full: &Value) -> bool {
    match (written, full) {
        (Value::Object(written), Value::Object(full)) => written
            .iter()
            .all(|(key, value)| covers(value, full.get(key).unwrap_or(&Value::Null))),
        (Value::Array(written), Value::Array(full)) => {
            written.len() == full.len()
                && written
                    .iter()
                    .zip(full)
                    .all(|(one, other)| covers(one, other))
        }
        (written, full) => written == full,
    }
}

fn name_of(template: &Value) -> Option<&Value> {
    template.pointer("/metadata/name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_manifest_leaves_to_the_defaults_is_no_change() {
        let full = json!({"spec": {"containers": [{"name": "web", "image": "web:v1", "imagePullPolicy": "IfNotPresent"}], "dnsPolicy": "ClusterFirst"}});
        let written = json!({"spec": {"containers": [{"name": "web", "image": "web:v1"}]}});
        assert!(covers(&written, &full));
    }

    #[test]
    fn what_a_manifest_says_otherwise_is_a_change() {
        let full = json!({"spec": {"containers": [{"name": "web", "image": "web:v1"}]}});
        let other = json!({"spec": {"containers": [{"name": "web", "image": "web:v2"}]}});
        let more =
            json!({"spec": {"containers": [{"name": "web", "image": "web:v1"}, {"name": "log"}]}});
        assert!(!covers(&other, &full));
        assert!(!covers(&more, &full));
    }
}
