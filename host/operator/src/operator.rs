//! Putting the parts together.

use std::sync::Arc;

use stateward_runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use crate::admission;
use crate::api::Api;
use crate::apps::{Backlog, supervise};
use crate::capabilities::{Jobs, Slots};
use crate::errors::OperatorError;
use crate::events::Events;
use crate::face;
use crate::host::{Host, Settings};
use crate::metrics::{Metrics, serve};
use crate::options::Options;
use crate::plugins::{Earlier, Manager, Registry};
use crate::watch::{Index, Scope, follow_all};

/// Probes at a time, over all apps.
const PROBES: usize = 64;

/// Manages the apps of a cluster until `stop` is cancelled, then ends gracefully: hook calls in flight get a bounded time, every status is written.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), OperatorError> {
    // Everything below ends with `running`, whoever cancels it.
    let running = stop.child_token();
    // Outlives the apps, which still have something to tell when they wind down.
    let afterwards = CancellationToken::new();
    let end = begin(options, &running, &afterwards).await;
    running.cancel();
    afterwards.cancel();
    end
}

async fn begin(
    options: Options,
    running: &CancellationToken,
    afterwards: &CancellationToken,
) -> Result<(), OperatorError> {
    let api = Api::new(options.client.clone());
    let metrics = Arc::new(Metrics::new());
    let server = match options.metrics {
        Some(address) => Some(serve(address, metrics.clone(), afterwards.clone()).await?),
        None => None,
    };
    let runtime = Runtime::new(stateward_runtime::Options {
        cache: options.plugin_cache.clone(),
        ..stateward_runtime::Options::default()
    })?;
    if let Some(statefulsets) = options.statefulsets
        && !statefulsets.embedded
    {
        let namespace = options.namespace.as_deref().unwrap_or("default");
        let patience = options.patience_with_rivals;
        face::probe(&api, namespace, &options.identity, patience, running).await?;
    }
    let (events, writer) = Events::start(
        api.clone(),
        options.identity.clone(),
        options.clock.clone(),
        afterwards.clone(),
    );
    let index = Arc::new(Index::default());
    let registry = Arc::new(Registry::default());
    let (news, heard_news) = unbounded_channel();
    let (plugins, heard_plugins) = unbounded_channel();
    let host = Arc::new(Host {
        api: api.clone(),
        index: index.clone(),
        plugins: registry.clone(),
        earlier: Earlier::new(runtime.clone()),
        events: events.clone(),
        metrics: metrics.clone(),
        slots: Slots::new(api.clone()),
        jobs: Jobs::default(),
        news: news.clone(),
        probing: Semaphore::new(PROBES),
        backlog: Backlog::default(),
        clock: options.clock.clone(),
        settings: Settings {
            allow_loopback: options.allow_loopback,
            reach: options.reach,
            watch_for_rivals: (options.statefulsets).is_some_and(|face| !face.embedded),
            grace: options.grace,
        },
    });
    let manager = Manager {
        api,
        runtime,
        registry,
        index: index.clone(),
        events,
        metrics,
        news: news.clone(),
    };
    let manager = tokio::spawn(manager.run(heard_plugins, running.clone()));
    let door = match options.admission {
        Some(place) => {
            let namespace = options.namespace.as_deref();
            Some(admission::begin(place, namespace, &host, running.clone()).await?)
        }
        None => None,
    };
    let scope = Scope {
        client: options.client,
        namespace: options.namespace,
        statefulsets: options.statefulsets.is_some(),
    };
    let mut watches = follow_all(&scope, &index, &news, afterwards);
    tracing::info!(identity = %options.identity, "the operator runs");
    let end = supervise(host, heard_news, plugins, running.clone()).await;
    afterwards.cancel();
    if let Some(door) = door {
        running.cancel();
        let _ = door.await;
    }
    while watches.join_next().await.is_some() {}
    // Ends of tasks that were told to end; a panic in one was logged where it happened.
    let _ = manager.await;
    let _ = writer.await;
    if let Some(server) = server {
        let _ = server.await;
    }
    tracing::info!("the operator has ended");
    end
}
