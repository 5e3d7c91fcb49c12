//! `metadata.managedFields`: who manages which field.
//!
//! A manager that updates gets the fields that its write changed, and everybody else loses them. A manager that
//! applies gets the fields that its configuration names.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::apply;
use super::field_set::{Difference, FieldSet};
use super::topology::Place;
use crate::object::{self, list, text};
use crate::request::Target;
use crate::verbs::Context;

/// How many updating managers are remembered one by one.
const REMEMBERED: usize = 10;
const ANCIENT: &str = "ancient-changes";

/// How a manager writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation<'a> {
    Update,
    /// Server-side apply of this configuration.
    Apply(&'a Value),
}

/// One entry of `managedFields` is told from the others by all of these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    name: String,
    operation: &'static str,
    api_version: String,
    subresource: String,
}

impl Manager {
    pub(crate) fn new(target: &Target, context: &Context, operation: Operation<'_>) -> Self {
        Self {
            name: context.manager.clone(),
            operation: match operation {
                Operation::Update => "Update",
                Operation::Apply(_) => "Apply",
            },
            api_version: target.api_version(),
            subresource: target.subresource.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.name)?;
        if !self.subresource.is_empty() {
            write!(formatter, " with subresource {:?}", self.subresource)?;
        }
        if self.operation == "Update" {
            write!(formatter, " using {}", self.api_version)?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Managed {
    fields: FieldSet,
    time: String,
}

/// The managers of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Managers(BTreeMap<Manager, Managed>);

impl Managers {
    pub(crate) fn read(object: &Value) -> Self {
        let managers = list(object, "/metadata/managedFields")
            .iter()
            .map(|entry| {
                let manager = Manager {
                    name: text(entry, "/manager").to_owned(),
                    operation: match text(entry, "/operation") {
                        "Apply" => "Apply",
                        _ => "Update",
                    },
                    api_version: text(entry, "/apiVersion").to_owned(),
                    subresource: text(entry, "/subresource").to_owned(),
                };
                let managed = Managed {
                    fields: FieldSet::from_json(entry.get("fieldsV1").unwrap_or(&Value::Null)),
                    time: text(entry, "/time").to_owned(),
                };
                (manager, managed)
            })
            .collect();
        Self(managers)
    }

    fn write(&self, object: &mut Value) {
        if self.0.is_empty() {
            object::remove(object, &["metadata", "managedFields"]);
            return;
        }
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by_key(|(manager, managed)| {
            let is_update = manager.operation == "Update";
            (is_update, managed.time.clone(), (*manager).clone())
        });
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(manager, managed)| {
                let mut entry = json!({
                    "manager": manager.name,
                    "operation": manager.operation,
                    "apiVersion": manager.api_version,
                    "time": managed.time,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": managed.fields.to_json(),
                });
                if !manager.subresource.is_empty() {
                    object::set(&mut entry, &["subresource"], manager.subresource.as_str());
                }
                entry
            })
            .collect();
        object::set(object, &["metadata", "managedFields"], entries);
    }

    pub(crate) fn of(&self, manager: &Manager) -> Option<&FieldSet> {
        self.0.get(manager).map(|managed| &managed.fields)
    }

    /// What everybody but this manager has.
    pub(crate) fn others(&self, manager: &Manager) -> FieldSet {
        let mut others = FieldSet::default();
        for (other, fields) in self.iter() {
            if other != manager {
                others.join(fields);
            }
        }
        others
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Manager, &FieldSet)> {
        self.0
            .iter()
            .map(|(manager, managed)| (manager, &managed.fields))
    }

    /// Gives a manager its fields; an unchanged set keeps its time.
    fn give(&mut self, manager: Manager, fields: FieldSet, now: String) {
        if self.of(&manager) == Some(&fields) {
            return;
        }
        self.0.insert(manager, Managed { fields, time: now });
    }

    fn take_from_others(&mut self, manager: &Manager, touched: &FieldSet) {
        for (other, managed) in &mut self.0 {
            if other != manager {
                managed.fields = managed.fields.without(touched);
            }
        }
        self.0.retain(|_, managed| !managed.fields.is_empty());
    }

    /// Too many updating managers are put together, the oldest first.
    fn forget_names(&mut self) {
        loop {
            let updaters = || {
                self.0
                    .iter()
                    .filter(|(manager, _)| manager.operation == "Update" && manager.name != ANCIENT)
            };
            if updaters().count() <= REMEMBERED {
                return;
            }
            let Some(oldest) = updaters()
                .min_by_key(|(_, managed)| managed.time.clone())
                .map(|(manager, _)| manager.clone())
            else {
                return;
            };
            let Some(managed) = self.0.remove(&oldest) else {
                return;
            };
            let ancient = Manager {
                name: ANCIENT.to_owned(),
                ..oldest
            };
            match self.0.get_mut(&ancient) {
                Some(known) => known.fields.join(&managed.fields),
                None => {
                    self.0.insert(ancient, managed);
                }
            }
        }
    }
}

/// Records the fields that this write made its manager's.
pub(crate) fn track(
    target: &Target,
    context: &Context,
    old: Option<&Value>,
    new: &mut Value,
    operation: Operation<'_>,
) {
    let place = Place::root(&target.kind, &target.version);
    let is_status = target.subresource.as_deref() == Some("status");
    // A client resets the managers by sending an empty list.
    let is_reset = match new.pointer("/metadata/managedFields") {
        Some(Value::Array(entries)) => entries
            .iter()
            .all(|entry| text(entry, "/manager").is_empty()),
        _ => false,
    };
    let mut managers = match old {
        Some(old) if !is_reset => Managers::read(old),
        _ => Managers::default(),
    };
    object::remove(new, &["metadata", "managedFields"]);

    let empty = json!({});
    let mut difference = Difference::between(&place, old.unwrap_or(&empty), new);
    apply::strip(&mut difference.set, false);
    apply::strip(&mut difference.removed, false);

    let manager = Manager::new(target, context, operation);
    let own = match operation {
        Operation::Apply(config) => apply::fields_of(&place, config, is_status),
        Operation::Update => {
            let mut own = managers.of(&manager).cloned().unwrap_or_default();
            own.join(&difference.set);
            own.without(&difference.removed)
        }
    };
    if old.is_some() {
        managers.take_from_others(&manager, &difference.touched());
    }
    if own.is_empty() {
        managers.0.remove(&manager);
    } else {
        managers.give(manager, own, context.timestamp());
    }
    managers.forget_names();
    managers.write(new);
}

/// Whether both name the same managers with the same fields.
pub(crate) fn is_same(old: &Value, new: &Value) -> bool {
    let bare = |object: &Value| {
        let mut managers = Managers::read(object);
        for managed in managers.0.values_mut() {
            managed.time.clear();
        }
        managers
    };
    bare(old) == bare(new)
}
