//! What of a spec is about to change, in a few words.

use stateward_planner::Spec;
use stateward_planner::spec::{PodManagement, UpdateStrategy};

/// One sentence per difference; empty when both say the same.
pub(crate) fn between(present: &Spec, wanted: &Spec) -> Vec<String> {
    let mut changes = Vec::new();
    let mut differ = |what: &str, before: String, after: String| {
        if before != after {
            changes.push(format!("{what} {before} → {after}"));
        }
    };
    differ(
        "replicas",
        present.replicas.to_string(),
        wanted.replicas.to_string(),
    );
    differ(
        "first ordinal",
        present.start.to_string(),
        wanted.start.to_string(),
    );
    differ(
        "update strategy",
        update(&present.update),
        update(&wanted.update),
    );
    differ(
        "pod management",
        management(present.pod_management).to_owned(),
        management(wanted.pod_management).to_owned(),
    );
    differ(
        "minReadySeconds",
        present.min_ready_seconds.to_string(),
        wanted.min_ready_seconds.to_string(),
    );
    let mut changed = |what: &str, is_changed: bool| {
        if is_changed {
            changes.push(format!("another {what}"));
        }
    };
    changed("pod template", present.template != wanted.template);
    changed(
        "set of claim templates",
        present.claim_templates != wanted.claim_templates,
    );
    changed(
        "retention policy of claims",
        present.retention != wanted.retention,
    );
    changed("service", present.service_name != wanted.service_name);
    changed("selector", present.selector != wanted.selector);
    changes
}

fn update(strategy: &UpdateStrategy) -> String {
    match strategy {
        UpdateStrategy::RollingUpdate { partition: 0, .. } => "RollingUpdate".to_owned(),
        UpdateStrategy::RollingUpdate { partition, .. } => {
            format!("RollingUpdate from ordinal {partition} on")
        }
        UpdateStrategy::OnDelete => "OnDelete".to_owned(),
        UpdateStrategy::Recreate => "Recreate".to_owned(),
    }
}

fn management(management: PodManagement) -> &'static str {
    match management {
        PodManagement::OrderedReady => "OrderedReady",
        PodManagement::Parallel => "Parallel",
    }
}
