//! What plugins use and say, by app and hook.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use stateward_runtime::{Change, Usage};

use super::{Labels, app_labels};
use crate::watch::AppKey;

type Float = Gauge<f64, AtomicU64>;
type Seconds = Counter<f64, AtomicU64>;

/// Series of numbers that plugins set; further ones are not taken.
const MOST_SERIES: usize = 10_000;

/// What plugins use and say.
#[derive(Default)]
pub(super) struct PluginMetrics {
    cpu: Family<Labels, Seconds>,
    wall: Family<Labels, Seconds>,
    host_calls: Family<Labels, Counter>,
    host_bytes: Family<Labels, Counter>,
    log_bytes: Family<Labels, Counter>,
    answer_bytes: Family<Labels, Counter>,
    connections: Family<Labels, Counter>,
    memory_peak: Family<Labels, Gauge>,
    memory_denied: Family<Labels, Counter>,
    refused: Family<Labels, Counter>,
    load_seconds: Family<Labels, Float>,
    component_bytes: Family<Labels, Gauge>,
    gauges: Family<Labels, Float>,
    counters: Family<Labels, Seconds>,
    /// Series of apps, with the app they are of.
    series: Mutex<BTreeSet<(String, Labels)>>,
}

impl PluginMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let with = "by app and hook";
        let text = |what: &str| format!("{what}, {with}");
        registry.register(
            "hook_cpu_seconds",
            text("Time computing in plugins"),
            self.cpu.clone(),
        );
        registry.register(
            "hook_wall_seconds",
            text("Time of hook calls, waiting included"),
            self.wall.clone(),
        );
        registry.register(
            "hook_host_calls",
            text("Calls of host functions"),
            self.host_calls.clone(),
        );
        registry.register(
            "hook_host_bytes",
            text("Bytes through the host"),
            self.host_bytes.clone(),
        );
        registry.register(
            "hook_log_bytes",
            text("Bytes of log lines"),
            self.log_bytes.clone(),
        );
        registry.register(
            "hook_answer_bytes",
            text("Bytes of answers"),
            self.answer_bytes.clone(),
        );
        registry.register(
            "hook_connections",
            text("Connections opened"),
            self.connections.clone(),
        );
        registry.register(
            "hook_memory_peak_bytes",
            text("Most memory of one call"),
            self.memory_peak.clone(),
        );
        registry.register(
            "hook_memory_denied",
            text("Calls that wanted more memory than their limit"),
            self.memory_denied.clone(),
        );
        registry.register(
            "grant_refusals",
            "What plugins did without a grant, by plugin and hook; counted: let through",
            self.refused.clone(),
        );
        registry.register(
            "plugin_load_seconds",
            "Time of the last load, by plugin",
            self.load_seconds.clone(),
        );
        registry.register(
            "plugin_component_bytes",
            "Size of the component, by plugin",
            self.component_bytes.clone(),
        );
        registry.register(
            "plugin_gauge",
            "Numbers that plugins set",
            self.gauges.clone(),
        );
        registry.register(
            "plugin_counter",
            "Numbers that plugins add to",
            self.counters.clone(),
        );
    }

    pub(super) fn used(&self, app: &AppKey, hook: &str, usage: &Usage) {
        let mut labels = app_labels(app);
        labels.push(("hook", hook.to_owned()));
        if !self.takes(app, &labels) {
            return;
        }
        self.cpu
            .get_or_create(&labels)
            .inc_by(usage.cpu.as_secs_f64());
        self.wall
            .get_or_create(&labels)
            .inc_by(usage.wall.as_secs_f64());
        self.host_calls
            .get_or_create(&labels)
            .inc_by(usage.host_calls.into());
        self.host_bytes.get_or_create(&labels).inc_by(usage.bytes);
        self.log_bytes
            .get_or_create(&labels)
            .inc_by(usage.log_bytes as u64);
        self.answer_bytes
            .get_or_create(&labels)
            .inc_by(usage.answer_bytes as u64);
        self.connections
            .get_or_create(&labels)
            .inc_by(usage.connections.into());
        let peak = i64::try_from(usage.memory_peak).unwrap_or(i64::MAX);
        let most = self.memory_peak.get_or_create(&labels);
        most.set(most.get().max(peak));
        drop(most);
        if usage.memory_denied {
            self.memory_denied.get_or_create(&labels).inc();
        }
    }

    pub(super) fn refused(&self, plugin: &str, hook: &str, counted: bool) {
        let labels = vec![
            ("plugin", plugin.to_owned()),
            ("hook", hook.to_owned()),
            ("counted", counted.to_string()),
        ];
        self.refused.get_or_create(&labels).inc();
    }

    pub(super) fn loaded(&self, plugin: &str, seconds: f64, bytes: usize) {
        let labels = vec![("plugin", plugin.to_owned())];
        self.load_seconds.get_or_create(&labels).set(seconds);
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.component_bytes.get_or_create(&labels).set(bytes);
    }

    pub(super) fn said(&self, app: &AppKey, name: &str, ordinal: Option<u32>, change: Change) {
        let mut labels = app_labels(app);
        labels.push(("name", name.to_owned()));
        if let Some(ordinal) = ordinal {
            labels.push(("ordinal", ordinal.to_string()));
        }
        if !self.takes(app, &labels) {
            return;
        }
        match change {
            Change::Set(value) => {
                self.gauges.get_or_create(&labels).set(value);
            }
            Change::Add(value) => {
                self.counters.get_or_create(&labels).inc_by(value);
            }
        }
    }

    pub(super) fn forget(&self, app: &AppKey) {
        let app = app.to_string();
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.retain(|(of, labels)| {
            if *of != app {
                return true;
            }
            self.remove(labels);
            false
        });
    }

    fn remove(&self, labels: &Labels) {
        self.cpu.remove(labels);
        self.wall.remove(labels);
        self.host_calls.remove(labels);
        self.host_bytes.remove(labels);
        self.log_bytes.remove(labels);
        self.answer_bytes.remove(labels);
        self.connections.remove(labels);
        self.memory_peak.remove(labels);
        self.memory_denied.remove(labels);
        self.gauges.remove(labels);
        self.counters.remove(labels);
    }

    /// Whether there is room for this series.
    fn takes(&self, app: &AppKey, labels: &Labels) -> bool {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let one = (app.to_string(), labels.clone());
        if series.contains(&one) {
            return true;
        }
        series.len() < MOST_SERIES && series.insert(one)
    }
}
