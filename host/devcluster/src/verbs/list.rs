//! Reading a collection, in pages where the client asks for them.
//!
//! A continue token names the version of the first page and the last object shown, so that all pages show the same
//! moment; after a compaction that moment is gone and the token has expired.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Context;
use crate::failure::Failure;
use crate::object;
use crate::request::Target;
use crate::selectors::Selection;
use crate::selectors::fields::FieldSelector;
use crate::selectors::labels::LabelSelector;
use crate::state::{Answer, Shape, State};
use crate::store::Key;

/// Reads the selectors of a collection request.
pub(crate) fn selection(target: &Target, context: &Context) -> Result<Selection, Failure> {
    Ok(Selection {
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        labels: LabelSelector::parse(context.options.text("labelSelector"))?,
        fields: FieldSelector::parse(
            context.options.text("fieldSelector"),
            &target.kind,
            &target.version,
        )?,
    })
}

/// Refuses versions that are not given yet.
pub(crate) fn check_not_ahead(state: &State, asked: u64) -> Result<(), Failure> {
    let current = state.store.revision();
    if asked > current {
        return Err(Failure::resource_version_too_large(asked, current));
    }
    Ok(())
}

pub(crate) fn list(state: &State, target: &Target, context: &Context) -> Result<Answer, Failure> {
    let options = &context.options;
    let selection = selection(target, context)?;
    let limit = options.number("limit")?.filter(|limit| *limit > 0);
    let resource_version = options
        .resource_version()
        .map_err(|error| Failure::bad_request(format!("invalid resource version: {error}")))?
        .unwrap_or(0);
    check_not_ahead(state, resource_version)?;

    let place = match options.text("continue") {
        "" if options.text("resourceVersionMatch") == "Exact" => Some(Place {
            revision: resource_version,
            after: Key::default(),
        }),
        "" => None,
        _ if !options.text("resourceVersion").is_empty() => {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        token => Some(Place::parse(token)?),
    };
    let resource = &target.kind.storage;
    let mut page = Page::new(limit);
    let revision = match place {
        None => {
            for (key, object) in state.store.list(resource, selection.namespace.as_deref()) {
                page.offer(&selection, key, object);
            }
            state.store.revision()
        }
        Some(place) => {
            if !state.store.history.reaches(place.revision) {
                return Err(Failure::expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
                ));
            }
            for (key, object) in &state.store.table_at(resource, place.revision) {
                if *key > place.after {
                    page.offer(&selection, key, object);
                }
            }
            place.revision
        }
    };

    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if target.kind.builtin().is_none() {
        object::set(&mut metadata, &["continue"], "");
    }
    if page.remaining > 0
        && let Some(fields) = metadata.as_object_mut()
    {
        let place = Place {
            revision,
            after: page.last,
        };
        fields.insert("continue".to_owned(), place.token().into());
        let is_exact =
            options.text("labelSelector").is_empty() && options.text("fieldSelector").is_empty();
        if is_exact {
            fields.insert("remainingItemCount".to_owned(), page.remaining.into());
        }
    }
    let items = page
        .items
        .iter()
        .map(|object| target.kind.present(&target.version, object))
        .collect();
    Ok(Answer {
        code: 200,
        shape: Shape::List { items, metadata },
        warnings: Vec::new(),
    })
}

struct Page {
    limit: Option<u64>,
    items: Vec<Arc<Value>>,
    last: Key,
    remaining: u64,
}

impl Page {
    fn new(limit: Option<u64>) -> Self {
        Self {
            limit,
            items: Vec::new(),
            last: Key::default(),
            remaining: 0,
        }
    }

    fn offer(&mut self, selection: &Selection, key: &Key, object: &Arc<Value>) {
        if !selection.matches(key, object) {
            return;
        }
        let is_full = self
            .limit
            .is_some_and(|limit| self.items.len() as u64 >= limit);
        if is_full {
            self.remaining += 1;
        } else {
            self.items.push(object.clone());
            self.last = key.clone();
        }
    }
}

/// Where a list goes on.
struct Place {
    revision: u64,
    after: Key,
}

impl Place {
    fn token(&self) -> String {
        let Self { revision, after } = self;
        URL_SAFE_NO_PAD.encode(json!([revision, after.namespace, after.name]).to_string())
    }

    fn parse(token: &str) -> Result<Self, Failure> {
        URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<(u64, String, String)>(&bytes).ok())
            .map(|(revision, namespace, name)| Self {
                revision,
                after: Key::new(namespace, name),
            })
            .ok_or_else(|| Failure::bad_request("continue key is not valid"))
    }
}
