//! HTTP requests to members. Nothing of it is granted yet, so every request is denied.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower};

use super::forbid;
use crate::contract::{Extra, Failure, Tls};
use crate::sandbox::Sandbox;

/// `credentials` of the contract.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
#[allow(
    dead_code,
    reason = "the shape of the contract; nothing of it is granted yet"
)]
enum Credentials {
    #[component(name = "basic")]
    Basic((String, String)),
    #[component(name = "bearer")]
    Bearer(String),
}

/// `request` of the contract.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
#[allow(
    dead_code,
    reason = "the shape of the contract; nothing of it is granted yet"
)]
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    credentials: Option<Credentials>,
    extra: Extra,
}

/// `response` of the contract.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
#[allow(
    dead_code,
    reason = "the shape of the contract; nothing of it is granted yet"
)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    truncated: bool,
}

pub(super) fn link(http: &mut LinkerInstance<'_, Sandbox>, allowed: bool) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(http, "http", &["send"]);
    }
    http.func_wrap(
        "send",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (pods, port, _, request, _): (Vec<String>, String, Option<Tls>, Request, u32)| {
            cx.data_mut().meter.enter()?;
            let port = crate::text::line(&port, 64);
            let method = crate::text::line(&request.method, 16);
            let denied = Failure::Denied(format!(
                "http {method} to port {port} needs the grant http: [{{port: {port:?}}}]"
            ));
            let answer = |_| Err::<Response, _>(denied.clone());
            Ok((pods.into_iter().map(answer).collect::<Vec<_>>(),))
        },
    )
}
