//! A record of what happened to the pods of a namespace, in the order in which the API told it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use kube::{Api, Client};

use crate::eventually;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Created,
    Ready,
    Unready,
    Terminating,
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub pod: String,
    pub uid: String,
    pub what: What,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.pod, self.what)
    }
}

/// Watches until it is dropped.
pub struct History {
    moments: Arc<Mutex<Vec<Moment>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for History {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl History {
    pub fn watch(client: &Client, namespace: &str) -> History {
        let moments = Arc::new(Mutex::new(Vec::new()));
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let record = Arc::clone(&moments);
        let task = tokio::spawn(async move {
            let mut known = BTreeMap::new();
            let mut stream = Box::pin(watcher(pods, watcher::Config::default()));
            loop {
                match stream.try_next().await {
                    Ok(Some(event)) => note(&mut known, &record, event),
                    Ok(None) => return,
                    // The watcher starts anew by itself.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        History { moments, task }
    }

    pub fn moments(&self) -> Vec<Moment> {
        self.moments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many moments there are so far; a mark for [`History::expect_order_since`].
    pub fn mark(&self) -> usize {
        self.moments().len()
    }

    /// Fails unless these moments happened in this order (others may lie between). The watch may tell them a little later than the API's own answers.
    pub async fn expect_order(&self, wanted: &[(&str, What)]) -> Result<()> {
        self.expect_order_since(0, wanted).await
    }

    /// The same, of what happened after a mark.
    pub async fn expect_order_since(&self, mark: usize, wanted: &[(&str, What)]) -> Result<()> {
        let what: Vec<_> = wanted
            .iter()
            .map(|(pod, what)| format!("{pod} {what:?}"))
            .collect();
        eventually(
            &format!("these happened in turn: {}", what.join(", ")),
            Duration::from_secs(10),
            || async {
                let moments: Vec<_> = self.moments().into_iter().skip(mark).collect();
                let mut rest = moments.iter();
                let all = wanted.iter().all(|(pod, what)| {
                    rest.any(|moment| moment.pod == *pod && moment.what == *what)
                });
                Ok(if all {
                    Ok(())
                } else {
                    Err(moments
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", "))
                })
            },
        )
        .await
    }

    /// Fails if a pod came to life while one of the same name was not gone yet.
    pub fn expect_at_most_one(&self) -> Result<()> {
        let mut live: BTreeMap<String, String> = BTreeMap::new();
        for moment in self.moments() {
            match moment.what {
                What::Created => {
                    if let Some(other) = live.insert(moment.pod.clone(), moment.uid.clone()) {
                        bail!(
                            "{} was created as {} while {other} was not gone",
                            moment.pod,
                            moment.uid
                        );
                    }
                }
                What::Gone => {
                    live.remove(&moment.pod);
                }
                What::Ready | What::Unready | What::Terminating => {}
            }
        }
        Ok(())
    }

    /// How many pods were created.
    pub fn created(&self) -> usize {
        self.moments()
            .iter()
            .filter(|moment| moment.what == What::Created)
            .count()
    }
}

/// What is known of a pod: its UID, whether it was ready, whether it was terminating.
type Known = BTreeMap<String, (String, bool, bool)>;

fn note(known: &mut Known, record: &Mutex<Vec<Moment>>, event: watcher::Event<Pod>) {
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    let mut add = |pod: &str, uid: &str, what| {
        record.push(Moment {
            pod: pod.to_owned(),
            uid: uid.to_owned(),
            what,
        })
    };
    match event {
        watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) => {
            let name = pod.metadata.name.clone().unwrap_or_default();
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            let conditions = pod
                .status
                .as_ref()
                .and_then(|status| status.conditions.as_ref());
            let is_ready = conditions.is_some_and(|all| {
                all.iter()
                    .any(|one| one.type_ == "Ready" && one.status == "True")
            });
            let is_terminating = pod.metadata.deletion_timestamp.is_some();
            let (was_ready, was_terminating) = match known.get(&name) {
                Some((before, ready, terminating)) if *before == uid => (*ready, *terminating),
                before => {
                    if let Some((before, ..)) = before {
                        add(&name, before, What::Gone);
                    }
                    add(&name, &uid, What::Created);
                    (false, false)
                }
            };
            if is_ready != was_ready {
                add(
                    &name,
                    &uid,
                    if is_ready { What::Ready } else { What::Unready },
                );
            }
            if is_terminating && !was_terminating {
                add(&name, &uid, What::Terminating);
            }
            known.insert(name, (uid, is_ready, is_terminating));
        }
        watcher::Event::Delete(pod) => {
            let name = pod.metadata.name.unwrap_or_default();
            if let Some((uid, ..)) = known.remove(&name) {
                add(&name, &uid, What::Gone);
            }
        }
        watcher::Event::Init | watcher::Event::InitDone => {}
    }
}
