//! Recordings hold no value of a secret: wherever one was read, sent or answered, plain or in base64 or hexadecimal digits, its slot's name in angle brackets stands.
//!
//! A call that is made again from a recording reads the same words, so it sends them too; only what it computes from a secret (a hash, a length, base64) differs.

use std::collections::BTreeMap;

use serde_json::Value;
use stateward_runtime::Masks;

/// Replaces the values of these slots in all texts, and in all lists of bytes.
pub(crate) fn hide(recorded: &mut Value, secrets: &BTreeMap<String, String>) {
    let mut masks = Masks::default();
    for (slot, value) in secrets {
        masks.add_as(value.as_bytes(), &format!("<{slot}>"));
    }
    walk(recorded, &masks);
}

fn walk(value: &mut Value, masks: &Masks) {
    match value {
        Value::String(text) => *text = masks.mask(text).into_owned(),
        Value::Object(fields) => {
            // A slot may be called what its secret is.
            let fields = fields.iter_mut().filter(|(name, _)| *name != "slot");
            fields.for_each(|(_, field)| walk(field, masks));
        }
        Value::Array(items) => match bytes(items) {
            Some(found) => *items = masks.scrub(found).into_iter().map(Value::from).collect(),
            None => items.iter_mut().for_each(|item| walk(item, masks)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The items, if all of them are bytes.
fn bytes(items: &[Value]) -> Option<Vec<u8>> {
    let byte = |item: &Value| item.as_u64().and_then(|number| u8::try_from(number).ok());
    items.iter().map(byte).collect()
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
                { "http": { "path": "/login?hex=733363726574", "body": "Basic cm9vdDpzM2NyZXQ=" } },
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
                    { "http": { "path": "/login?hex=<root>", "body": "Basic cm9vdDp<root>Q=" } },
                ],
            })
        );
    }
}
