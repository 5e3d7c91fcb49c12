//! What a plugin's call can do to the world: the runtime has checked grants and budgets before any of this is reached.
//!
//! | capability | here |
//! |---|---|
//! | tcp | [`dial`]: the pod of that UID, at its address, on a port of its containers |
//! | exec | [`exec`]: through the API server, as `kubectl exec` |
//! | secret | [`secret`]: the Secret that the app's owner bound to the slot, in the app's namespace |
//! | state | through the app, the one writer of its status |
//! | events, log | on the app, and in the operator's log |

mod dial;
mod exec;
mod secret;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use stateward_runtime::{Command, Effects, ExecOutput, Failure, Level, Stream, Weight};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::api::{ApiError, Collection};
use crate::apps::Message;
use crate::crd::SecretKey;
use crate::events::{self, Note, Subject};
use crate::host::Host;
use crate::watch::{AppObject, Meta, SlimPod};

/// A pod that a call may reach.
struct Member {
    name: String,
    first_container: Option<String>,
}

/// The effects of one call.
pub(crate) struct CallEffects {
    host: Arc<Host>,
    app: Subject,
    plugin: String,
    hook: &'static str,
    /// Id of the invocation; none for a probe.
    invocation: Option<String>,
    /// By UID.
    members: BTreeMap<String, Member>,
    secrets: BTreeMap<String, SecretKey>,
    mailbox: UnboundedSender<Message>,
}

impl CallEffects {
    pub(crate) fn new(
        host: Arc<Host>,
        app: &AppObject,
        hook: &'static str,
        invocation: Option<String>,
        pods: &[Arc<SlimPod>],
        mailbox: UnboundedSender<Message>,
    ) -> CallEffects {
        let members = pods.iter().map(|pod| {
            let first = pod.spec.containers.first();
            let member = Member {
                name: pod.name().to_owned(),
                first_container: first.map(|container| container.name.clone()),
            };
            (pod.uid().to_owned(), member)
        });
        let secrets = app.spec.pointer("/plugin/secrets").cloned();
        CallEffects {
            members: members.collect(),
            secrets: serde_json::from_value(secrets.unwrap_or(Value::Null)).unwrap_or_default(),
            app: Subject::from(app),
            plugin: app.plugin_name().unwrap_or_default().to_owned(),
            host,
            hook,
            invocation,
            mailbox,
        }
    }

    /// The pod of this UID as it is now. A probe believes the watch; what changes something looks at the API.
    async fn pod(&self, uid: &str) -> Result<Arc<SlimPod>, Failure> {
        let member = self.members.get(uid).ok_or(Failure::Replaced)?;
        let pod = if self.invocation.is_none() {
            self.host.index.pod(&self.app.namespace, &member.name)
        } else {
            self.read(&member.name).await?
        };
        pod.filter(|pod| pod.uid() == uid).ok_or(Failure::Replaced)
    }

    async fn read(&self, name: &str) -> Result<Option<Arc<SlimPod>>, Failure> {
        let read = (self.host.api).get(Collection::Pods, &self.app.namespace, name);
        match read.await {
            Ok(value) => {
                let pod = serde_json::from_value(value);
                let pod = pod.map_err(|error| Failure::Other(format!("pod {name}: {error}")))?;
                Ok(Some(Arc::new(pod)))
            }
            Err(ApiError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Failure::Other(format!("reading pod {name}: {error}"))),
        }
    }
}

#[async_trait]
impl Effects for CallEffects {
    async fn dial(&self, pod: &str, port: &str) -> Result<Box<dyn Stream>, Failure> {
        let pod = self.pod(pod).await?;
        dial::dial(&pod, port, self.host.settings.allow_loopback).await
    }

    async fn exec(&self, pod: &str, command: Command) -> Result<ExecOutput, Failure> {
        let pod = self.pod(pod).await?;
        exec::exec(self.host.api.client(), &pod, command).await
    }

    async fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let bound = self.secrets.get(slot);
        let found = secret::read(&self.host.api, &self.app, slot, bound).await;
        let message = Message::Secret {
            slot: slot.to_owned(),
            missing: found.as_ref().err().map(ToString::to_string),
        };
        // The app may be gone; then nobody needs to know.
        let _ = self.mailbox.send(message);
        found.map_err(|error| Failure::Other(error.to_string()))
    }

    async fn put_state(
        &self,
        key: &str,
        value: Vec<u8>,
        after_version: u64,
    ) -> Result<u64, Failure> {
        let (reply, answer) = oneshot::channel();
        let gone = || Failure::Other("the app is gone or the operator stops".to_owned());
        let message = Message::PutState {
            key: key.to_owned(),
            value,
            after_version,
            reply,
        };
        self.mailbox.send(message).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    fn emit(&self, weight: Weight, reason: &str, note: &str) {
        let weight = match weight {
            Weight::Normal => events::Weight::Normal,
            Weight::Warning => events::Weight::Warning,
        };
        let note = Note::new(weight, reason, note);
        self.host.events.emit(&self.app, note);
    }

    fn log(&self, level: Level, text: &str) {
        let (namespace, app) = (&self.app.namespace, &self.app.name);
        let (plugin, hook) = (&self.plugin, self.hook);
        let invocation = self.invocation.as_deref().unwrap_or_default();
        match level {
            Level::Debug => {
                tracing::debug!(%namespace, %app, %plugin, hook, invocation, "{text}");
            }
            Level::Info => tracing::info!(%namespace, %app, %plugin, hook, invocation, "{text}"),
            Level::Warn => tracing::warn!(%namespace, %app, %plugin, hook, invocation, "{text}"),
            Level::Error => tracing::error!(%namespace, %app, %plugin, hook, invocation, "{text}"),
        }
    }

    fn first_container(&self, pod: &str) -> Option<String> {
        self.members.get(pod)?.first_container.clone()
    }
}
