//! In what two pictures differ.

use serde_json::{Value, json};

use super::{MANY, Picture};

/// One thing in which two pictures differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What differs: `pod web-0`, `status`, `events`.
    pub subject: String,
    /// What the first picture shows.
    pub one: Value,
    /// What the second shows.
    pub other: Value,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            subject,
            one,
            other,
        } = self;
        write!(out, "{subject}:\n    {one}\n    {other}")
    }
}

/// What client-go makes of the eleventh event of a kind within ten minutes (item 144): it takes the place of those that follow, too.
const COMBINED: &str = "(combined from similar events): ";

/// Where one side combined events, the other need not lack the ones that are lost in it.
fn without_combined(told: &mut Value, other: &mut Value) {
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let (mut kept, theirs) = (texts(told), texts(other));
    let kinds: Vec<String> = (kept.iter())
        .filter_map(|text| Some(text.split_once(COMBINED)?.0.to_owned()))
        .collect();
    if kinds.is_empty() {
        return;
    }
    kept.retain(|text| !text.contains(COMBINED));
    let is_lost = |text: &String| {
        !kept.contains(text) && kinds.iter().any(|kind| text.starts_with(kind.as_str()))
    };
    *other = theirs
        .iter()
        .filter(|text| !is_lost(text))
        .cloned()
        .collect();
    *told = json!(kept);
}

/// Everything in which two pictures differ.
pub fn differences(one: &Picture, other: &Picture) -> Vec<Difference> {
    let mut subjects: Vec<&String> = one.0.keys().chain(other.0.keys()).collect();
    subjects.sort();
    subjects.dedup();
    let value = |picture: &Picture, subject: &String| {
        picture.0.get(subject).cloned().unwrap_or(Value::Null)
    };
    (subjects.into_iter())
        .map(|subject| {
            let (mut one, mut other) = (value(one, subject), value(other, subject));
            if subject == "events" {
                without_combined(&mut one, &mut other);
                without_combined(&mut other, &mut one);
            }
            Difference {
                subject: subject.clone(),
                one,
                other,
            }
        })
        .filter(|found| found.one != found.other && !has_many_events(found))
        .collect()
}

/// Where either side has told so many events that some may be lost, they are not compared.
fn has_many_events(found: &Difference) -> bool {
    found.subject == "events" && (found.one == MANY || found.other == MANY)
}
