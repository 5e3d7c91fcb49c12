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
    /// Secret slots that the host may use on the plugin's behalf, without showing it their values.
    pub references: Vec<String>,
    /// Whether the metrics that the manifest declares may be set.
    pub metrics: bool,
    /// Declared metrics that are set.
    pub gauges: Vec<String>,
    /// Declared metrics that are added to.
    pub counters: Vec<String>,
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
        let slots = |reference| {
            let asks = asks.secrets.iter();
            asks.filter(|ask| ask.reference == reference)
                .map(|ask| ask.slot.clone())
                .collect()
        };
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
            slots: slots(false),
            references: slots(true),
            config: asks.config.iter().map(|ask| ask.slot.clone()).collect(),
            metrics: asks.metrics.is_some(),
            gauges: manifest.metrics_of("gauge"),
            counters: manifest.metrics_of("counter"),
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

    /// Whether streams may be encrypted so: certificates of whom to trust come from a slot that may be read, or used; the plugin's own from slots that may be
    /// used.
    pub fn allow_tls(&self, secure: Option<&Tls>) -> Result<(), Failure> {
        let Some(tls) = secure else { return Ok(()) };
        match &tls.trust {
            Trust::Unverified => allow(self.tls_unverified, || {
                "a stream to whom nobody vouches for needs the grant tls: {unverified: true}"
                    .to_owned()
            })?,
            Trust::Slot(slot) if self.may_use(slot) => {}
            Trust::Slot(slot) => self.allow_config(slot)?,
        }
        let Some(identity) = &tls.identity else {
            return Ok(());
        };
        for slot in [&identity.certificate, &identity.key] {
            allow(self.may_use(slot), || {
                format!("using secret slot {slot:?} needs the grant secrets.references: [{slot:?}]")
            })?;
        }
        Ok(())
    }

    /// A value that may be read may also be used unseen.
    fn may_use(&self, slot: &str) -> bool {
        (self.slots.iter().chain(&self.references)).any(|granted| granted == slot)
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

    /// Whether this program may be started under this key.
    pub fn allow_start(
        &self,
        key: &str,
        container: Option<&str>,
        argv: &[String],
    ) -> Result<(), Failure> {
        super::jobs::check(key)?;
        self.allow_exec(container, argv)
    }

    /// Whether it may be asked what became of the program of this key.
    pub fn allow_poll(&self, key: &str) -> Result<(), Failure> {
        super::jobs::check(key)?;
        allow(!self.exec.is_empty(), || {
            "exec.poll needs the grant exec".to_owned()
        })
    }

    /// Whether this secret may be read.
    pub fn allow_slot(&self, slot: &str) -> Result<(), Failure> {
        let text = || format!("secret slot {slot:?} needs the grant secrets.slots: [{slot:?}]");
        allow(self.slots.iter().any(|granted| granted == slot), text)
    }

    /// Whether this configuration may be read.
    pub fn allow_config(&self, slot: &str) -> Result<(), Failure> {
        let text = || format!("config slot {slot:?} needs the grant config.slots: [{slot:?}]");
        allow(self.config.iter().any(|granted| granted == slot), text)
    }

    /// Whether this gauge may be set to this value.
    pub fn allow_gauge(&self, name: &str, value: f64) -> Result<(), Failure> {
        self.allow_metric(name, "Gauge", &self.gauges, value.is_finite())
    }

    /// Whether this much may be added to this counter.
    pub fn allow_count(&self, name: &str, value: f64) -> Result<(), Failure> {
        let is_more = value.is_finite() && value >= 0.0;
        self.allow_metric(name, "Counter", &self.counters, is_more)
    }

    fn allow_metric(
        &self,
        name: &str,
        kind: &str,
        declared: &[String],
        fits: bool,
    ) -> Result<(), Failure> {
        allow(self.metrics, || {
            "a metric needs the grant metrics: true".to_owned()
        })?;
        let mut known = self.gauges.iter().chain(&self.counters);
        allow(known.any(|known| known == name), || {
            format!("the manifest declares no metric {name:?}")
        })?;
        match fits && declared.iter().any(|declared| declared == name) {
            true => Ok(()),
            false => Err(Failure::Other(format!(
                "{name} is no {kind} that takes this: set a gauge, add to a counter what is not negative"
            ))),
        }
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
