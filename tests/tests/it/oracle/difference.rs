//! Where two answers differ, and which of these differences were accepted.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::script::{Step, Topic, folder};

/// One place where the answers are not the same.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    topic: String,
    step: String,
    at: String,
    ours: Option<Value>,
    theirs: Option<Value>,
}

impl Difference {
    pub(super) fn new(topic: &str, step: &str, (at, ours, theirs): Place) -> Self {
        Self {
            topic: topic.to_owned(),
            step: step.to_owned(),
            at,
            ours,
            theirs,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| match value {
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        write!(
            out,
            "{}/{} at {}\n    embedded: {}\n    real:     {}",
            self.topic,
            self.step,
            self.at,
            shown(&self.ours),
            shown(&self.theirs)
        )
    }
}

/// Every place where the answers to one step differ.
pub(super) fn between(
    topic: &Topic,
    step: &Step,
    ours: &Answer,
    theirs: &Answer,
) -> Vec<Difference> {
    let mut places = Vec::new();
    if ours.code != theirs.code {
        // Whatever else differs follows from it.
        let shown = |answer: &Answer| {
            let message = answer.body.get("message").unwrap_or(&Value::Null);
            Some(json!({"code": answer.code, "message": message}))
        };
        places.push(("code".to_owned(), shown(ours), shown(theirs)));
        return differences(topic, step, places);
    }
    compare("header", Some(&ours.head), Some(&theirs.head), &mut places);
    if step.only.is_empty() {
        compare("", Some(&ours.body), Some(&theirs.body), &mut places);
    }
    for selector in &step.only {
        let (ours, theirs) = (select(&ours.body, selector), select(&theirs.body, selector));
        compare(selector, ours, theirs, &mut places);
    }
    differences(topic, step, places)
}

fn differences(topic: &Topic, step: &Step, places: Vec<Place>) -> Vec<Difference> {
    places
        .into_iter()
        .map(|place| Difference::new(&topic.name, step.name(), place))
        .collect()
}

/// Where, and what stands there on each side.
pub(super) type Place = (String, Option<Value>, Option<Value>);

fn compare(at: &str, ours: Option<&Value>, theirs: Option<&Value>, places: &mut Vec<Place>) {
    match (ours, theirs) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let fields: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
            for field in fields {
                compare(
                    &format!("{at}/{field}"),
                    ours.get(field),
                    theirs.get(field),
                    places,
                );
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            for position in 0..ours.len().max(theirs.len()) {
                let here = format!("{at}/{position}");
                compare(&here, ours.get(position), theirs.get(position), places);
            }
        }
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => places.push((at.to_owned(), ours.cloned(), theirs.cloned())),
    }
}

/// Follows a pointer in which `[name=pods]` stands for the item of a list with that field.
fn select<'a>(value: &'a Value, selector: &str) -> Option<&'a Value> {
    let mut here = value;
    for step in selector.split('/').skip(1) {
        let wanted = step
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        here = match wanted.and_then(|wanted| wanted.split_once('=')) {
            Some((field, wanted)) => here.as_array()?.iter().find(|item| item[field] == wanted)?,
            None => match here {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                other => other.get(step.replace("~1", "/"))?,
            },
        };
    }
    Some(here)
}

/// One entry of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// `topic/step`; `*` stands for anything.
    steps: Vec<String>,
    /// The place in the answer; `*` stands for anything.
    at: String,
    reason: String,
}

pub(super) struct Accepted(Vec<Entry>);

pub(super) struct Verdict {
    pub(super) accepted: usize,
    pub(super) complaints: Vec<String>,
}

impl Accepted {
    pub(super) fn read() -> Result<Self> {
        let file = folder().join("accepted_differences.yaml");
        let text = std::fs::read_to_string(&file)?;
        let entries = serde_yaml::from_str(&text).context("reading the accepted differences")?;
        Ok(Self(entries))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What nobody accepted, and what was accepted for nothing.
    pub(super) fn judge(&self, differences: &[Difference]) -> Verdict {
        let mut needed = BTreeSet::new();
        let mut complaints = Vec::new();
        for difference in differences {
            let covering = self.0.iter().enumerate();
            let covering =
                covering.filter_map(|(entry, what)| Some((entry, what.covers(difference)?)));
            match covering.min() {
                Some(step_of_entry) => drop(needed.insert(step_of_entry)),
                None => complaints.push(difference.to_string()),
            }
        }
        let accepted = differences.len() - complaints.len();
        for (position, entry) in self.0.iter().enumerate() {
            if entry.reason.trim().is_empty() {
                complaints.push(format!("{entry:?} gives no reason"));
            }
            for (step, name) in entry.steps.iter().enumerate() {
                if !needed.contains(&(position, step)) {
                    let at = &entry.at;
                    complaints.push(format!("{name} at {at} need not be accepted any more"));
                }
            }
        }
        Verdict {
            accepted,
            complaints,
        }
    }
}

impl Entry {
    /// By which of its steps the entry covers a difference.
    fn covers(&self, difference: &Difference) -> Option<usize> {
        let name = format!("{}/{}", difference.topic, difference.step);
        let step = self.steps.iter().position(|step| fits(step, &name))?;
        fits(&self.at, &difference.at).then_some(step)
    }
}

/// Whether a text has the parts of a pattern in their order.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((beginning, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(beginning) else {
        return false;
    };
    let mut places = text
        .char_indices()
        .map(|(place, _)| place)
        .chain([text.len()]);
    places.any(|place| fits(rest, &text[place..]))
}
