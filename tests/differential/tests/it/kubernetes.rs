//! Upstream's controller and ours on one real control plane, one after the other, the scenarios in namespaces beside each other.
//!
//! `STATEWARD_SCENARIOS_KUBERNETES=<count>` plays more random ones.

use futures::StreamExt;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;
use stateward_controlplane::{ClientLimits, ControlPlane, Options, component};
use stateward_devcluster::simulation::FaultPlan;
use stateward_differential::accepted::{self, Accepted};
use stateward_differential::face::Face;
use stateward_differential::picture::Picture;
use stateward_differential::scenario::{Deed, Scenario};
use stateward_differential::stage::{play_embedded, play_on};
use stateward_differential::{kubelet, random};
use stateward_operator::StatefulSetsFace;
use tokio_util::sync::CancellationToken;

use crate::{first_seed, number, written};

/// Random scenarios in an ordinary run.
const RANDOM: u64 = 40;
/// Namespaces in which something happens at the same time.
const AT_ONCE: usize = 16;
/// Kubernetes' own controllers that have no say here: nodes and pods are in the hands of the scenario.
pub(crate) const CONTROLLERS: &str = "--controllers=*,-statefulset-controller,-node-lifecycle-controller,-taint-eviction-controller,-pod-garbage-collector-controller";

/// Those that can be played with one controller for all namespaces, and whose outcome does not depend on who is faster. When what was refused is tried again is
/// each controller's own.
fn scenarios() -> Vec<Scenario> {
    let is_playable = |scenario: &Scenario| {
        (scenario.lines.iter()).all(|line| {
            let is_timed = matches!(line.deed, Deed::Restart | Deed::Quota(None));
            !is_timed && !line.is_hasty
        })
    };
    let count = number("STATEWARD_SCENARIOS_KUBERNETES", RANDOM);
    let drawn = (0..count).map(|place| random::draw(first_seed() + place, true));
    (written().into_iter().filter(is_playable))
        .chain(drawn)
        .collect()
}

async fn play_all(
    kubernetes: &ControlPlane,
    who: &str,
    scenarios: &[(Scenario, Vec<Picture>)],
    accepted: &[Accepted],
) -> Vec<Vec<Picture>> {
    let plays = scenarios.iter().map(|(scenario, expected)| async move {
        let client = kubernetes.client().await.unwrap();
        let namespace = kubernetes.namespace(who).await.unwrap();
        let as_expected = |place: usize, picture: &Picture| {
            accepted::unexpected(accepted, scenario, &expected[place], picture).is_empty()
        };
        let played = play_on(client, &namespace, Face::StatefulSet, scenario, as_expected).await;
        played.unwrap_or_else(|error| panic!("{who}\n{scenario}{error:#}"))
    });
    futures::stream::iter(plays)
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// What differs, per line.
fn told(
    accepted: &[Accepted],
    scenario: &Scenario,
    one: &[Picture],
    other: &[Picture],
) -> Option<String> {
    let waited = scenario.lines.iter().filter(|line| !line.is_hasty);
    waited
        .zip(one.iter().zip(other))
        .find_map(|(line, (one, other))| {
            let found = accepted::unexpected(accepted, scenario, one, other);
            let found: Vec<String> = found.iter().map(|found| format!("  {found}")).collect();
            (!found.is_empty()).then(|| format!("after `{}`:\n{}", line.deed, found.join("\n")))
        })
}

/// The node that the kubelet of the scenarios speaks for.
pub(crate) async fn create_node(client: Client) {
    let nodes: Api<Node> = Api::all(client);
    let node = json!({ "metadata": { "name": kubelet::NODE } });
    let node = serde_json::from_value(node).unwrap();
    nodes.create(&PostParams::default(), &node).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_leaves_behind_what_upstreams_controller_leaves_behind() {
    let accepted = accepted::load().unwrap();
    let reference: Vec<(Scenario, Vec<Picture>)> = tokio::task::spawn_blocking(|| {
        let play = |scenario: Scenario| {
            let played = play_embedded(Face::StatefulSet, &scenario, &FaultPlan::none());
            let played = played.unwrap_or_else(|error| panic!("{scenario}{error:#}"));
            (scenario, played.pictures)
        };
        scenarios().into_iter().map(play).collect()
    })
    .await
    .unwrap();
    let options = Options::default()
        .without(component::SCHEDULER)
        .argument(component::CONTROLLER_MANAGER, CONTROLLERS);
    let kubernetes = ControlPlane::start(options).await.unwrap();
    let client = kubernetes.client().await.unwrap();
    create_node(client.clone()).await;
    stateward_operator::install_crds(client.clone())
        .await
        .unwrap();

    (kubernetes
        .start_statefulset_controller(ClientLimits::LIFTED, &[])
        .await)
        .unwrap();
    let upstream = play_all(&kubernetes, "upstream", &reference, &accepted).await;
    kubernetes
        .end(component::STATEFULSET_CONTROLLER)
        .await
        .unwrap();

    let stop = CancellationToken::new();
    let options = stateward_operator::Options {
        statefulsets: Some(StatefulSetsFace { embedded: true }),
        ..stateward_operator::Options::new(client)
    };
    let operator = tokio::spawn(stateward_operator::run(options, stop.clone()));
    let ours = play_all(&kubernetes, "ours", &reference, &accepted).await;
    stop.cancel();
    operator.await.unwrap().unwrap();

    let mut failures = Vec::new();
    for (((scenario, embedded), upstream), ours) in reference.iter().zip(&upstream).zip(&ours) {
        if let Some(found) = told(&accepted, scenario, upstream, ours) {
            failures.push(format!("{scenario}upstream's, then ours, {found}"));
        }
        if let Some(found) = told(&accepted, scenario, ours, embedded) {
            failures.push(format!(
                "{scenario}ours on Kubernetes, then on the embedded API, {found}"
            ));
        }
    }
    println!(
        "{} scenarios against upstream's controller",
        reference.len()
    );
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}
