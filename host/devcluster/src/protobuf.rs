//! Bodies in protobuf.
//!
//! `kubectl create configmap`, `secret`, `namespace` and their like send Kubernetes' protobuf and nothing else. The
//! few messages that they send are decoded here, into the JSON that everything else works on. Answers are JSON, which
//! such clients accept.

mod messages;
mod wire;

use serde_json::{Map, Value};

use crate::failure::Failure;
use wire::Reader;

/// Whether a body of this content type is in protobuf.
pub(crate) fn is_protobuf(content_type: &str) -> bool {
    content_type.starts_with("application/vnd.kubernetes.protobuf")
}

/// Decodes a body: the magic number, an envelope with the type, and the object.
pub(crate) fn decode(body: &[u8]) -> Result<Value, Failure> {
    let broken = || Failure::bad_request("the body of the request is not an object in protobuf");
    let envelope = body.strip_prefix(b"k8s\0").ok_or_else(broken)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[] as &[u8]);
    for field in Reader::new(envelope) {
        let field = field.ok_or_else(broken)?;
        match field.number {
            1 => {
                for field in Reader::new(field.bytes()) {
                    let field = field.ok_or_else(broken)?;
                    match field.number {
                        1 => api_version = field.text(),
                        2 => kind = field.text(),
                        _ => {}
                    }
                }
            }
            2 => raw = field.bytes(),
            _ => {}
        }
    }
    let message = messages::of(&api_version, &kind).ok_or_else(|| {
        Failure::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the embedded cluster reads {kind} as application/json or application/yaml only, not in protobuf"
            ),
        )
    })?;
    let mut object = wire::object(message, raw).ok_or_else(broken)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

/// How a field is written, and what it is in JSON.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Text,
    Bytes,
    Integer,
    Bool,
    /// A bool that may be absent: false is said, not left out.
    OptionalBool,
    Texts,
    TextMap,
    BytesMap,
    IntOrString,
    Message(&'static [Field]),
    Messages(&'static [Field]),
}

/// A field of a message: its number, its name in JSON, its shape.
type Field = (u64, &'static str, Shape);

type Object = Map<String, Value>;
