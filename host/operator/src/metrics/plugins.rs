//! What plugins use, and numbers that they set.

mod series;
mod usage;

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use stateward_runtime::{Change, Loading, Usage};

use super::{Labels, app_labels};
use crate::watch::AppKey;
use series::Series;
use usage::UsageMetrics;

type Float = Gauge<f64, AtomicU64>;
type Seconds = Counter<f64, AtomicU64>;

/// What plugins use, and numbers that they set.
#[derive(Default)]
pub(super) struct PluginMetrics {
    usage: UsageMetrics,
    refused: Family<Labels, Counter>,
    load_seconds: Family<Labels, Float>,
    component_bytes: Family<Labels, Gauge>,
    figures: Family<Labels, Float>,
    gauges: Family<Labels, Float>,
    counters: Family<Labels, Seconds>,
    dropped: Family<Labels, Counter>,
    series: Series,
}

impl PluginMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        self.usage.register(registry);
        registry.register(
            "grant_refusals",
            "What plugins did without a grant, by plugin and hook; counted: let through",
            self.refused.clone(),
        );
        registry.register(
            "plugin_load_seconds",
            "Time of the last load, by plugin; compiled: now, not taken from the cache",
            self.load_seconds.clone(),
        );
        registry.register(
            "plugin_component_bytes",
            "Size of the component, by plugin",
            self.component_bytes.clone(),
        );
        registry.register(
            "probe_figure",
            "Figures that probes report",
            self.figures.clone(),
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
        registry.register(
            "plugin_numbers_dropped",
            "Numbers of plugins that were not taken, because their app has too many series",
            self.dropped.clone(),
        );
    }

    pub(super) fn used(&self, app: &AppKey, hook: &str, usage: &Usage) {
        self.usage.used(app, hook, usage);
    }

    pub(super) fn refused(&self, plugin: &str, hook: &str, counted: bool) {
        let labels = vec![
            ("plugin", plugin.to_owned()),
            ("hook", hook.to_owned()),
            ("counted", counted.to_string()),
        ];
        self.refused.get_or_create(&labels).inc();
    }

    pub(super) fn loaded(&self, plugin: &str, loading: &Loading) {
        let mut labels = vec![("plugin", plugin.to_owned())];
        let bytes = i64::try_from(loading.bytes).unwrap_or(i64::MAX);
        self.component_bytes.get_or_create(&labels).set(bytes);
        labels.push(("compiled", loading.compiled.to_string()));
        let seconds = loading.took.as_secs_f64();
        self.load_seconds.get_or_create(&labels).set(seconds);
    }

    /// Whether a member is healthy: the host's own series, which no flood of figures keeps out.
    pub(super) fn healthy(&self, app: &AppKey, ordinal: u32, is_healthy: bool) {
        let labels = figure_labels(app, ordinal, "healthy");
        self.series.keep(app, &labels);
        let value = if is_healthy { 1.0 } else { 0.0 };
        self.figures.get_or_create(&labels).set(value);
    }

    /// A probe reported a figure.
    pub(super) fn figure(&self, app: &AppKey, ordinal: u32, name: &str, value: f64) {
        let labels = figure_labels(app, ordinal, name);
        if self.takes(app, &labels) {
            self.figures.get_or_create(&labels).set(value);
        }
    }

    /// A plugin sets a number of its own, or adds to it.
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
        self.usage.forget(app);
        self.dropped.remove(&app_labels(app));
        for labels in self.series.forget(app) {
            self.figures.remove(&labels);
            self.gauges.remove(&labels);
            self.counters.remove(&labels);
        }
    }

    /// Whether the app has room for this series of its plugin. That it has none is counted.
    fn takes(&self, app: &AppKey, labels: &Labels) -> bool {
        let is_taken = self.series.take(app, labels);
        if !is_taken {
            self.dropped.get_or_create(&app_labels(app)).inc();
        }
        is_taken
    }
}

fn figure_labels(app: &AppKey, ordinal: u32, name: &str) -> Labels {
    let mut labels = app_labels(app);
    labels.push(("ordinal", ordinal.to_string()));
    labels.push(("figure", name.to_owned()));
    labels
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn compiling_and_loading_from_the_cache_are_told_apart() {
        let metrics = PluginMetrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        for (seconds, compiled) in [(7, true), (1, false)] {
            let loading = Loading {
                bytes: 300,
                took: Duration::from_secs(seconds),
                compiled,
            };
            metrics.loaded("mysql", &loading);
        }
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "plugin_load_seconds{plugin=\"mysql\",compiled=\"true\"} 7.0",
            "plugin_load_seconds{plugin=\"mysql\",compiled=\"false\"} 1.0",
            "plugin_component_bytes{plugin=\"mysql\"} 300",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}: {text}");
        }
    }
}
