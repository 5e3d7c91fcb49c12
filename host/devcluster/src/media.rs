//! Media types: what a body is written in, and what an answer may be written in.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::kinds::Kind;
use crate::protobuf;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Refuses a body of a type that is not read; without a type it counts as JSON.
pub(crate) fn check_body_type(content_type: &str, kind: &Kind) -> Result<(), Failure> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let accepted: &[&str] = match kind.builtin() {
        Some(_) => &[JSON, YAML, PROTOBUF],
        None => &[JSON, YAML],
    };
    if media_type.is_empty() || accepted.contains(&media_type) {
        return Ok(());
    }
    Err(Failure::unsupported_media_type(accepted))
}

/// Refuses a client that takes nothing of what is written here.
pub(crate) fn check_accept(accept: &str) -> Result<(), Failure> {
    let is_taken = |choice: &str| {
        let media_type = choice.split(';').next().unwrap_or_default().trim();
        matches!(
            media_type,
            "" | JSON | YAML | PROTOBUF | "application/*" | "*/*"
        )
    };
    if accept.split(',').any(is_taken) {
        return Ok(());
    }
    let message =
        format!("406: Not Acceptable\n\nAvailable representations: {JSON}, {YAML}, {PROTOBUF}");
    Err(Failure::new(406, "NotAcceptable", message).with_empty_details())
}

/// A body, and the fields that it names twice.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// Reads a body as its type says.
pub(crate) fn decode(content_type: &str, body: &[u8]) -> Result<Decoded, Failure> {
    if body.is_empty() {
        return Ok(Decoded::default());
    }
    if protobuf::is_protobuf(content_type) {
        let value = protobuf::decode(body)?;
        return Ok(Decoded {
            value,
            duplicates: Vec::new(),
        });
    }
    let unreadable = |error: String| {
        Failure::bad_request(format!("the object provided is unrecognized: {error}"))
    };
    if content_type.contains("yaml") {
        let value = serde_yaml::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        return Ok(Decoded {
            value,
            duplicates: Vec::new(),
        });
    }
    let value = match serde_json::from_slice(body) {
        // As a typed decoder takes it: an object of which nothing is said.
        Ok(Value::Null) if !content_type.contains("patch") => Value::Object(Map::new()),
        Ok(value) => value,
        Err(error) => return Err(unreadable(error.to_string())),
    };
    Ok(Decoded {
        value,
        duplicates: duplicates::find(body),
    })
}

/// Fields that a JSON text names twice: the last one counts, and the client is told.
mod duplicates {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::fmt;

    use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

    pub(super) fn find(body: &[u8]) -> Vec<String> {
        let found = RefCell::new(Vec::new());
        let walk = Walk {
            path: String::new(),
            found: &found,
        };
        // The text was read before: it cannot fail.
        let _ = walk.deserialize(&mut serde_json::Deserializer::from_slice(body));
        found.into_inner()
    }

    struct Walk<'a> {
        path: String,
        found: &'a RefCell<Vec<String>>,
    }

    impl<'de> DeserializeSeed<'de> for Walk<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_any(self)
        }
    }

    impl<'de> Visitor<'de> for Walk<'_> {
        type Value = ();

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("JSON")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut seen = BTreeSet::new();
            while let Some(field) = map.next_key::<String>()? {
                let path = match self.path.as_str() {
                    "" => field.clone(),
                    path => format!("{path}.{field}"),
                };
                if !seen.insert(field) {
                    self.found.borrow_mut().push(path.clone());
                }
                let found = self.found;
                map.next_value_seed(Walk { path, found })?;
            }
            Ok(())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
            let mut position = 0;
            loop {
                let path = format!("{}[{position}]", self.path);
                let found = self.found;
                match list.next_element_seed(Walk { path, found })? {
                    Some(()) => position += 1,
                    None => return Ok(()),
                }
            }
        }

        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }

        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, other: D) -> Result<(), D::Error> {
            other.deserialize_any(IgnoredAny).map(|_| ())
        }
    }
}
