//! What is granted, checked as the real host does it.

use crate::failure::Failure;
use crate::http::Request;
use crate::manifest::Manifest;
use crate::tls::{Tls, Trust};

/// What a plugin may do in a test. [`MockHost::new`](super::MockHost::new) grants what the manifest asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Ports that may be dialled.
    pub ports: Vec<String>,
    /// HTTP requests that may be sent: port, methods, patterns of paths.
    pub http: Vec<(String, Vec<String>, Vec<String>)>,
    /// Whether any certificate may be accepted under TLS.
    pub tls_unverified: bool,
    /// Programs that may be run: container, and pattern of the command line.
    pub exec: Vec<(String, Vec<String>)>,
    /// Secret slots that may be read.
    pub slots: Vec<String>,
    /// Config slots that may be read.
    pub config: Vec<String>,
    /// Metrics that may be set.
    pub metrics: Vec<String>,
    /// Whether `state` may be written.
    pub state: bool,
    /// Whether requests may be made.
    pub requests: bool,
    /// Whether volumes may be discarded.
    pub discard_volumes: bool,
    /// Whether events may be emitted.
    pub events: bool,
}

impl Grants {
    /// Exactly what this manifest asks for.
    pub fn asked_by(manifest: &Manifest) -> Grants {
        let asks = &manifest.asks;
        Grants {
            ports: asks.tcp.iter().map(|ask| ask.port.clone()).collect(),
            http: asks
                .http
                .iter()
                .map(|ask| (ask.port.clone(), ask.methods.clone(), ask.paths.clone()))
                .collect(),
            tls_unverified: asks.tls_unverified.is_some(),
            exec: asks
                .exec
                .iter()
                .map(|ask| (ask.container.clone(), ask.argv.clone()))
                .collect(),
            slots: asks
                .secrets
                .iter()
                .filter(|ask| !ask.reference)
                .map(|ask| ask.slot.clone())
                .collect(),
            config: asks.config.iter().map(|ask| ask.slot.clone()).collect(),
            metrics: manifest.metric_names(),
            state: asks.state.is_some(),
            requests: asks.requests.is_some(),
            discard_volumes: asks.discard_volumes.is_some(),
            events: asks.events.is_some(),
        }
    }

    /// Whether this port may be dialled so; otherwise the denial that the host answers.
    pub fn allow_port(&self, port: &str, secure: Option<&Tls>) -> Result<(), Failure> {
        self.allow_tls(secure)?;
        let text = || format!("tcp to port {port} needs the grant tcp.ports: [{port:?}]");
        allow(self.ports.iter().any(|granted| granted == port), text)
    }

    /// Whether this request may be sent.
    pub fn allow_http(
        &self,
        port: &str,
        secure: Option<&Tls>,
        request: &Request,
    ) -> Result<(), Failure> {
        self.allow_tls(secure)?;
        let path = request.path.split('?').next().unwrap_or_default();
        let granted = self.http.iter().any(|(granted, methods, patterns)| {
            granted == port
                && methods.contains(&request.method)
                && patterns
                    .iter()
                    .any(|pattern| matches(&parts(pattern), &parts(path)))
        });
        allow(granted, || {
            let method = &request.method;
            format!(
                "{method} {path} to port {port} needs the grant http: [{{port: {port:?}, methods: [{method:?}], paths: [{path:?}]}}]"
            )
        })
    }

    fn allow_tls(&self, secure: Option<&Tls>) -> Result<(), Failure> {
        let asks = secure.is_some_and(|tls| tls.trust == Trust::Unverified);
        allow(self.tls_unverified || !asks, || {
            "TLS with any certificate needs the grant tls.unverified: true".to_owned()
        })
    }

    /// Whether this program may be run. A command without a container runs in the pod's first one, whose name a test does not know: then only its pattern counts.
    pub fn allow_exec(&self, container: Option<&str>, argv: &[String]) -> Result<(), Failure> {
        let granted = self.exec.iter().any(|(granted, pattern)| {
            container.is_none_or(|container| container == granted) && matches(pattern, argv)
        });
        let text = || {
            let container = container.unwrap_or("its first one");
            format!("exec needs the grant exec: [{{container: {container:?}, argv: {argv:?}}}]")
        };
        allow(granted, text)
    }

    /// Whether this secret may be read.
    pub fn allow_slot(&self, slot: &str) -> Result<(), Failure> {
        let text = || format!("secret {slot} needs the grant secrets.slots: [{slot:?}]");
        allow(self.slots.iter().any(|granted| granted == slot), text)
    }

    /// Whether this configuration may be read.
    pub fn allow_config(&self, slot: &str) -> Result<(), Failure> {
        let text = || format!("config {slot} needs the grant config.slots: [{slot:?}]");
        allow(self.config.iter().any(|granted| granted == slot), text)
    }

    /// Whether this metric may be set.
    pub fn allow_metric(&self, name: &str) -> Result<(), Failure> {
        let text =
            || format!("metric {name} needs the grant metrics: true, and its name in the manifest");
        allow(self.metrics.iter().any(|granted| granted == name), text)
    }

    /// Whether volumes may be discarded.
    pub fn allow_discard_volumes(&self) -> Result<(), Failure> {
        allow(self.discard_volumes, || {
            "discarding volumes needs the grant discardVolumes: true".to_owned()
        })
    }

    /// Whether `state` may be written.
    pub fn allow_state(&self) -> Result<(), Failure> {
        allow(self.state, || {
            "writing state needs the grant state: true".to_owned()
        })
    }

    /// Whether requests may be made.
    pub fn allow_requests(&self) -> Result<(), Failure> {
        allow(self.requests, || {
            "a request needs the grant requests: true".to_owned()
        })
    }

    /// Whether events may be emitted.
    pub fn allow_events(&self) -> Result<(), Failure> {
        allow(self.events, || {
            "an event needs the grant events: true".to_owned()
        })
    }
}

fn allow(granted: bool, text: impl FnOnce() -> String) -> Result<(), Failure> {
    if granted {
        Ok(())
    } else {
        Err(Failure::Denied(text()))
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Whether this command line is one of those that the pattern stands for.
fn matches(pattern: &[String], argv: &[String]) -> bool {
    match (pattern.split_first(), argv.split_first()) {
        (Some((element, [])), _) if element == "**" => true,
        (Some((element, pattern)), Some((arg, argv))) => {
            (element == "*" || element == arg) && matches(pattern, argv)
        }
        (None, None) => true,
        _ => false,
    }
}
