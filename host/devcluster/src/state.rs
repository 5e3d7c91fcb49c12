//! Everything that one lock guards: the objects, the kinds they define, and what still follows from the last write.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::kinds::{Kind, Kinds, builtin::DEFINITIONS, custom};
use crate::object;
use crate::request::Target;
use crate::store::{Key, Store};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) random: fastrand::Rng,
    /// Fields of pod specs, and what is filled in where they are missing, besides what upstream fills in.
    pub(crate) gained: Vec<(String, Value)>,
    /// Writes whose consequences (owners, namespaces, definitions, budgets) are not drawn yet.
    pub(crate) touched: VecDeque<Touched>,
}

/// A write, for the collector.
#[derive(Debug, Clone)]
pub(crate) struct Touched {
    pub(crate) resource: Arc<str>,
    pub(crate) object: Arc<Value>,
    pub(crate) is_gone: bool,
}

impl State {
    pub(crate) fn new(store: Store, random: fastrand::Rng) -> Self {
        let mut state = Self {
            store,
            kinds: Kinds::builtin(),
            random,
            gained: Vec::new(),
            touched: VecDeque::new(),
        };
        let definitions: Vec<_> = state
            .store
            .list(DEFINITIONS, None)
            .filter_map(|(_, definition)| custom::kind(definition))
            .collect();
        for kind in definitions {
            state.kinds.define(kind);
        }
        state
    }

    /// The stored object that a target names.
    pub(crate) fn find(&self, target: &Target) -> Result<Arc<Value>, Failure> {
        let key = Key::new(
            target.namespace.as_deref().unwrap_or_default(),
            target.name.as_deref().unwrap_or_default(),
        );
        self.store
            .get(&target.kind.storage, &key)
            .cloned()
            .ok_or_else(|| Failure::not_found(&target.kind.subject(), &key.name))
    }

    pub(crate) fn put(&mut self, resource: &str, object: Value) -> Arc<Value> {
        let written = self.store.put(resource, object);
        if resource == DEFINITIONS {
            match custom::kind(&written) {
                Some(kind) => self.kinds.define(kind),
                None => self.forget(&written),
            }
        }
        self.touched.push_back(Touched {
            resource: Arc::from(resource),
            object: written.clone(),
            is_gone: false,
        });
        written
    }

    pub(crate) fn remove(&mut self, resource: &str, key: &Key) -> Option<Arc<Value>> {
        let last = self.store.remove(resource, key)?;
        if resource == DEFINITIONS {
            self.forget(&last);
        }
        self.touched.push_back(Touched {
            resource: Arc::from(resource),
            object: last.clone(),
            is_gone: true,
        });
        Some(last)
    }

    fn forget(&mut self, definition: &Value) {
        self.kinds.forget(
            object::text(definition, "/spec/group"),
            object::text(definition, "/spec/names/plural"),
        );
    }

    /// A version 4 UUID.
    pub(crate) fn new_uid(&mut self) -> String {
        let bits = self.random.u128(..);
        let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        let mut uid = String::with_capacity(36);
        for (position, digit) in hex.chars().enumerate() {
            if matches!(position, 8 | 12 | 16 | 20) {
                uid.push('-');
            }
            uid.push(digit);
        }
        uid
    }

    /// Five characters for a generated name, from the alphabet that Kubernetes uses: no vowels, no look-alikes.
    pub(crate) fn new_suffix(&mut self) -> String {
        const ALPHABET: &[char] = &[
            'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v',
            'w', 'x', 'z', '2', '4', '5', '6', '7', '8', '9',
        ];
        (0..5)
            .filter_map(|_| self.random.choice(ALPHABET))
            .collect()
    }
}

/// What a verb answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) shape: Shape,
    /// Sentences for the `Warning` header.
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Shape {
    /// One object in the version that was asked for.
    Object(Arc<Value>),
    /// A collection: its items and the metadata of the list.
    List {
        items: Vec<Arc<Value>>,
        metadata: Value,
    },
    /// Anything that is not an object of the kind, such as a `Status` or a `Scale`.
    Plain(Value),
}

impl Answer {
    pub(crate) fn object(kind: &Kind, version: &str, stored: &Arc<Value>) -> Self {
        Self {
            code: 200,
            shape: Shape::Object(kind.present(version, stored)),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn plain(code: u16, value: Value) -> Self {
        Self {
            code,
            shape: Shape::Plain(value),
            warnings: Vec::new(),
        }
    }

    /// The `Status` that says a binding or an eviction was carried out.
    pub(crate) fn done() -> Self {
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "code": 201,
        });
        Self::plain(201, status)
    }

    /// The `Status` that says a deletion is complete.
    pub(crate) fn deleted(kind: &Kind, object: &Value) -> Self {
        let mut details = json!({
            "name": object::name(object),
            "kind": kind.plural,
            "uid": object::uid(object),
        });
        if !kind.group.is_empty() {
            object::set(&mut details, &["group"], kind.group.as_str());
        }
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": details,
        });
        Self::plain(200, status)
    }

    pub(crate) fn with_code(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }
}
