//! Upstream's own end-to-end tests of StatefulSets, with our controller in upstream's place: on a real control plane, with our
//! nodes. The suite talks to the controller only through the API.
//!
//! docs/statefulset-e2e.md holds a line for every spec with what is known of it; what is seen has to agree.
//! `STATEWARD_E2E_CONTROLLER=upstream` runs them with upstream's controller instead, against the table's other column.

mod run;
mod table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Api;
use kube::api::PostParams;
use kube::runtime::wait::await_condition;
use serde_json::json;
use stateward_controlplane::{Built, ControlPlane, NodeProgram, Options, Program, built};
use stateward_tests::bed::{self, stateward};
use stateward_tests::workspace;

use run::{Suite, tell};
use table::{Known, Table};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Controller {
    Upstream,
    Stateward,
}

impl Controller {
    fn chosen() -> Result<Self> {
        match std::env::var("STATEWARD_E2E_CONTROLLER").as_deref() {
            Ok("upstream") => Ok(Self::Upstream),
            Ok("stateward") | Err(_) => Ok(Self::Stateward),
            Ok(other) => bail!("STATEWARD_E2E_CONTROLLER is {other:?}; upstream or stateward"),
        }
    }

    fn options(self) -> Options {
        let options = Options::default().feature_gate("StatefulSetRecreateStrategy", true);
        match self {
            Self::Upstream => options,
            Self::Stateward => options.without_statefulset_controller(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spec_of_the_suite_ends_as_the_table_says() -> Result<()> {
    let controller = Controller::chosen()?;
    let table = Table::read(&workspace().join("docs/statefulset-e2e.md"))?;
    let program = built(Built::EndToEndTests)?;
    let kubernetes = ControlPlane::start(controller.options()).await?;
    for name in ["node-a", "node-b"] {
        kubernetes.start_node(node(name)?).await?;
    }
    if controller == Controller::Stateward {
        start_the_operator(&kubernetes).await?;
    }

    let suite = Suite {
        program,
        kubeconfig: kubernetes.kubeconfig().to_owned(),
        kubectl: kubernetes.kubectl_path(),
        folder: kubernetes.folder().to_owned(),
    };
    let specs = suite.specs().await?;
    table.holds_exactly(&specs)?;
    // For work on one of them: a part of its name.
    let only = std::env::var("STATEWARD_E2E_ONLY").unwrap_or_default();
    let asked: Vec<String> = specs
        .into_iter()
        .filter(|spec| table.known(spec, controller).is_some_and(Known::is_run))
        .filter(|spec| spec.contains(&only))
        .collect();
    let begin = Instant::now();
    let ended = suite.run(&asked).await?;

    let mut differences = Vec::new();
    for (spec, outcome) in &ended {
        let known = table.known(spec, controller);
        if known.is_none_or(|known| !known.agrees(outcome)) {
            differences.push(format!(
                "{spec}\n    table: {known:?}\n    seen: {}",
                outcome.story()
            ));
        }
    }
    let passed = ended
        .iter()
        .filter(|(_, outcome)| outcome.is_pass())
        .count();
    tell(&format!(
        "{passed} of {} specs pass, in {} s",
        ended.len(),
        begin.elapsed().as_secs()
    ));
    if !differences.is_empty() {
        bail!(
            "docs/statefulset-e2e.md says otherwise:\n{}\nthe operator's log ends with:\n{}",
            differences.join("\n"),
            tail(&kubernetes.log(OPERATOR))
        );
    }
    Ok(())
}

const OPERATOR: &str = "operator";

fn node(name: &str) -> Result<NodeProgram> {
    Ok(NodeProgram {
        name: name.to_owned(),
        program: bed::program("stateward-node")?,
        is_simulated: false,
        recipes: vec![recipes()],
    })
}

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/upstreams_suite/recipes.yaml")
}

/// Until it writes the status of a StatefulSet, which shows that it found nobody else who does.
async fn start_the_operator(kubernetes: &ControlPlane) -> Result<()> {
    let words = ["run", "--install-crds", "--statefulsets"];
    let operator = Program {
        name: OPERATOR.to_owned(),
        program: stateward()?,
        args: words.map(str::to_owned).to_vec(),
        env: vec![format!("HOME={}", kubernetes.folder().display())],
    };
    kubernetes.start_program(operator).await?;
    let namespace = kubernetes.namespace("first").await?;
    let sets: Api<StatefulSet> = Api::namespaced(kubernetes.client().await?, &namespace);
    let none: StatefulSet = serde_json::from_value(json!({
        "metadata": { "name": "none" },
        "spec": {
            "replicas": 0, "serviceName": "none", "selector": { "matchLabels": { "app": "none" } },
            "template": {
                "metadata": { "labels": { "app": "none" } },
                "spec": { "containers": [{ "name": "none", "image": "none" }] },
            },
        },
    }))?;
    sets.create(&PostParams::default(), &none).await?;
    let is_seen = |set: Option<&StatefulSet>| {
        let status = set.and_then(|set| set.status.as_ref());
        status.is_some_and(|status| status.observed_generation.is_some())
    };
    let waited = tokio::time::timeout(PATIENCE, await_condition(sets, "none", is_seen)).await;
    waited
        .map_err(anyhow::Error::from)
        .and_then(|seen| seen.map_err(anyhow::Error::from))
        .with_context(|| {
            format!(
                "the operator does nothing:\n{}",
                tail(&kubernetes.log(OPERATOR))
            )
        })?;
    Ok(())
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
