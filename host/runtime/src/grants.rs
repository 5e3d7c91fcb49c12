//! What a plugin was given, compared with what it asks for and with what it does.
//!
//! Deny by default: [`Grants::default`] gives nothing. A pattern of a command line has literal elements, `*` for any one element, and `**` at its end
//! for any number of further elements.

mod patterns;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{Asks, Manifest};
use patterns::{covers, matches, path_covers, path_matches};

pub(crate) use patterns::{is_plain_path, well_formed_path, well_formed_pattern};

/// What a plugin may do, `spec.grants` of a Plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grants {
    /// Byte streams to members.
    pub tcp: TcpGrant,
    /// HTTP requests to members.
    pub http: Vec<HttpGrant>,
    /// Encrypted streams.
    pub tls: TlsGrant,
    /// Programs in containers of members.
    pub exec: Vec<ExecGrant>,
    /// Secret values that the app's owner bound to slots.
    pub secrets: SecretsGrant,
    /// Values from ConfigMaps that the app's owner bound to slots.
    pub config: ConfigGrant,
    /// The numbers that the manifest declares.
    pub metrics: bool,
    /// Writing of `state`.
    pub state: bool,
    /// Requests to the host, such as claiming a role.
    pub requests: bool,
    /// Discarding the volumes of a member.
    pub discard_volumes: bool,
    /// Events on the app.
    pub events: bool,
}

/// Byte streams to members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TcpGrant {
    /// Names of container ports, or numbers.
    pub ports: Vec<String>,
}

/// HTTP requests to one port of members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpGrant {
    /// Name of a container port, or its number.
    pub port: String,
    /// Methods, in capital letters.
    pub methods: Vec<String>,
    /// Patterns of paths without their queries: `*` is any one segment, `**` at the end any further ones.
    pub paths: Vec<String>,
}

/// Encrypted streams, for `tcp` and `http`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TlsGrant {
    /// Whom nobody vouches for is taken too.
    pub unverified: bool,
}

/// Programs of one shape in one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecGrant {
    /// The container.
    pub container: String,
    /// Pattern of the command line: literal elements, `*` for any one element, `**` at the end for any further ones.
    pub argv: Vec<String>,
}

/// Secret values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SecretsGrant {
    /// Slots that may be read.
    pub slots: Vec<String>,
    /// Slots that the host uses on the plugin's behalf, without showing it their values.
    pub references: Vec<String>,
}

/// Values from ConfigMaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ConfigGrant {
    /// Slots that may be read.
    pub slots: Vec<String>,
}

/// The plugin asks for more than it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct NeedsConsent {
    /// Name of the plugin.
    pub plugin: String,
    /// What is missing.
    pub missing: Vec<MissingGrant>,
}

/// One grant that is asked for and not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingGrant {
    /// The grant as it would stand in `spec.grants`: `tcp.ports: ["mysql"]`.
    pub grant: String,
    /// What the plugin wants it for, in its own words.
    pub why: String,
}

impl Grants {
    /// Exactly what is asked, for tests and tools.
    pub fn all_asked(asks: &Asks) -> Grants {
        let slots = |reference| -> Vec<String> {
            let asks = asks.secrets.iter();
            asks.filter(|ask| ask.reference == reference)
                .map(|ask| ask.slot.clone())
                .collect()
        };
        Grants {
            tcp: TcpGrant {
                ports: asks.tcp.iter().map(|ask| ask.port.clone()).collect(),
            },
            exec: (asks.exec.iter())
                .map(|ask| ExecGrant {
                    container: ask.container.clone(),
                    argv: ask.argv.clone(),
                })
                .collect(),
            http: (asks.http.iter())
                .map(|ask| HttpGrant {
                    port: ask.port.clone(),
                    methods: ask.methods.clone(),
                    paths: ask.paths.clone(),
                })
                .collect(),
            tls: TlsGrant {
                unverified: asks.tls_unverified.is_some(),
            },
            secrets: SecretsGrant {
                slots: slots(false),
                references: slots(true),
            },
            config: ConfigGrant {
                slots: asks.config.iter().map(|ask| ask.slot.clone()).collect(),
            },
            metrics: asks.metrics.is_some(),
            state: asks.state.is_some(),
            requests: asks.requests.is_some(),
            discard_volumes: asks.discard_volumes.is_some(),
            events: asks.events.is_some(),
        }
    }

