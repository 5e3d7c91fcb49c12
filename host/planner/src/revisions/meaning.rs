//! A template that is written differently and may mean the same: one of the two says a default that the other leaves to the API server (item 122). So it is
//! after an upgrade of the API server, which fills in more than before, and when a user or a tool writes a default out.
//!
//! Completing only adds fields, so templates that contradict each other are never asked about: an edit of an image costs no question.

use serde_json::{Map, Value};

use super::{Template, canonical, naming};
use crate::plan::Step;
use crate::world::{Revision, World};

/// What is known of the present template.
pub(super) enum Meaning<'w> {
    /// It is that of this revision.
    Same(&'w Revision),
    /// The API server is to be asked.
    Unknown(Step),
    /// No revision has it.
    Another,
}

/// The present template, which no revision has in these words, beside the newest revision.
pub(super) fn beside_newest<'w>(
    world: &World,
    sorted: &[&'w Revision],
    canonical: &str,
) -> Meaning<'w> {
    let Some(newest) = sorted.last().copied() else {
        return Meaning::Another;
    };
    // Every plan comes here as long as the two are written differently: the answer first, what it takes to ask after it.
    let digest = naming::digest(canonical);
    if let Some(known) = (world.answers.comparison.as_ref())
        .filter(|known| known.revision == newest.uid && known.digest == digest)
    {
        return match known.is_same {
            true => Meaning::Same(newest),
            false => Meaning::Another,
        };
    }
    let present = &world.app.spec.template;
    match Template::of(newest).map(|template| template.drawn()) {
        Some(stored) if may_be_the_same(&stored, present) => {
            Meaning::Unknown(Step::CompareTemplates {
                revision: newest.name.clone(),
                uid: newest.uid.clone(),
                stored,
                present: present.clone(),
                digest,
            })
        }
        _ => Meaning::Another,
    }
}

fn may_be_the_same(one: &Value, other: &Value) -> bool {
    // Nobody completes these, and a user who adds one means it.
    let none = Map::new();
    let map = |template: &Value, pointer: &str| -> Map<String, Value> {
        let found = template.pointer(pointer).and_then(Value::as_object);
        found.unwrap_or(&none).clone()
    };
    let is_marked_alike = ["/metadata/labels", "/metadata/annotations"]
        .into_iter()
        .all(|pointer| map(one, pointer) == map(other, pointer));
    is_marked_alike && agree(&canonical::value(one), &canonical::value(other))
}

/// Whatever both say is the same.
fn agree(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => (one.iter())
            .all(|(field, value)| other.get(field).is_none_or(|said| agree(value, said))),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| agree(one, other))
        }
        _ => one == other,
    }
}
