//! Recordings hold no value of a secret: wherever one was read, sent or answered, its slot's name in angle brackets stands.
//!
//! A call that is made again from a recording reads the same words, so it sends them too; only what it computes from a secret (a hash, a length) differs.

use std::collections::BTreeMap;

use serde_json::Value;

/// Replaces the values of these slots in all texts, and in all lists of bytes.
pub(crate) fn hide(recorded: &mut Value, secrets: &BTreeMap<String, String>) {
    // The longest first: one may contain another.
    let mut known: Vec<(&str, String)> = (secrets.iter())
        .filter(|(_, value)| !value.is_empty())
        .map(|(slot, value)| (value.as_str(), format!("<{slot}>")))
        .collect();
    known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    walk(recorded, &known);
}

fn walk(value: &mut Value, known: &[(&str, String)]) {
    match value {
        Value::String(text) => {
            for (secret, shown) in known {
                *text = text.replace(secret, shown);
            }
        }
        Value::Object(fields) => {
            // A slot may be called what its secret is.
            let fields = fields.iter_mut().filter(|(name, _)| *name != "slot");
            fields.for_each(|(_, field)| walk(field, known));
        }
        Value::Array(items) => match bytes(items) {
            Some(mut found) => {
                for (secret, shown) in known {
                    found = replaced(&found, secret.as_bytes(), shown.as_bytes());
                }
                *items = found.into_iter().map(Value::from).collect();
            }
            None => items.iter_mut().for_each(|item| walk(item, known)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The items, if all of them are bytes.
fn bytes(items: &[Value]) -> Option<Vec<u8>> {
    let byte = |item: &Value| item.as_u64().and_then(|number| u8::try_from(number).ok());
    items.iter().map(byte).collect()
}

fn replaced(text: &[u8], secret: &[u8], shown: &[u8]) -> Vec<u8> {
    let mut rest = text;
    let mut result = Vec::with_capacity(text.len());
    while let Some((first, behind)) = rest.split_first() {
        match rest.strip_prefix(secret) {
            Some(after) => {
                result.extend_from_slice(shown);
                rest = after;
            }
            None => {
                result.push(*first);
                rest = behind;
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_stands_nowhere_in_a_recording() {
        let secrets = BTreeMap::from([
            ("root".to_owned(), "s3cret".to_owned()),
            ("longer".to_owned(), "s3cret and more".to_owned()),
            ("unset".to_owned(), String::new()),
            ("name".to_owned(), "name".to_owned()),
        ]);
        let mut recorded = json!({
            "ordinal": 2, "others": [0, 1, 2],
            "exchanges": [
                { "secret": { "slot": "root", "value": "s3cret" } },
                { "secret": { "slot": "name", "value": "name" } },
                { "exec": { "argv": ["mysql", "-ps3cret"], "stdout": [255, 115, 51, 99, 114, 101, 116, 254] } },
                { "tcp": { "talk": [{ "sent": "AUTH s3cret and more\r\n" }] } },
            ],
        });

        hide(&mut recorded, &secrets);

        assert_eq!(
            recorded,
            json!({
                "ordinal": 2, "others": [0, 1, 2],
                "exchanges": [
                    { "secret": { "slot": "root", "value": "<root>" } },
                    { "secret": { "slot": "name", "value": "<name>" } },
                    { "exec": { "argv": ["mysql", "-p<root>"], "stdout": [255, 60, 114, 111, 111, 116, 62, 254] } },
                    { "tcp": { "talk": [{ "sent": "AUTH <longer>\r\n" }] } },
                ],
            })
        );
    }
}
