//! Every request that the operator sends, apart from its watches: reads of one object, and all writes.
//!
//! Bodies are raw JSON, so that no field is lost. Each error says whether its outcome is known: after a timeout or a server error the write may have
//! happened, and the object must be read before anything is decided on it.

mod collection;
mod error;

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use serde_json::{Value, json};
use tokio::time::timeout;

pub(crate) use collection::Collection;
pub use error::ApiError;

use crate::annotations::FIELD_MANAGER;

/// The longest that one request may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// An answer of metadata alone, or the whole object where the server has no such form.
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    client: kube::Client,
}

impl Api {
    /// Sends through this client.
    pub(crate) fn new(client: kube::Client) -> Api {
        Api { client }
    }

    /// The client, for what is no plain request.
    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    /// One object.
    pub(crate) async fn get(
        &self,
        kind: Collection,
        namespace: &str,
        name: &str,
    ) -> Result<Value, ApiError> {
        let path = kind.path(namespace, Some(name));
        self.send(Method::GET, &path, None, None).await
    }

    /// All objects of a namespace.
    pub(crate) async fn list(
        &self,
        kind: Collection,
        namespace: &str,
    ) -> Result<Vec<Value>, ApiError> {
        let path = kind.path(namespace, None);
        let mut list = self.send(Method::GET, &path, None, None).await?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// Creates an object, and answers its metadata: nobody asks for more. Unknown fields are refused rather than dropped.
    pub(crate) async fn create(
        &self,
        kind: Collection,
        namespace: &str,
        body: &Value,
    ) -> Result<Value, ApiError> {
        self.post(kind, namespace, "", Some(METADATA), body).await
    }

    /// What the API server would make of a new object. Nothing is created.
    pub(crate) async fn rehearse(
        &self,
        kind: Collection,
        namespace: &str,
        body: &Value,
    ) -> Result<Value, ApiError> {
        self.post(kind, namespace, "dryRun=All&", None, body).await
    }

    async fn post(
        &self,
        kind: Collection,
        namespace: &str,
        parameters: &str,
        accept: Option<&str>,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let path = format!(
            "{}?{parameters}fieldManager={FIELD_MANAGER}&fieldValidation=Strict",
            kind.path(namespace, None)
        );
        let mut request = Request::post(&path).header(CONTENT_TYPE, "application/json");
        if let Some(accept) = accept {
            request = request.header(ACCEPT, accept);
        }
        self.request(request, Some(body)).await
    }

    /// Merge patch of an object or of its subresource.
    pub(crate) async fn merge(
        &self,
        kind: Collection,
        namespace: &str,
        name: &str,
        subresource: Option<&str>,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        let mut path = kind.path(namespace, Some(name));
        if let Some(subresource) = subresource {
            path.push('/');
            path.push_str(subresource);
        }
        path.push_str("?fieldManager=");
        path.push_str(FIELD_MANAGER);
        let content = "application/merge-patch+json";
        self.send(Method::PATCH, &path, Some(content), Some(patch))
            .await
    }

    /// The status of an object of ours, whole. Nothing else of the object changes; metadata says which one, and which version of it.
    ///
    /// For a patch the API server writes the object as text and reads it again, which was two fifths of its work on such a request.
    pub(crate) async fn put_status(
        &self,
        kind: Collection,
        namespace: &str,
        name: &str,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let path = format!(
            "{}/status?fieldManager={FIELD_MANAGER}",
            kind.path(namespace, Some(name))
        );
        self.send(Method::PUT, &path, Some("application/json"), Some(body))
            .await
    }

    /// Deletes the object of this UID and no other. Gone already, or another one under its name: done.
    pub(crate) async fn delete(
        &self,
        kind: Collection,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<(), ApiError> {
        let which = json!({ "uid": uid });
        self.delete_if(kind, namespace, name, which).await
    }

    /// Deletes the object if nobody has written it since it had this version. Gone already, or written since: done.
    pub(crate) async fn delete_unchanged(
        &self,
        kind: Collection,
        namespace: &str,
        name: &str,
        version: &str,
    ) -> Result<(), ApiError> {
        let which = json!({ "resourceVersion": version });
        self.delete_if(kind, namespace, name, which).await
    }

    async fn delete_if(
        &self,
        kind: Collection,
        namespace: &str,
        name: &str,
        preconditions: Value,
    ) -> Result<(), ApiError> {
        let path = kind.path(namespace, Some(name));
        let body = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": preconditions,
        });
        match self
            .send(Method::DELETE, &path, Some("application/json"), Some(&body))
            .await
        {
            Ok(_) | Err(ApiError::NotFound { .. } | ApiError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(content) = content {
            request = request.header(CONTENT_TYPE, content);
        }
        self.request(request, body).await
    }

    async fn request(
        &self,
        request: http::request::Builder,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let bytes = match body {
            Some(body) => serde_json::to_vec(body).map_err(|error| ApiError::unreadable(&error))?,
            None => Vec::new(),
        };
        let request = request
            .body(bytes)
            .map_err(|error| ApiError::unreadable(&error))?;
        match timeout(PATIENCE, self.client.request::<Value>(request)).await {
            Ok(answer) => answer.map_err(ApiError::from),
            Err(_) => Err(ApiError::Unknown {
                message: format!("no answer within {} s", PATIENCE.as_secs()),
            }),
        }
    }
}
