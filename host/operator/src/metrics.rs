//! Figures for Prometheus, and the endpoints that serve them.

mod plugins;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

pub(crate) use server::serve;

use plugins::PluginMetrics;

use stateward_runtime::{Change, Figure, Loading, Usage};

use crate::watch::AppKey;

type Labels = Vec<(&'static str, String)>;

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    is_ready: AtomicBool,
    reconciles: Family<Labels, Counter>,
    reconcile_seconds: Histogram,
    steps: Family<Labels, Counter>,
    hook_calls: Family<Labels, Counter>,
    hook_seconds: Family<Labels, Histogram>,
    status_writes: Family<Labels, Counter>,
    reviews: Family<Labels, Counter>,
    waiting: Family<Labels, Gauge>,
    apps: Gauge,
    plugins: PluginMetrics,
    /// Series of an app, to be removed with it.
    of_app: Mutex<BTreeMap<String, OfApp>>,
}

#[derive(Default)]
struct OfApp {
    waiting: Vec<Labels>,
    hook_calls: BTreeSet<Labels>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let seconds = || Histogram::new(exponential_buckets(0.0001, 4.0, 10));
        let mut metrics = Metrics {
            registry: Registry::with_prefix("stateward"),
            is_ready: AtomicBool::new(false),
            reconciles: Family::default(),
            reconcile_seconds: seconds(),
            steps: Family::default(),
            hook_calls: Family::default(),
            hook_seconds: Family::new_with_constructor(seconds),
            status_writes: Family::default(),
            reviews: Family::default(),
            waiting: Family::default(),
            apps: Gauge::default(),
            plugins: PluginMetrics::default(),
            of_app: Mutex::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "reconciles",
            "Plans made, by kind of app",
            metrics.reconciles.clone(),
        );
        registry.register(
            "reconcile_seconds",
            "Time from a change to the end of its writes",
            metrics.reconcile_seconds.clone(),
        );
        registry.register(
            "steps",
            "Steps carried out, by kind and result",
            metrics.steps.clone(),
        );
        registry.register(
            "hook_calls",
            "Calls of hooks, by app, hook and result",
            metrics.hook_calls.clone(),
        );
        registry.register(
            "hook_call_seconds",
            "Duration of hook calls",
            metrics.hook_seconds.clone(),
        );
        registry.register(
            "status_writes",
            "Writes of apps' status, by result",
            metrics.status_writes.clone(),
        );
        registry.register(
            "admission_reviews",
            "StatefulApps that were judged at admission, by result",
            metrics.reviews.clone(),
        );
        registry.register(
            "waiting",
            "What apps wait for, by owner and reason",
            metrics.waiting.clone(),
        );
        registry.register("apps", "Apps that are managed", metrics.apps.clone());
        metrics.plugins.register(registry);
        metrics
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// All watches have listed what there is.
    pub(crate) fn ready(&self) {
        self.is_ready.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::SeqCst)
    }

    pub(crate) fn apps(&self, count: usize) {
        self.apps.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(crate) fn reconciled(&self, app: &AppKey, took: Duration) {
        let labels = vec![("kind", app.kind().to_owned())];
        self.reconciles.get_or_create(&labels).inc();
        self.reconcile_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn step(&self, step: &str, result: &str) {
        let labels = vec![("step", step.to_owned()), ("result", result.to_owned())];
        self.steps.get_or_create(&labels).inc();
    }

    pub(crate) fn hook_called(&self, app: &AppKey, hook: &str, result: &str, took: Duration) {
        let mut labels = app_labels(app);
        labels.push(("hook", hook.to_owned()));
        labels.push(("result", result.to_owned()));
        self.hook_calls.get_or_create(&labels).inc();
        self.of_app(app, |series| series.hook_calls.insert(labels));
        let labels = vec![("hook", hook.to_owned())];
        let seconds = self.hook_seconds.get_or_create(&labels);
        seconds.observe(took.as_secs_f64());
    }

    /// What a call has used.
    pub(crate) fn hook_used(&self, app: &AppKey, hook: &str, usage: &Usage) {
        self.plugins.used(app, hook, usage);
    }

    /// A plugin sets or adds to a number of its own.
    pub(crate) fn of_plugin(&self, app: &AppKey, name: &str, ordinal: Option<u32>, to: Change) {
        self.plugins.said(app, name, ordinal, to);
    }

    /// A plugin did what it is not granted.
    pub(crate) fn grant_refused(&self, plugin: &str, hook: &str, counted: bool) {
        self.plugins.refused(plugin, hook, counted);
    }

    /// A plugin was loaded.
    pub(crate) fn plugin_loaded(&self, plugin: &str, loading: &Loading) {
        self.plugins.loaded(plugin, loading);
    }

    pub(crate) fn status_written(&self, result: &str) {
        let labels = vec![("result", result.to_owned())];
        self.status_writes.get_or_create(&labels).inc();
    }

    /// A StatefulApp was judged at admission.
    pub(crate) fn reviewed(&self, result: &str) {
        let labels = vec![("result", result.to_owned())];
        self.reviews.get_or_create(&labels).inc();
    }

    /// What an app waits for now, as owner and reason.
    pub(crate) fn waiting(&self, app: &AppKey, entries: impl Iterator<Item = (String, String)>) {
        let mut counts: BTreeMap<Labels, i64> = BTreeMap::new();
        for (owner, reason) in entries {
            let mut labels = app_labels(app);
            labels.push(("owner", owner));
            labels.push(("reason", reason));
            *counts.entry(labels).or_insert(0) += 1;
        }
        self.of_app(app, |series| {
            for labels in series.waiting.drain(..) {
                if !counts.contains_key(&labels) {
                    self.waiting.remove(&labels);
                }
            }
            for (labels, count) in counts {
                self.waiting.get_or_create(&labels).set(count);
                series.waiting.push(labels);
            }
        });
    }

    /// What a probe found of a member: whether it is healthy, and the plugin's figures.
    pub(crate) fn probed(&self, app: &AppKey, ordinal: u32, is_healthy: bool, figures: &[Figure]) {
        for figure in figures {
            self.plugins
                .figure(app, ordinal, &figure.name, figure.value);
        }
        // After them: a plugin's own figure of this name does not count.
        self.plugins.healthy(app, ordinal, is_healthy);
    }

    /// The app is gone.
    pub(crate) fn forget(&self, app: &AppKey) {
        self.plugins.forget(app);
        let mut of_app = self.of_app.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(series) = of_app.remove(&app.to_string()) else {
            return;
        };
        for labels in series.waiting {
            self.waiting.remove(&labels);
        }
        for labels in series.hook_calls {
            self.hook_calls.remove(&labels);
        }
    }

    fn of_app<T>(&self, app: &AppKey, change: impl FnOnce(&mut OfApp) -> T) -> T {
        let mut of_app = self.of_app.lock().unwrap_or_else(PoisonError::into_inner);
        change(of_app.entry(app.to_string()).or_default())
    }
}

fn app_labels(app: &AppKey) -> Labels {
    vec![
        ("namespace", app.namespace.clone()),
        ("app", app.name.clone()),
    ]
}