    /// Whether everything that the manifest asks for is given.
    pub fn cover(&self, manifest: &Manifest) -> Result<(), NeedsConsent> {
        let asks = &manifest.asks;
        let mut missing = Vec::new();
        let mut lacks = |grant: String, why: &str| {
            missing.push(MissingGrant {
                grant,
                why: crate::text::line(why, 256),
            });
        };
        for ask in &asks.tcp {
            if !self.allows_port(&ask.port) {
                lacks(port_grant(&ask.port), &ask.why);
            }
        }
        for ask in &asks.exec {
            let covered = |grant: &ExecGrant| {
                grant.container == ask.container && covers(&grant.argv, &ask.argv)
            };
            if !self.exec.iter().any(covered) {
                lacks(exec_grant(&ask.container, &ask.argv), &ask.why);
            }
        }
        for ask in &asks.http {
            let covered = |grant: &HttpGrant| {
                let covers_path = |asked: &String| {
                    let mut paths = grant.paths.iter();
                    paths.any(|path| path_covers(path, asked))
                };
                grant.port == ask.port
                    && ask.methods.iter().all(|one| grant.methods.contains(one))
                    && ask.paths.iter().all(covers_path)
            };
            if !self.http.iter().any(covered) {
                lacks(http_grant(&ask.port, &ask.methods, &ask.paths), &ask.why);
            }
        }
        for ask in &asks.secrets {
            if ask.reference && !self.allows_reference(&ask.slot) {
                lacks(reference_grant(&ask.slot), &ask.why);
            } else if !ask.reference && !self.allows_slot(&ask.slot) {
                lacks(slot_grant(&ask.slot), &ask.why);
            }
        }
        for ask in &asks.config {
            if !self.allows_config(&ask.slot) {
                lacks(config_grant(&ask.slot), &ask.why);
            }
        }
        let flags = [
            (
                &asks.tls_unverified,
                self.tls.unverified,
                "tls: {unverified: true}",
            ),
            (&asks.metrics, self.metrics, "metrics: true"),
            (&asks.state, self.state, "state: true"),
            (&asks.requests, self.requests, "requests: true"),
            (
                &asks.discard_volumes,
                self.discard_volumes,
                "discardVolumes: true",
            ),
            (&asks.events, self.events, "events: true"),
        ];
        for (ask, given, grant) in flags {
            if let (Some(ask), false) = (ask, given) {
                lacks(grant.to_owned(), &ask.why);
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(NeedsConsent {
                plugin: manifest.name.clone(),
                missing,
            })
        }
    }

    pub(crate) fn allows_port(&self, port: &str) -> bool {
        self.tcp.ports.iter().any(|granted| granted == port)
    }

    pub(crate) fn allows_slot(&self, slot: &str) -> bool {
        self.secrets.slots.iter().any(|granted| granted == slot)
    }

    /// A value that may be read may also be used unseen.
    pub(crate) fn allows_reference(&self, slot: &str) -> bool {
        self.allows_slot(slot) || self.secrets.references.iter().any(|one| one == slot)
    }

    pub(crate) fn allows_config(&self, slot: &str) -> bool {
        self.config.slots.iter().any(|granted| granted == slot)
    }

    /// `path` is without its query.
    pub(crate) fn allows_http(&self, port: &str, method: &str, path: &str) -> bool {
        self.http.iter().any(|grant| {
            grant.port == port
                && grant.methods.iter().any(|granted| granted == method)
                && (grant.paths.iter()).any(|pattern| path_matches(pattern, path))
        })
    }

    pub(crate) fn allows_exec(&self, container: &str, argv: &[String]) -> bool {
        (self.exec.iter()).any(|grant| grant.container == container && matches(&grant.argv, argv))
    }
}

impl NeedsConsent {
    /// Stable name for events, conditions and metrics.
    pub fn reason(&self) -> &'static str {
        "NeedsConsent"
    }
}

impl fmt::Display for NeedsConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "plugin {} asks for what it was not granted; add to spec.grants of the Plugin, or use another one: ",
            self.plugin
        )?;
        for (place, missing) in self.missing.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{} (to {})", missing.grant, missing.why)?;
        }
        Ok(())
    }
}

pub(crate) fn port_grant(port: &str) -> String {
    format!("tcp.ports: [{port:?}]")
}

pub(crate) fn slot_grant(slot: &str) -> String {
    format!("secrets.slots: [{slot:?}]")
}

pub(crate) fn reference_grant(slot: &str) -> String {
    format!("secrets.references: [{slot:?}]")
}

pub(crate) fn config_grant(slot: &str) -> String {
    format!("config.slots: [{slot:?}]")
}

pub(crate) fn http_grant(port: &str, methods: &[String], paths: &[String]) -> String {
    format!("http: [{{port: {port:?}, methods: {methods:?}, paths: {paths:?}}}]")
}

pub(crate) fn exec_grant(container: &str, argv: &[String]) -> String {
    format!("exec: [{{container: {container:?}, argv: {argv:?}}}]")
}
