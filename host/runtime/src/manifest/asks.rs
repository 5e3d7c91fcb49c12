//! What a plugin asks for, each with its reason.

use serde::{Deserialize, Serialize};

use crate::grants::{well_formed_path, well_formed_pattern};

/// What a plugin asks for. Whatever is absent is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Asks {
    /// Byte streams to ports of members.
    pub tcp: Vec<TcpAsk>,
    /// HTTP requests to members.
    pub http: Vec<HttpAsk>,
    /// Programs in containers of members.
    pub exec: Vec<ExecAsk>,
    /// Secret values, by slot.
    pub secrets: Vec<SecretAsk>,
    /// Values from ConfigMaps, by slot.
    pub config: Vec<ConfigAsk>,
    /// Encrypted streams to whom nobody vouches for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_unverified: Option<Why>,
    /// The numbers that the manifest declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Why>,
    /// Writing of `state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Why>,
    /// Requests to the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Why>,
    /// Discarding the volumes of a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discard_volumes: Option<Why>,
    /// Events on the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Why>,
}

/// Asks for byte streams to one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpAsk {
    /// Name of a container port, or its number.
    pub port: String,
    /// What for, in plain words.
    pub why: String,
}

/// Asks for HTTP requests to one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAsk {
    /// Name of a container port, or its number.
    pub port: String,
    /// Methods, in capital letters.
    pub methods: Vec<String>,
    /// Patterns of paths without their queries: `*` is any one segment, `**` at the end any further ones.
    pub paths: Vec<String>,
    /// What for, in plain words.
    pub why: String,
}

/// Asks for programs of one shape in one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecAsk {
    /// The container.
    pub container: String,
    /// Pattern of the command line: literal elements, `*` for any one element, `**` at the end for any further ones.
    pub argv: Vec<String>,
    /// What for, in plain words.
    pub why: String,
}

/// Asks for the value of one slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretAsk {
    /// The slot, which the app's owner binds to a key of a Secret.
    pub slot: String,
    /// The host uses the value on the plugin's behalf (a password of `http`, a key of TLS), and the plugin never sees it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reference: bool,
    /// What for, in plain words.
    pub why: String,
}

/// Asks for the value of one slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigAsk {
    /// The slot, which the app's owner binds to a key of a ConfigMap.
    pub slot: String,
    /// What for, in plain words.
    pub why: String,
}

/// The reason for an ask that has no further parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// What for, in plain words.
    pub why: String,
}

impl Asks {
    /// What is wrong with them, if anything.
    pub(super) fn mistake(&self) -> Option<String> {
        for ask in &self.exec {
            if !well_formed_pattern(&ask.argv) {
                return Some(format!(
                    "asks.exec: argv {:?} must name a program, with ** only at its end",
                    ask.argv
                ));
            }
        }
        for ask in &self.http {
            if ask.methods.is_empty() || ask.paths.is_empty() {
                return Some("asks.http: methods and paths must each name at least one".to_owned());
            }
            if let Some(path) = ask.paths.iter().find(|path| !well_formed_path(path)) {
                return Some(format!(
                    "asks.http: path {path:?} must start with / and have ** only as its last segment"
                ));
            }
        }
        let mut ports = (self.tcp.iter().map(|ask| ("tcp", &ask.port)))
            .chain(self.http.iter().map(|ask| ("http", &ask.port)));
        if let Some((what, _)) = ports.find(|(_, port)| port.is_empty()) {
            return Some(format!("asks.{what}: a port is empty"));
        }
        let mut slots = (self.secrets.iter().map(|ask| ("secrets", &ask.slot)))
            .chain(self.config.iter().map(|ask| ("config", &ask.slot)));
        let (what, _) = slots.find(|(_, slot)| slot.is_empty())?;
        Some(format!("asks.{what}: a slot is empty"))
    }
}
