//! What a plugin says about itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a plugin says about itself: its name, what it asks for and why, its roles, the schema of its settings. The host runs it once, when the
/// plugin is loaded, and compares what is asked with what was granted.
///
/// ```
/// use stateward_sdk::{Manifest, Role};
///
/// let manifest = Manifest::new("ring", env!("CARGO_PKG_VERSION"))
///     .tcp("admin", "ask a member whether it has handed its data over")
///     .exec("ring", ["ringctl", "*"], "start the handing over")
///     .role(Role::exclusive("leader").movable());
/// assert!(manifest.to_json().contains("\"exclusive\":true"));
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    name: String,
    version: String,
    #[serde(default)]
    sdk: String,
    #[serde(default)]
    pub(crate) asks: Asks,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    lanes: Lanes,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<TaskEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Metric>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Asks {
    #[serde(default)]
    pub(crate) tcp: Vec<TcpAsk>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) http: Vec<HttpAsk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_unverified: Option<Why>,
    #[serde(default)]
    pub(crate) exec: Vec<ExecAsk>,
    #[serde(default)]
    pub(crate) secrets: Vec<SecretAsk>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) config: Vec<SecretAsk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<Why>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<Why>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<Why>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) discard_volumes: Option<Why>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<Why>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct HttpAsk {
    pub(crate) port: String,
    pub(crate) methods: Vec<String>,
    pub(crate) paths: Vec<String>,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Metric {
    name: String,
    kind: String,
    help: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct TaskEntry {
    name: String,
    why: String,
    #[serde(default, skip_serializing_if = "is_false")]
    after_scale: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct TcpAsk {
    pub(crate) port: String,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct ExecAsk {
    pub(crate) container: String,
    pub(crate) argv: Vec<String>,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct SecretAsk {
    pub(crate) slot: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) reference: bool,
    why: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct Why {
    why: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Lanes {
    #[serde(default)]
    post_ready_overlaps: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pre_scale_overlaps: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    failover_interrupts: bool,
}

/// A role that members can have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Role {
    name: String,
    #[serde(default)]
    exclusive: bool,
    #[serde(default)]
    movable: bool,
    #[serde(rename = "grace-seconds", skip_serializing_if = "Option::is_none")]
    grace_seconds: Option<u32>,
}

impl Role {
    /// A role that any number of members can have.
    pub fn shared(name: impl Into<String>) -> Role {
        Role {
            name: name.into(),
            exclusive: false,
            movable: false,
            grace_seconds: None,
        }
    }

    /// A role that at most one member has. The host keeps who, as a claim with an epoch.
    pub fn exclusive(name: impl Into<String>) -> Role {
        Role {
            exclusive: true,
            ..Role::shared(name)
        }
    }

    /// The host has it moved away (`move_role`, cause `failed`) when its holder was unhealthy for so long; without it, after 30 s. A holder that is
    /// gone has failed at once.
    pub fn grace(self, time: std::time::Duration) -> Role {
        Role {
            grace_seconds: Some(u32::try_from(time.as_secs()).unwrap_or(u32::MAX)),
            ..self
        }
    }

    /// `move_role` can move it: the host has it moved before it deletes its holder.
    pub fn movable(self) -> Role {
        Role {
            movable: true,
            ..self
        }
    }
}

impl Manifest {
    /// A plugin of this name (a DNS label) and version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Manifest {
        Manifest {
            name: name.into(),
            version: version.into(),
            sdk: crate::VERSION.to_owned(),
            asks: Asks::default(),
            roles: Vec::new(),
            lanes: Lanes::default(),
            tasks: Vec::new(),
            metrics: Vec::new(),
            settings: None,
        }
    }

    /// Asks for byte streams to this port of members: the name of a container port, or its number.
    pub fn tcp(mut self, port: impl Into<String>, why: impl Into<String>) -> Manifest {
        self.asks.tcp.push(TcpAsk {
            port: port.into(),
            why: why.into(),
        });
        self
    }

    /// Asks for HTTP requests to this port of members: with these methods, to paths of these patterns. `*` in a path stands for any one segment, `**` as
    /// its last for any further ones; its query does not count.
    pub fn http<'a>(
        mut self,
        port: impl Into<String>,
        methods: impl IntoIterator<Item = &'a str>,
        paths: impl IntoIterator<Item = &'a str>,
        why: impl Into<String>,
    ) -> Manifest {
        self.asks.http.push(HttpAsk {
            port: port.into(),
            methods: methods.into_iter().map(str::to_owned).collect(),
            paths: paths.into_iter().map(str::to_owned).collect(),
            why: why.into(),
        });
        self
    }

    /// Asks to accept any certificate under TLS.
    pub fn tls_unverified(mut self, why: impl Into<String>) -> Manifest {
        self.asks.tls_unverified = Some(Why { why: why.into() });
        self
    }

    /// Asks to run programs in this container. Each element of the pattern is literal, or `*` for any one element; `**` at the end stands for any
    /// further ones.
    pub fn exec<'a>(
        mut self,
        container: impl Into<String>,
        argv: impl IntoIterator<Item = &'a str>,
        why: impl Into<String>,
    ) -> Manifest {
        self.asks.exec.push(ExecAsk {
            container: container.into(),
            argv: argv.into_iter().map(str::to_owned).collect(),
            why: why.into(),
        });
        self
    }

    /// Asks for the secret value that the app's owner binds to this slot.
    pub fn secret(mut self, slot: impl Into<String>, why: impl Into<String>) -> Manifest {
        self.asks.secrets.push(SecretAsk {
            slot: slot.into(),
            reference: false,
            why: why.into(),
        });
        self
    }

    /// Asks that the host uses the secret value of this slot for the plugin, which never sees it: a key of [TLS](crate::Tls), the password of an HTTP
    /// [request](crate::Credentials).
    pub fn secret_reference(mut self, slot: impl Into<String>, why: impl Into<String>) -> Manifest {
        self.asks.secrets.push(SecretAsk {
            slot: slot.into(),
            reference: true,
            why: why.into(),
        });
        self
    }

    /// Asks for the value that the app's owner binds to this slot from a ConfigMap.
    pub fn config(mut self, slot: impl Into<String>, why: impl Into<String>) -> Manifest {
        self.asks.config.push(SecretAsk {
            slot: slot.into(),
            reference: false,
            why: why.into(),
        });
        self
    }

    /// Asks to set the numbers that are declared with [`gauge`](Manifest::gauge) and [`counter`](Manifest::counter), besides the figures of `probe`.
    pub fn metrics(mut self, why: impl Into<String>) -> Manifest {
        self.asks.metrics = Some(Why { why: why.into() });
        self
    }

    /// Sets a number of this name that goes up and down. Its name has small letters, digits and `_`.
    pub fn gauge(self, name: impl Into<String>, help: impl Into<String>) -> Manifest {
        self.metric("gauge", name.into(), help.into())
    }

    /// Raises a number of this name that only grows.
    pub fn counter(self, name: impl Into<String>, help: impl Into<String>) -> Manifest {
        self.metric("counter", name.into(), help.into())
    }

    fn metric(mut self, kind: &str, name: String, help: String) -> Manifest {
        let kind = kind.to_owned();
        self.metrics.push(Metric { name, kind, help });
        self
    }

    /// Asks to discard the volumes of members.
    pub fn discard_volumes(mut self, why: impl Into<String>) -> Manifest {
        self.asks.discard_volumes = Some(Why { why: why.into() });
        self
    }

    /// Asks to store facts of the app.
    pub fn state(mut self, why: impl Into<String>) -> Manifest {
        self.asks.state = Some(Why { why: why.into() });
        self
    }

    /// Asks to claim and release roles, and to have pods replaced or members kept away.
    pub fn requests(mut self, why: impl Into<String>) -> Manifest {
        self.asks.requests = Some(Why { why: why.into() });
        self
    }

    /// Asks to emit events on the app.
    pub fn events(mut self, why: impl Into<String>) -> Manifest {
        self.asks.events = Some(Why { why: why.into() });
        self
    }

    /// Has this role.
    pub fn role(mut self, role: Role) -> Manifest {
        self.roles.push(role);
        self
    }

    /// `post_ready` of a member may run while another act hook runs for the app, `move_role` excepted. Without it, one act hook runs at a time.
    pub fn post_ready_overlaps(mut self) -> Manifest {
        self.lanes.post_ready_overlaps = true;
        self
    }

    /// `pre_scale` of several members may run at once where the app's `podManagementPolicy` is `Parallel`. For plugins that judge each step by itself; without it, each
    /// step is judged after the one before.
    pub fn pre_scale_overlaps(mut self) -> Manifest {
        self.lanes.pre_scale_overlaps = true;
        self
    }

    /// `move_role` with the cause `failed` cuts a running call of another hook short, instead of waiting for its end.
    pub fn failover_interrupts(mut self) -> Manifest {
        self.lanes.failover_interrupts = true;
        self
    }

    /// Knows this job: `task` runs it when a user starts it, or a probe [wants](crate::Report::wants) it. `why` is for the users.
    pub fn task(mut self, name: impl Into<String>, why: impl Into<String>) -> Manifest {
        self.tasks.push(TaskEntry {
            name: name.into(),
            why: why.into(),
            after_scale: false,
        });
        self
    }

    /// Knows this job, and the host also starts it after each finished scale.
    pub fn task_after_scale(mut self, name: impl Into<String>, why: impl Into<String>) -> Manifest {
        self.tasks.push(TaskEntry {
            name: name.into(),
            why: why.into(),
            after_scale: true,
        });
        self
    }

    /// The JSON schema of `spec.plugin.settings`.
    pub fn settings(mut self, schema: Value) -> Manifest {
        self.settings = Some(schema);
        self
    }

    /// The declared metrics of this kind.
    pub(crate) fn metrics_of(&self, kind: &str) -> Vec<String> {
        let declared = self.metrics.iter().filter(|metric| metric.kind == kind);
        declared.map(|metric| metric.name.clone()).collect()
    }

    pub(crate) fn exclusive_roles(&self) -> Vec<String> {
        self.roles
            .iter()
            .filter(|role| role.exclusive)
            .map(|role| role.name.clone())
            .collect()
    }

    /// The manifest of a component, as the host reads it.
    pub fn from_json(text: &str) -> Result<Manifest, String> {
        serde_json::from_str(text).map_err(|error| format!("the manifest cannot be read: {error}"))
    }

    /// As the host reads it.
    pub fn to_json(&self) -> String {
        // A manifest holds nothing that JSON cannot; an empty text is refused by the host.
        serde_json::to_string(self).unwrap_or_default()
    }
}
