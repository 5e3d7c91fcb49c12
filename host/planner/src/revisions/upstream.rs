//! Upstream's own names of revisions (items 117 and 118): FNV-1 of the bytes of the patch and the collision count, in an alphabet of 27 letters.

use serde_json::{Map, Value};

use super::naming::ALPHABET;

/// Of the set's name, at most so many bytes.
const LONGEST: usize = 223;

pub(super) fn revision_name(set: &str, data: &Value, collisions: u32) -> String {
    let name = set.get(..LONGEST).unwrap_or(set);
    format!("{name}-{}", hash(&encoded(data), collisions))
}

fn hash(data: &str, collisions: u32) -> String {
    let collisions = collisions.to_string();
    let hash = data
        .bytes()
        .chain(collisions.bytes())
        .fold(2_166_136_261_u32, |hash, byte| {
            hash.wrapping_mul(16_777_619) ^ u32::from(byte)
        });
    hash.to_string()
        .bytes()
        .filter_map(|digit| ALPHABET.get(usize::from(digit) % ALPHABET.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// JSON as Go writes it: keys sorted, and what HTML would read as markup escaped.
fn encoded(value: &Value) -> String {
    let mut out = String::new();
    for character in sorted(value).to_string().chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            plain => out.push(plain),
        }
    }
    out
}

/// The same value; the keys of its objects come in order, whatever order the map keeps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            let sorted: Map<String, Value> = fields
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            Value::Object(sorted)
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Upstream's compatibility test data of 1.33 (item 118).
    #[test]
    fn the_golden_template_has_upstreams_name() {
        let data = r#"{"spec":{"template":{"$patch":"replace","metadata":{"annotations":{"test":"value"},"creationTimestamp":null,"labels":{"app":"foo"}},"spec":{"containers":[{"image":"test","imagePullPolicy":"Always","name":"test","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}}"#;
        let value: Value = serde_json::from_str(data).unwrap();
        assert_eq!(encoded(&value), data);
        assert_eq!(revision_name("foo", &value, 0), "foo-c77f6d978");
        assert_ne!(revision_name("foo", &value, 1), "foo-c77f6d978");
    }

    #[test]
    fn the_bytes_are_those_that_go_writes() {
        let value = json!({"b": "a<b> & \u{2028}", "a": [1, 1.5, "ü\n\u{1}"]});
        assert_eq!(
            encoded(&value),
            r#"{"a":[1,1.5,"ü\n\u0001"],"b":"a\u003cb\u003e \u0026 \u2028"}"#
        );
    }

    #[test]
    fn a_long_name_is_cut_as_upstream_does() {
        let name = revision_name(&"w".repeat(230), &json!({}), 0);
        assert_eq!(name.find('-'), Some(223));
    }
}
