//! What a plugin's call can do to the world: the runtime has checked grants and budgets before any of this is reached.
//!
//! | capability | here |
//! |---|---|
//! | tcp, http | [`dial`]: the pod of that UID, at its address or through the API server, on a port of its containers |
//! | exec | [`exec`]: through the API server, as `kubectl exec` |
//! | exec.start, poll | [`jobs`]: the same, under a key that is written on the pod |
//! | secret, config | [`slots`]: the Secret or ConfigMap that the app's owner bound to the slot, in the app's namespace |
//! | metrics | the operator's own |
//! | state | through the app, the one writer of its status |
//! | events, log | on the app, and in the operator's log |

mod dial;
mod exec;
mod jobs;
mod slots;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use stateward_runtime::{
    Change, Command, Effects, ExecOutput, Failure, Job, Level, Stream, Weight,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::api::{ApiError, Collection};
use crate::apps::Message;
use crate::crd::SecretKey;
use crate::events::{self, Note, Subject};
use crate::host::Host;
use crate::options::Reach;
use crate::watch::{AppKey, AppObject, Meta, News, RawPod, SlimPod};

pub(crate) use jobs::Jobs;
pub(crate) use slots::Slots;
use slots::{Freshness, Kind};

/// The effects of one call.
pub(crate) struct CallEffects {
    host: Arc<Host>,
    app: Subject,
    key: AppKey,
    plugin: String,
    hook: &'static str,
    /// Id of the invocation; none for a probe.
    invocation: Option<String>,
    /// Those that the call may reach.
    pods: Arc<[Arc<SlimPod>]>,
    secrets: BTreeMap<String, SecretKey>,
    config: BTreeMap<String, SecretKey>,
    mailbox: UnboundedSender<Message>,
}

impl CallEffects {
    pub(crate) fn new(
        host: Arc<Host>,
        app: &AppObject,
        hook: &'static str,
        invocation: Option<String>,
        pods: Arc<[Arc<SlimPod>]>,
        mailbox: UnboundedSender<Message>,
    ) -> CallEffects {
        let bound = |field: &str| {
            let bound = app.spec.pointer(field).cloned();
            serde_json::from_value(bound.unwrap_or(Value::Null)).unwrap_or_default()
        };
        CallEffects {
            pods,
            secrets: bound("/plugin/secrets"),
            config: bound("/plugin/config"),
            key: app.key.clone(),
            app: Subject::app(&app.key, app.uid()),
            plugin: app.plugin_name().unwrap_or_default().to_owned(),
            host,
            hook,
            invocation,
            mailbox,
        }
    }

    /// A probe changes nothing, and comes all the time.
    fn freshness(&self) -> Freshness {
        match self.invocation {
            None => Freshness::Watched,
            Some(_) => Freshness::Now,
        }
    }

    /// The pod of this UID as it was when the call began.
    fn member(&self, uid: &str) -> Result<&Arc<SlimPod>, Failure> {
        let found = self.pods.iter().find(|pod| pod.uid() == uid);
        found.ok_or(Failure::Replaced)
    }

    /// The pod of this UID as it is now. A probe believes the watch; what changes something looks at the API.
    async fn pod(&self, uid: &str) -> Result<Arc<SlimPod>, Failure> {
        let member = self.member(uid)?;
        let pod = if self.invocation.is_none() {
            self.host.index.pod(&self.app.namespace, member.name())
        } else {
            self.read(member.name()).await?
        };
        pod.filter(|pod| pod.uid() == uid).ok_or(Failure::Replaced)
    }

    async fn read(&self, name: &str) -> Result<Option<Arc<SlimPod>>, Failure> {
        let read = (self.host.api).get(Collection::Pods, &self.app.namespace, name);
        match read.await {
            Ok(value) => {
                let pod = serde_json::from_value::<RawPod>(value);
                let pod = pod.map_err(|error| Failure::Other(format!("pod {name}: {error}")))?;
                Ok(Some(Arc::new(pod.into())))
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
        match self.host.settings.reach {
            Reach::Direct => dial::dial(&pod, port, self.host.settings.allow_loopback).await,
            Reach::PortForward => dial::forward(self.host.api.client(), &pod, port).await,
        }
    }

    async fn exec(&self, pod: &str, command: Command) -> Result<ExecOutput, Failure> {
        let pod = self.pod(pod).await?;
        Ok(exec::exec(self.host.api.client(), &pod, command).await?)
    }

    async fn start(&self, pod: &str, key: &str, command: Command) -> Result<Job, Failure> {
        // The marks on the pod decide: they are read anew, by a probe too.
        let member = self.member(pod)?;
        let now = self.read(member.name()).await?;
        let now = now
            .filter(|now| now.uid() == pod)
            .ok_or(Failure::Replaced)?;
        Jobs::start(&self.host, &now, key, command).await
    }

    async fn poll(&self, pod: &str, key: &str) -> Result<Job, Failure> {
        let pod = self.pod(pod).await?;
        self.host.jobs.poll(&pod, key)
    }

    async fn config(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let bound = self.config.get(slot);
        let read =
            (self.host.slots).read(&self.app, Kind::ConfigMap, slot, bound, self.freshness());
        (read.await).map_err(|error| Failure::Other(error.to_string()))
    }

    fn metric(&self, name: &str, ordinal: Option<u32>, change: Change) {
        (self.host.metrics).of_plugin(&self.key, name, ordinal, change);
    }

    fn refused(&self, grant: &str, counted: bool) {
        (self.host.metrics).grant_refused(&self.plugin, self.hook, counted);
        if counted {
            // Nobody listens any more: the operator stops.
            let _ = self.host.news.send(News::GrantCounted {
                plugin: self.plugin.clone(),
                grant: grant.to_owned(),
            });
        }
    }

    fn known_secrets(&self) -> Vec<Vec<u8>> {
        self.host.slots.known(&self.app.uid)
    }

    async fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let bound = self.secrets.get(slot);
        let read = (self.host.slots).read(&self.app, Kind::Secret, slot, bound, self.freshness());
        let found = read.await;
        if let Ok(value) = &found {
            self.host.slots.remember(&self.app.uid, value);
        }
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
        let first = self.member(pod).ok()?.containers.first()?;
        Some(first.name.clone())
    }
}
