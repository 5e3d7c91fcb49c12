//! What a built-in kind fills in when the client left it out.

mod definitions;

use serde_json::{Value, json};

use crate::kinds::Builtin;
use crate::object;
use crate::state::State;

pub(crate) fn apply(_state: &State, builtin: Builtin, object: &mut Value) {
    match builtin {
        Builtin::CustomResourceDefinition => definitions::complete(object),
        Builtin::Namespace => namespace(object),
        _ => {}
    }
}

fn namespace(namespace: &mut Value) {
    let name = object::name(namespace).to_owned();
    object::set(
        namespace,
        &["metadata", "labels", "kubernetes.io/metadata.name"],
        name,
    );
    // While a namespace is deleted its content goes first: this finalizer stands for that.
    if !object::is_terminating(namespace) {
        object::set(namespace, &["spec"], json!({"finalizers": ["kubernetes"]}));
    }
}
