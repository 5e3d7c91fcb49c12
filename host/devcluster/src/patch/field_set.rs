//! A set of fields of an object.
//!
//! It is a tree whose steps are written as in `fieldsV1`: `f:name` for a field, `k:{…}` for the item of a keyed list,
//! `v:…` for a value of a set.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::topology::{ListType, Place, identity};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FieldSet {
    is_member: bool,
    children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    fn leaf() -> Self {
        Self {
            is_member: true,
            children: BTreeMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.is_member && self.children.is_empty()
    }

    pub(crate) fn is_member(&self) -> bool {
        self.is_member
    }

    pub(crate) fn children(&self) -> impl Iterator<Item = (&str, &FieldSet)> {
        self.children.iter().map(|(step, set)| (step.as_str(), set))
    }

    fn add(&mut self, step: String, set: FieldSet) {
        if set.is_empty() {
            return;
        }
        match self.children.get_mut(&step) {
            Some(known) => known.join(&set),
            None => {
                self.children.insert(step, set);
            }
        }
    }

    /// Every field of a value.
    pub(crate) fn of(place: &Place<'_>, value: &Value) -> Self {
        let mut set = Self::default();
        match value {
            Value::Object(fields) if !fields.is_empty() && !place.is_atomic_map() => {
                for (field, value) in fields {
                    set.add(field_step(field), Self::of(&place.field(field), value));
                }
            }
            Value::Array(items) if !items.is_empty() => match place.list_type() {
                ListType::Atomic => set.is_member = true,
                ListType::Set => {
                    for item in items {
                        set.add(value_step(item), Self::leaf());
                    }
                }
                ListType::Map(keys) => {
                    for item in items {
                        let Some(identity) = identity(item, &keys) else {
                            return Self::leaf();
                        };
                        let mut of_item = Self::of(&place.item(), item);
                        of_item.is_member = true;
                        set.add(key_step(identity), of_item);
                    }
                }
            },
            _ => set.is_member = true,
        }
        set
    }

    /// Every field of a value that was not there before: its maps and lists are fields, too.
    fn of_new(place: &Place<'_>, value: &Value) -> Self {
        let mut set = Self::leaf();
        match value {
            Value::Object(fields) if !place.is_atomic_map() => {
                for (field, value) in fields {
                    set.add(field_step(field), Self::of_new(&place.field(field), value));
                }
            }
            Value::Array(items) => match place.list_type() {
                ListType::Atomic => {}
                ListType::Set => {
                    for item in items {
                        set.add(value_step(item), Self::leaf());
                    }
                }
                ListType::Map(keys) => {
                    for item in items {
                        if let Some(identity) = identity(item, &keys) {
                            let of_item = Self::of_new(&place.item(), item);
                            set.add(key_step(identity), of_item);
                        }
                    }
                }
            },
            _ => {}
        }
        set
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.is_member |= other.is_member;
        for (step, set) in &other.children {
            self.children.entry(step.clone()).or_default().join(set);
        }
    }

    /// What is here and nowhere at or below the same place there.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let children = self
            .children
            .iter()
            .map(|(step, set)| match other.children.get(step) {
                Some(others) => (step.clone(), set.without(others)),
                None => (step.clone(), set.clone()),
            })
            .filter(|(_, set)| !set.is_empty())
            .collect();
        let is_touched =
            other.is_member || (self.children.is_empty() && !other.children.is_empty());
        Self {
            is_member: self.is_member && !is_touched,
            children,
        }
    }

    /// What is in both.
    pub(crate) fn shared_with(&self, other: &Self) -> Self {
        let children = self
            .children
            .iter()
            .filter_map(|(step, set)| {
                let shared = set.shared_with(other.children.get(step)?);
                (!shared.is_empty()).then(|| (step.clone(), shared))
            })
            .collect();
        Self {
            is_member: self.is_member && other.is_member,
            children,
        }
    }

    /// Drops the field at a path of steps.
    pub(crate) fn drop_path(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        if rest.is_empty() {
            self.children.remove(*first);
            return;
        }
        if let Some(child) = self.children.get_mut(*first) {
            child.drop_path(rest);
            if child.is_empty() {
                self.children.remove(*first);
            }
        }
    }

    /// Keeps only what is below one of the steps.
    pub(crate) fn keep(&mut self, steps: &[&str]) {
        self.children
            .retain(|step, _| steps.contains(&step.as_str()));
    }

    /// The members as messages write them: `.spec.replicas`, `.spec.containers[name="a"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths(String::new(), &mut paths);
        paths
    }

    fn collect_paths(&self, here: String, paths: &mut Vec<String>) {
        if self.is_member {
            paths.push(here.clone());
        }
        for (step, set) in &self.children {
            set.collect_paths(format!("{here}{}", shown_step(step)), paths);
        }
    }

    /// The form of `fieldsV1`.
    pub(crate) fn to_json(&self) -> Value {
        let mut written = Map::new();
        if self.is_member && !self.children.is_empty() {
            written.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (step, set) in &self.children {
            written.insert(step.clone(), set.to_json());
        }
        Value::Object(written)
    }

    pub(crate) fn from_json(written: &Value) -> Self {
        let mut set = Self::parse(written);
        // The object as a whole belongs to nobody.
        set.is_member = false;
        set
    }

    fn parse(written: &Value) -> Self {
        let Some(fields) = written.as_object() else {
            return Self::leaf();
        };
        Self {
            is_member: fields.is_empty() || fields.contains_key("."),
            children: fields
                .iter()
                .filter(|(step, _)| *step != ".")
                .map(|(step, set)| (step.clone(), Self::parse(set)))
                .collect(),
        }
    }
}

