//! The fields that a StatefulApp has and a StatefulSet has not.

use serde_json::Value;

use super::fields::{count, field, list};
use super::{Spec, SpecError};

/// Ordinals that may be reserved, at most.
const MOST_RESERVED: usize = 1000;

pub(super) fn read(spec: &Value, parsed: &mut Spec) -> Result<(), SpecError> {
    const RESERVED: &str = "ordinals.reserved";
    let reserved = field(spec, "ordinals").and_then(|ordinals| field(ordinals, "reserved"));
    let reserved = list(reserved, RESERVED)?;
    if reserved.len() > MOST_RESERVED {
        return Err(SpecError::invalid(
            RESERVED,
            format!("has {} entries", reserved.len()),
            format!("use at most {MOST_RESERVED}, or raise ordinals.start"),
        ));
    }
    parsed.reserved = reserved
        .iter()
        .enumerate()
        .map(|(index, ordinal)| count(Some(ordinal), &format!("{RESERVED}[{index}]"), 0))
        .collect::<Result<_, _>>()?;
    parsed.paused = match field(spec, "paused") {
        None => false,
        Some(Value::Bool(paused)) => *paused,
        Some(other) => {
            return Err(SpecError::invalid(
                "paused",
                format!("is {other}"),
                "use true or false",
            ));
        }
    };
    parsed.max_parallel_starts = positive(spec, "maxParallelStarts")?;
    parsed.progress_deadline_seconds = positive(spec, "progressDeadlineSeconds")?;
    Ok(())
}

/// A whole number from 1 on, if it is given.
fn positive(spec: &Value, name: &str) -> Result<Option<u32>, SpecError> {
    let Some(value) = field(spec, name) else {
        return Ok(None);
    };
    match count(Some(value), name, 0)? {
        0 => Err(SpecError::invalid(
            name,
            "is 0",
            "use 1 or more, or leave it out",
        )),
        number => Ok(Some(number)),
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::Spec;
    use crate::world::Face;
    use serde_json::{Value, json};

    fn with(name: &str, value: Value) -> Value {
        let mut spec = json!({
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:v1"}]},
            },
        });
        spec[name] = value;
        spec
    }

    #[test]
    fn a_statefulset_has_none_of_the_fields_of_a_statefulapp() {
        let spec = with("paused", json!(true));
        assert!(Spec::parse(Face::StatefulApp, &spec).unwrap().paused);
        assert!(!Spec::parse(Face::StatefulSet, &spec).unwrap().paused);
    }

    #[test]
    fn what_is_wrong_in_them_is_named_with_its_place() {
        for (name, value, expected) in [
            (
                "paused",
                json!("yes"),
                "spec.paused is \"yes\": use true or false",
            ),
            (
                "maxParallelStarts",
                json!(0),
                "spec.maxParallelStarts is 0: use 1 or more",
            ),
            (
                "progressDeadlineSeconds",
                json!(-1),
                "spec.progressDeadlineSeconds is -1",
            ),
            (
                "ordinals",
                json!({"reserved": [1, -2]}),
                "spec.ordinals.reserved[1] is -2",
            ),
            ("ordinals", json!({"reserved": 3}), "use a list"),
        ] {
            let error = Spec::parse(Face::StatefulApp, &with(name, value)).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
