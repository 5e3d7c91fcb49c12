//! What a component asks of the host while it runs, carried to the thread that holds the testkit's host and back.

use std::any::Any;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use stateward_runtime::{
    Change, Command, Effects, ExecOutput, Failure, Job, Level, Stream, Weight,
};
use stateward_sdk::{Request, Response};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::http;

type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// Something that a component asks for.
pub(super) enum Ask {
    Dial {
        pod: String,
        port: String,
        reply: Reply<DuplexStream>,
    },
    Http {
        pod: String,
        port: String,
        request: Request,
        reply: Reply<Response>,
    },
    Exec {
        pod: String,
        command: Command,
        reply: Reply<ExecOutput>,
    },
    Start {
        pod: String,
        key: String,
        command: Command,
        reply: Reply<Job>,
    },
    Poll {
        pod: String,
        key: String,
        reply: Reply<Job>,
    },
    Secret {
        slot: String,
        reply: Reply<Vec<u8>>,
    },
    Config {
        slot: String,
        reply: Reply<Vec<u8>>,
    },
    Put {
        key: String,
        value: Vec<u8>,
        after_version: u64,
        reply: Reply<u64>,
    },
    Metric(String, Option<u32>, Change),
    Event(Weight, String, String),
    Log(Level, String),
    /// The simulated host died while it served a connection.
    Died(Box<dyn Any + Send>),
}

/// The effects of a call, each sent as a question.
pub(super) struct Wires {
    asks: mpsc::UnboundedSender<Ask>,
    terms: Arc<Terms>,
}

/// What the manifest tells of members.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Ports where members speak HTTP.
    pub(super) http: Vec<String>,
    /// The container that a command without one means.
    pub(super) container: Option<String>,
}

impl Wires {
    pub(super) fn new(terms: Arc<Terms>) -> (Arc<Wires>, Asks) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let asks = sender.clone();
        let wires = Arc::new(Wires { asks, terms });
        (wires, Asks { receiver, sender })
    }

    async fn ask<T>(&self, question: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Failure> {
        ask(&self.asks, question).await
    }

    fn tell(&self, what: Ask) {
        // Whoever is gone need not hear it.
        self.asks.send(what).ok();
    }
}

/// Asks the thread that holds the host.
pub(super) async fn ask<T>(
    asks: &mpsc::UnboundedSender<Ask>,
    question: impl FnOnce(Reply<T>) -> Ask,
) -> Result<T, Failure> {
    let (reply, answer) = oneshot::channel();
    let gone = || Failure::Other("the host is gone".to_owned());
    asks.send(question(reply)).map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

#[async_trait]
impl Effects for Wires {
    async fn dial(&self, pod: &str, port: &str) -> Result<Box<dyn Stream>, Failure> {
        let (pod, port) = (pod.to_owned(), port.to_owned());
        if self.terms.http.contains(&port) {
            let asks = self.asks.clone();
            return Ok(Box::new(http::served(move |request| {
                let (asks, pod, port) = (asks.clone(), pod.clone(), port.clone());
                async move {
                    ask(&asks, |reply| Ask::Http {
                        pod,
                        port,
                        request,
                        reply,
                    })
                    .await
                }
            })));
        }
        let stream = self.ask(|reply| Ask::Dial { pod, port, reply }).await?;
        Ok(Box::new(stream))
    }

    async fn start(&self, pod: &str, key: &str, command: Command) -> Result<Job, Failure> {
        let (pod, key) = (pod.to_owned(), key.to_owned());
        self.ask(|reply| Ask::Start {
            pod,
            key,
            command,
            reply,
        })
        .await
    }

    async fn poll(&self, pod: &str, key: &str) -> Result<Job, Failure> {
        let (pod, key) = (pod.to_owned(), key.to_owned());
        self.ask(|reply| Ask::Poll { pod, key, reply }).await
    }

    async fn config(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let slot = slot.to_owned();
        self.ask(|reply| Ask::Config { slot, reply }).await
    }

    fn metric(&self, name: &str, ordinal: Option<u32>, change: Change) {
        self.tell(Ask::Metric(name.to_owned(), ordinal, change));
    }

    async fn exec(&self, pod: &str, command: Command) -> Result<ExecOutput, Failure> {
        let pod = pod.to_owned();
        self.ask(|reply| Ask::Exec {
            pod,
            command,
            reply,
        })
        .await
    }

    async fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let slot = slot.to_owned();
        self.ask(|reply| Ask::Secret { slot, reply }).await
    }

    async fn put_state(
        &self,
        key: &str,
        value: Vec<u8>,
        after_version: u64,
    ) -> Result<u64, Failure> {
        let key = key.to_owned();
        self.ask(|reply| Ask::Put {
            key,
            value,
            after_version,
            reply,
        })
        .await
    }

    fn emit(&self, weight: Weight, reason: &str, note: &str) {
        self.tell(Ask::Event(weight, reason.to_owned(), note.to_owned()));
    }

    fn log(&self, level: Level, text: &str) {
        self.tell(Ask::Log(level, text.to_owned()));
    }

    fn first_container(&self, _pod: &str) -> Option<String> {
        self.terms.container.clone()
    }
}

/// The questions of one call.
pub(super) struct Asks {
    receiver: mpsc::UnboundedReceiver<Ask>,
    sender: mpsc::UnboundedSender<Ask>,
}

/// A question, with the way back for what happens on its connection.
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) died: mpsc::UnboundedSender<Ask>,
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Runs a call to its end on this thread.
pub(super) fn drive<T>(
    call: impl Future<Output = T>,
    asks: Asks,
    mut serve: impl FnMut(Asked),
) -> Result<T, String> {
    let runtime = runtime().map_err(|error| error.to_string())?;
    let Asks {
        mut receiver,
        sender,
    } = asks;
    Ok(LocalSet::new().block_on(&runtime, async move {
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                biased;
                Some(ask) = receiver.recv() => serve(Asked { ask, died: sender.clone() }),
                answer = &mut call => {
                    while let Ok(ask) = receiver.try_recv() {
                        serve(Asked { ask, died: sender.clone() });
                    }
                    return answer;
                }
            }
        }
    }))
}

/// Runs a call that asks for nothing.
pub(super) fn alone<T>(call: impl Future<Output = T>) -> Result<T, String> {
    let runtime = runtime().map_err(|error| error.to_string())?;
    Ok(runtime.block_on(call))
}
