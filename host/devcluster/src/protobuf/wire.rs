//! The wire format: fields of a number and a value, one after the other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Field, Object, Shape};

/// One field as it stands in the bytes.
pub(super) struct Raw<'a> {
    pub(super) number: u64,
    value: RawValue<'a>,
}

enum RawValue<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

impl<'a> Raw<'a> {
    pub(super) fn bytes(&self) -> &'a [u8] {
        match self.value {
            RawValue::Bytes(bytes) => bytes,
            RawValue::Varint(_) => &[],
        }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    fn integer(&self) -> i64 {
        match self.value {
            // Negative numbers are written as the 64 bits of their two's complement.
            RawValue::Varint(value) => value.cast_signed(),
            RawValue::Bytes(_) => 0,
        }
    }
}

/// The fields of a message. An item of `None` is where the bytes end in the middle of a field.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<Raw<'a>> {
        let tag = self.varint()?;
        let value = match tag & 0x7 {
            0 => RawValue::Varint(self.varint()?),
            1 => RawValue::Bytes(self.take(8)?),
            2 => {
                let length = self.varint()?;
                RawValue::Bytes(self.take(length)?)
            }
            5 => RawValue::Bytes(self.take(4)?),
            _ => return None,
        };
        Some(Raw {
            number: tag >> 3,
            value,
        })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Option<Raw<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Reads a message. Values that say nothing (empty texts, zeros) are left out, as in the JSON of Kubernetes.
pub(super) fn object(message: &[Field], bytes: &[u8]) -> Option<Object> {
    let mut object = Object::new();
    for raw in Reader::new(bytes) {
        let raw = raw?;
        let Some((_, name, shape)) = message.iter().find(|(number, ..)| *number == raw.number)
        else {
            continue;
        };
        add(&mut object, name, *shape, &raw)?;
    }
    Some(object)
}

fn add(object: &mut Object, name: &str, shape: Shape, raw: &Raw<'_>) -> Option<()> {
    let value = match shape {
        Shape::Text => match raw.text() {
            text if text.is_empty() => return Some(()),
            text => Value::from(text),
        },
        Shape::Bytes => Value::from(STANDARD.encode(raw.bytes())),
        Shape::Integer if raw.integer() == 0 => return Some(()),
        Shape::Integer => Value::from(raw.integer()),
        Shape::Bool if raw.integer() == 0 => return Some(()),
        Shape::Bool | Shape::OptionalBool => Value::from(raw.integer() != 0),
        Shape::IntOrString => int_or_string(raw)?,
        Shape::Message(message) => Value::Object(self::object(message, raw.bytes())?),
        Shape::Texts => return push(object, name, raw.text().into()),
        Shape::Messages(message) => {
            let item = self::object(message, raw.bytes())?;
            return push(object, name, Value::Object(item));
        }
        Shape::TextMap => return insert(object, name, Shape::Text, raw),
        Shape::BytesMap => return insert(object, name, Shape::Bytes, raw),
    };
    object.insert(name.to_owned(), value);
    Some(())
}

fn push(object: &mut Object, name: &str, item: Value) -> Option<()> {
    object
        .entry(name)
        .or_insert_with(|| Value::Array(Vec::new()))
        .as_array_mut()?
        .push(item);
    Some(())
}

/// An entry of a map is a message of a key and a value.
fn insert(object: &mut Object, name: &str, shape: Shape, raw: &Raw<'_>) -> Option<()> {
    let (mut key, mut value) = (String::new(), Value::from(""));
    for field in Reader::new(raw.bytes()) {
        let field = field?;
        match (field.number, shape) {
            (1, _) => key = field.text(),
            (_, Shape::Bytes) => value = STANDARD.encode(field.bytes()).into(),
            (_, _) => value = field.text().into(),
        }
    }
    object
        .entry(name)
        .or_insert_with(|| Value::Object(Object::new()))
        .as_object_mut()?
        .insert(key, value);
    Some(())
}

fn int_or_string(raw: &Raw<'_>) -> Option<Value> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for field in Reader::new(raw.bytes()) {
        let field = field?;
        match field.number {
            1 => is_text = field.integer() == 1,
            2 => number = field.integer(),
            _ => text = field.text(),
        }
    }
    Some(match is_text {
        true => text.into(),
        false => number.into(),
    })
}