/// What a write changed: fields that got a value, and fields that went.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    pub(crate) set: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Difference {
    pub(crate) fn between(place: &Place<'_>, old: &Value, new: &Value) -> Self {
        let mut difference = Self::default();
        match (old, new) {
            (Value::Object(before), Value::Object(after)) if !place.is_atomic_map() => {
                for (field, value) in after {
                    let here = place.field(field);
                    let inner = match before.get(field) {
                        Some(before) => Self::between(&here, before, value),
                        None if here.is_always_there() => {
                            Self::between(&here, &nothing_like(value), value)
                        }
                        None => Self::added(&here, value),
                    };
                    difference.add(field_step(field), inner);
                }
                for (field, value) in before {
                    if !after.contains_key(field) {
                        let here = place.field(field);
                        difference.add(field_step(field), Self::taken(&here, value));
                    }
                }
            }
            (Value::Array(before), Value::Array(after)) => match place.list_type() {
                ListType::Map(keys) => difference.of_keyed(place, &keys, before, after),
                ListType::Set => difference.of_sets(before, after),
                ListType::Atomic => difference.set.is_member = old != new,
            },
            (old, new) => difference.set.is_member = old != new,
        }
        difference
    }

    fn added(place: &Place<'_>, value: &Value) -> Self {
        Self {
            set: FieldSet::of_new(place, value),
            removed: FieldSet::default(),
        }
    }

    fn taken(place: &Place<'_>, value: &Value) -> Self {
        let mut removed = FieldSet::of(place, value);
        removed.is_member = true;
        Self {
            set: FieldSet::default(),
            removed,
        }
    }

    fn add(&mut self, step: String, inner: Self) {
        self.set.add(step.clone(), inner.set);
        self.removed.add(step, inner.removed);
    }

    fn of_keyed(&mut self, place: &Place<'_>, keys: &[String], before: &[Value], after: &[Value]) {
        let find = |items: &[Value], wanted: &Map<String, Value>| {
            items
                .iter()
                .find(|item| identity(item, keys).as_ref() == Some(wanted))
                .cloned()
        };
        let here = place.item();
        for item in after {
            let Some(of_item) = identity(item, keys) else {
                continue;
            };
            let inner = match find(before, &of_item) {
                Some(before) => Self::between(&here, &before, item),
                None => {
                    let mut added = Self::added(&here, item);
                    added.set.is_member = true;
                    added
                }
            };
            self.add(key_step(of_item), inner);
        }
        for item in before {
            if let Some(of_item) = identity(item, keys)
                && find(after, &of_item).is_none()
            {
                self.add(key_step(of_item), Self::taken(&here, item));
            }
        }
    }

    fn of_sets(&mut self, before: &[Value], after: &[Value]) {
        for item in after.iter().filter(|item| !before.contains(item)) {
            self.set.add(value_step(item), FieldSet::leaf());
        }
        for item in before.iter().filter(|item| !after.contains(item)) {
            self.removed.add(value_step(item), FieldSet::leaf());
        }
    }

    /// Everything that was touched.
    pub(crate) fn touched(&self) -> FieldSet {
        let mut touched = self.set.clone();
        touched.join(&self.removed);
        touched
    }
}

fn nothing_like(value: &Value) -> Value {
    match value {
        Value::Array(_) => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    }
}

pub(super) fn field_step(field: &str) -> String {
    format!("f:{field}")
}

pub(super) fn key_step(identity: Map<String, Value>) -> String {
    format!("k:{}", Value::Object(identity))
}

pub(super) fn value_step(value: &Value) -> String {
    format!("v:{value}")
}

fn shown_step(step: &str) -> String {
    if let Some(field) = step.strip_prefix("f:") {
        return format!(".{field}");
    }
    if let Some(identity) = step.strip_prefix("k:") {
        let identity: Map<String, Value> = serde_json::from_str(identity).unwrap_or_default();
        let keys: Vec<_> = identity
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        return format!("[{}]", keys.join(","));
    }
    format!("[{}]", step.trim_start_matches("v:"))
}
