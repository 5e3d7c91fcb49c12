//! The differences from upstream's controller that are meant: `accepted_differences.yaml`.

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer};

use crate::picture::{Difference, Picture, differences};
use crate::scenario::Scenario;

/// One difference that is meant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// What differs: the beginning of a subject, such as `claim` or `pod web-0`.
    pub subject: String,
    /// The one field of it that does, or the one text of a list that only one side has, up to where it is the same.
    #[serde(default)]
    pub field: Option<String>,
    /// Only in scenarios with this text, or with all of these.
    #[serde(default, deserialize_with = "one_or_more")]
    pub when: Vec<String>,
    /// Not in scenarios with this one.
    #[serde(default)]
    pub unless: Option<String>,
    /// Only as long as a pod of the set is missing, not ready, or about to leave.
    #[serde(default)]
    pub while_incomplete: bool,
    /// The numbered fact of docs/statefulset-compatibility.md that it is about.
    pub item: u32,
    /// Why it is meant.
    pub reason: String,
}

fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        All(Vec<String>),
    }
    Texts::deserialize(from).map(|texts| match texts {
        Texts::One(text) => vec![text],
        Texts::All(texts) => texts,
    })
}

/// Those of our StatefulSet face from upstream's controller.
///
/// # Errors
/// When the file cannot be read.
pub fn load() -> Result<Vec<Accepted>> {
    let text = include_str!("../accepted_differences.yaml");
    serde_yaml::from_str(text).context("accepted_differences.yaml")
}

/// Those of StatefulApps from StatefulSets.
///
/// # Errors
/// When the file cannot be read.
pub fn load_of_statefulapps() -> Result<Vec<Accepted>> {
    let text = include_str!("../better_in_statefulapps.yaml");
    serde_yaml::from_str(text).context("better_in_statefulapps.yaml")
}

/// What differs and is not meant.
pub fn unexpected(
    accepted: &[Accepted],
    scenario: &Scenario,
    one: &Picture,
    other: &Picture,
) -> Vec<Difference> {
    let text = scenario.to_string();
    let has = |words: &String| text.contains(words);
    let is_incomplete = !one.is_whole() || !other.is_whole();
    let applies = |entry: &&Accepted| {
        entry.when.iter().all(has)
            && !entry.unless.as_ref().is_some_and(has)
            && (is_incomplete || !entry.while_incomplete)
    };
    let entries: Vec<&Accepted> = accepted.iter().filter(applies).collect();
    (differences(one, other).into_iter())
        .filter_map(|found| reduced(&entries, found))
        .collect()
}

/// What is left of a difference when what is meant is taken out of it.
fn reduced(entries: &[&Accepted], mut found: Difference) -> Option<Difference> {
    for entry in entries {
        if !found.subject.starts_with(&entry.subject) {
            continue;
        }
        let Some(field) = &entry.field else {
            return None;
        };
        for value in [&mut found.one, &mut found.other] {
            if let Some(fields) = value.as_object_mut() {
                fields.remove(field);
            }
            if let Some(items) = value.as_array_mut() {
                items.retain(|item| !item.as_str().is_some_and(|text| text.starts_with(field)));
            }
        }
    }
    (found.one != found.other).then_some(found)
}
