//! What all apps share.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc::UnboundedSender};

use crate::api::Api;
use crate::apps::Backlog;
use crate::capabilities::{Jobs, Slots};
use crate::clock::Clock;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::options::Reach;
use crate::plugins::{Earlier, Registry};
use crate::watch::{Index, News};

/// What all apps share.
pub(crate) struct Host {
    pub api: Api,
    pub index: Arc<Index>,
    pub plugins: Arc<Registry>,
    pub earlier: Earlier,
    pub events: Events,
    pub metrics: Arc<Metrics>,
    pub slots: Slots,
    pub jobs: Jobs,
    /// To the supervisor.
    pub news: UnboundedSender<News>,
    /// Probes at a time, over all apps.
    pub probing: Semaphore,
    pub backlog: Backlog,
    pub clock: Clock,
    pub settings: Settings,
}

/// The options that apps look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub allow_loopback: bool,
    pub reach: Reach,
    /// Stop managing StatefulSets when somebody else writes their status.
    pub watch_for_rivals: bool,
    pub grace: std::time::Duration,
}
