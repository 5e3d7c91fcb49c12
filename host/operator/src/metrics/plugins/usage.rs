//! What hook calls use, by app and hook. An app has one series for each hook, whatever its plugin does.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use stateward_runtime::Usage;

use super::{Labels, Seconds};
use crate::metrics::app_labels;
use crate::watch::AppKey;

/// What hook calls use.
#[derive(Default)]
pub(super) struct UsageMetrics {
    cpu: Family<Labels, Seconds>,
    wall: Family<Labels, Seconds>,
    host_calls: Family<Labels, Counter>,
    host_bytes: Family<Labels, Counter>,
    log_lines: Family<Labels, Counter>,
    log_bytes: Family<Labels, Counter>,
    events: Family<Labels, Counter>,
    requests: Family<Labels, Counter>,
    answer_bytes: Family<Labels, Counter>,
    checkpoint_peak: Family<Labels, Gauge>,
    connections: Family<Labels, Counter>,
    connections_peak: Family<Labels, Gauge>,
    handles_peak: Family<Labels, Gauge>,
    memory_peak: Family<Labels, Gauge>,
    memory_denied: Family<Labels, Counter>,
    /// Apps and hooks that have series.
    known: Mutex<BTreeSet<Labels>>,
}

impl UsageMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let text = |what: &str| format!("{what}, by app and hook");
        for (name, what, family) in [
            ("hook_cpu_seconds", "Time computing in plugins", &self.cpu),
            (
                "hook_wall_seconds",
                "Time of hook calls, waiting included",
                &self.wall,
            ),
        ] {
            registry.register(name, text(what), family.clone());
        }
        for (name, what, family) in [
            (
                "hook_host_calls",
                "Calls of host functions",
                &self.host_calls,
            ),
            (
                "hook_host_bytes",
                "Bytes through the host",
                &self.host_bytes,
            ),
            (
                "hook_log_lines",
                "Log lines, dropped ones included",
                &self.log_lines,
            ),
            (
                "hook_log_bytes",
                "Bytes of log lines, dropped ones included",
                &self.log_bytes,
            ),
            ("hook_events", "Events of plugins", &self.events),
            ("hook_requests", "Requests to the host", &self.requests),
            ("hook_answer_bytes", "Bytes of answers", &self.answer_bytes),
            ("hook_connections", "Connections opened", &self.connections),
            (
                "hook_memory_denied",
                "Calls that wanted more memory than their limit",
                &self.memory_denied,
            ),
        ] {
            registry.register(name, text(what), family.clone());
        }
        for (name, what, family) in [
            (
                "hook_checkpoint_peak_bytes",
                "Largest checkpoint of one call",
                &self.checkpoint_peak,
            ),
            (
                "hook_connections_peak",
                "Most connections of one call that were open at a time",
                &self.connections_peak,
            ),
            (
                "hook_handles_peak",
                "Most handles to resources that one call held at a time",
                &self.handles_peak,
            ),
            (
                "hook_memory_peak_bytes",
                "Most memory of one call",
                &self.memory_peak,
            ),
        ] {
            registry.register(name, text(what), family.clone());
        }
    }

    pub(super) fn used(&self, app: &AppKey, hook: &str, usage: &Usage) {
        let mut labels = app_labels(app);
        labels.push(("hook", hook.to_owned()));
        self.known().insert(labels.clone());
        for (family, seconds) in [
            (&self.cpu, usage.cpu.as_secs_f64()),
            (&self.wall, usage.wall.as_secs_f64()),
        ] {
            family.get_or_create(&labels).inc_by(seconds);
        }
        for (family, count) in [
            (&self.host_calls, u64::from(usage.host_calls)),
            (&self.host_bytes, usage.bytes),
            (&self.log_lines, usage.log_lines.into()),
            (&self.log_bytes, usage.log_bytes as u64),
            (&self.events, usage.events.into()),
            (&self.requests, usage.requests.into()),
            (&self.answer_bytes, usage.answer_bytes as u64),
            (&self.connections, usage.connections.into()),
            (&self.memory_denied, usage.memory_denied.into()),
        ] {
            family.get_or_create(&labels).inc_by(count);
        }
        for (family, now) in [
            (&self.checkpoint_peak, i64::try_from(usage.checkpoint_bytes)),
            (&self.connections_peak, Ok(usage.connections_peak.into())),
            (&self.handles_peak, Ok(usage.handles_peak.into())),
            (&self.memory_peak, i64::try_from(usage.memory_peak)),
        ] {
            let most = family.get_or_create(&labels);
            most.set(most.get().max(now.unwrap_or(i64::MAX)));
        }
    }

    pub(super) fn forget(&self, app: &AppKey) {
        let of = app_labels(app);
        self.known().retain(|labels| {
            if !labels.starts_with(&of) {
                return true;
            }
            self.remove(labels);
            false
        });
    }

    fn remove(&self, labels: &Labels) {
        for family in [&self.cpu, &self.wall] {
            family.remove(labels);
        }
        for family in [
            &self.host_calls,
            &self.host_bytes,
            &self.log_lines,
            &self.log_bytes,
            &self.events,
            &self.requests,
            &self.answer_bytes,
            &self.connections,
            &self.memory_denied,
        ] {
            family.remove(labels);
        }
        for family in [
            &self.checkpoint_peak,
            &self.connections_peak,
            &self.handles_peak,
            &self.memory_peak,
        ] {
            family.remove(labels);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<Labels>> {
        // A set cannot be left half-changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
