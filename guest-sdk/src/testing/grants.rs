//! What is granted, checked as the real host does it.

use crate::failure::Failure;
use crate::manifest::Manifest;

/// What a plugin may do in a test. [`MockHost::new`](super::MockHost::new) grants what the manifest asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Ports that may be dialled.
    pub ports: Vec<String>,
    /// Programs that may be run: container, and pattern of the command line.
    pub exec: Vec<(String, Vec<String>)>,
    /// Secret slots that may be read.
    pub slots: Vec<String>,
    /// Whether `state` may be written.
    pub state: bool,
    /// Whether requests may be made.
    pub requests: bool,
    /// Whether events may be emitted.
    pub events: bool,
}

impl Grants {
    /// Exactly what this manifest asks for.
    pub fn asked_by(manifest: &Manifest) -> Grants {
        let asks = &manifest.asks;
        Grants {
            ports: asks.tcp.iter().map(|ask| ask.port.clone()).collect(),
            exec: asks
                .exec
                .iter()
                .map(|ask| (ask.container.clone(), ask.argv.clone()))
                .collect(),
            slots: asks.secrets.iter().map(|ask| ask.slot.clone()).collect(),
            state: asks.state.is_some(),
            requests: asks.requests.is_some(),
            events: asks.events.is_some(),
        }
    }

    pub(super) fn port(&self, port: &str) -> Result<(), Failure> {
        let text = || format!("tcp to port {port} needs the grant tcp.ports: [{port:?}]");
        allow(self.ports.iter().any(|granted| granted == port), text)
    }

    /// A command without a container runs in the pod's first one, whose name a test does not know: then only its pattern counts.
    pub(super) fn exec(&self, container: Option<&str>, argv: &[String]) -> Result<(), Failure> {
        let granted = self.exec.iter().any(|(granted, pattern)| {
            container.is_none_or(|container| container == granted) && matches(pattern, argv)
        });
        let text = || {
            let container = container.unwrap_or("its first one");
            format!("exec needs the grant exec: [{{container: {container:?}, argv: {argv:?}}}]")
        };
        allow(granted, text)
    }

    pub(super) fn slot(&self, slot: &str) -> Result<(), Failure> {
        let text = || format!("secret {slot} needs the grant secrets.slots: [{slot:?}]");
        allow(self.slots.iter().any(|granted| granted == slot), text)
    }

    pub(super) fn state(&self) -> Result<(), Failure> {
        allow(self.state, || {
            "writing state needs the grant state: true".to_owned()
        })
    }

    pub(super) fn requests(&self) -> Result<(), Failure> {
        allow(self.requests, || {
            "a request needs the grant requests: true".to_owned()
        })
    }

    pub(super) fn events(&self) -> Result<(), Failure> {
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
