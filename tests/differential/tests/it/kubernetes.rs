//! Upstream's controller and ours on one real control plane, one after the other, the scenarios in namespaces beside each other.
//!
//! `STATEWARD_SCENARIOS_KUBERNETES=<count>` plays more random ones; `STATEWARD_SCENARIOS_PLAYS=<count>` plays those that fail so often again, to make them
//! shorter. See CONTRIBUTING.md.

use std::fmt::Write as _;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;
use stateward_controlplane::{ControlPlane, Options, component};
use stateward_devcluster::simulation::FaultPlan;
use stateward_differential::accepted::{self, Accepted};
use stateward_differential::face::Face;
use stateward_differential::kubelet;
use stateward_differential::picture::{Difference, Picture};
use stateward_differential::random::{self, Among};
use stateward_differential::scenario::{Line, Scenario};
use stateward_differential::shrinking::shrunk;
use stateward_differential::stage::{Patience, play_embedded, play_on};

use crate::controllers::{Controller, RECREATE, Who};
use crate::{first_seed, number, written};

/// Random scenarios in an ordinary run; one in so many more has restarts.
const RANDOM: u64 = 40;
const ONE_WITH_RESTARTS_IN: u64 = 8;
/// Namespaces in which something happens at the same time.
const AT_ONCE: usize = 16;
/// Scenarios that are made shorter when they fail, and how often each is played again for it.
const SHRUNK: usize = 2;
const PLAYS: u64 = 12;
/// How long nothing happens before a picture counts that is not the expected one. Only a failing test waits for it; events come late on a busy machine.
pub(crate) const CALM: Duration = Duration::from_secs(30);
/// The same where nothing else is played.
const CALM_ALONE: Duration = Duration::from_secs(6);
/// Kubernetes' own controllers that have no say here: nodes and pods are in the hands of the scenario.
pub(crate) const CONTROLLERS: &str = "--controllers=*,-statefulset-controller,-node-lifecycle-controller,-taint-eviction-controller,-pod-garbage-collector-controller";

fn scenarios() -> Vec<Scenario> {
    let count = number("STATEWARD_SCENARIOS_KUBERNETES", RANDOM);
    let drawn =
        |count: u64, among| (0..count).map(move |place| random::draw(first_seed() + place, among));
    (written().into_iter())
        .chain(drawn(count, Among::Certain))
        .chain(drawn(count / ONE_WITH_RESTARTS_IN, Among::Restarts))
        .collect()
}

/// A scenario, and how it goes on the embedded API.
struct Reference {
    scenario: Scenario,
    embedded: Vec<Picture>,
}

impl Reference {
    fn of(scenario: Scenario) -> Result<Self, String> {
        match play_embedded(Face::StatefulSet, &scenario, &FaultPlan::none()) {
            Ok(played) => Ok(Self {
                scenario,
                embedded: played.pictures,
            }),
            Err(error) => Err(format!("{scenario}{error:#}")),
        }
    }

    /// What differs and is not meant. Where edits overtake each other, only how it ends can be compared.
    fn found(&self, accepted: &[Accepted], one: &Picture, other: &Picture) -> Vec<Difference> {
        let (one, other) = match self.scenario.is_hasty() {
            true => (&one.end(), &other.end()),
            false => (one, other),
        };
        accepted::unexpected(accepted, &self.scenario, one, other)
    }

    /// What differs after the first line after which anything does.
    fn told(&self, accepted: &[Accepted], one: &[Picture], other: &[Picture]) -> Option<String> {
        let waited = (self.scenario.lines.iter()).filter(|line| !line.is_hasty);
        let skipped = match self.scenario.is_hasty() {
            true => self.scenario.pauses().saturating_sub(1),
            false => 0,
        };
        let tell = |(line, (one, other)): (&Line, _)| {
            let found = self.found(accepted, one, other);
            let mut told = format!("after `{}`:", line.deed);
            for difference in &found {
                let _ = write!(told, "\n  {difference}");
            }
            (!found.is_empty()).then_some(told)
        };
        waited
            .zip(one.iter().zip(other))
            .skip(skipped)
            .find_map(tell)
    }

    async fn play(
        &self,
        accepted: &[Accepted],
        by: &Controller<'_>,
        on: &ControlPlane,
        calm: Duration,
    ) -> Result<Vec<Picture>, String> {
        let client = on.client().await.unwrap();
        let namespace = on.namespace(by.who().topic()).await.unwrap();
        let as_expected = |place: usize, picture: &Picture| {
            self.found(accepted, &self.embedded[place], picture)
                .is_empty()
        };
        let (face, scenario) = (Face::StatefulSet, &self.scenario);
        let restart = async || by.restart().await;
        let patience = Patience {
            calm,
            has_nudge: by.who() == Who::Upstream,
        };
        let played = play_on(
            client,
            &namespace,
            face,
            scenario,
            patience,
            as_expected,
            restart,
        )
        .await;
        played.map_err(|error| format!("{}\n{scenario}{error:#}", by.who().topic()))
    }

    /// What differs between the three.
    fn differs(
        &self,
        accepted: &[Accepted],
        upstream: &[Picture],
        ours: &[Picture],
    ) -> Option<String> {
        let scenario = &self.scenario;
        if let Some(found) = self.told(accepted, upstream, ours) {
            return Some(format!("{scenario}upstream's, then ours, {found}"));
        }
        (self.told(accepted, ours, &self.embedded))
            .map(|found| format!("{scenario}ours on Kubernetes, then on the embedded API, {found}"))
    }
}

/// In two threads: most of the time of this test goes here.
fn references(scenarios: &[Scenario]) -> Result<Vec<Reference>, String> {
    let play = |part: &[Scenario]| part.iter().cloned().map(Reference::of).collect();
    let (some, others) = scenarios.split_at(scenarios.len() / 2);
    let (some, others): (Result<Vec<_>, _>, Result<Vec<_>, _>) = std::thread::scope(|threads| {
        let some = threads.spawn(|| play(some));
        let others = play(others);
        (some.join().unwrap(), others)
    });
    let mut all = some?;
    all.extend(others?);
    Ok(all)
}

/// Those without restarts first: a restart is for all namespaces.
async fn play_all(
    kubernetes: &ControlPlane,
    who: Who,
    references: &[Reference],
    accepted: &[Accepted],
) -> Vec<Vec<Picture>> {
    let controller = Controller::start(kubernetes, who).await.unwrap();
    let mut played = Vec::new();
    for has_restarts in [false, true] {
        let references = references.iter().enumerate();
        let plays = references
            .filter(|(_, reference)| reference.scenario.has_restarts() == has_restarts)
            .map(async |(place, reference)| {
                let pictures = reference
                    .play(accepted, &controller, kubernetes, CALM)
                    .await;
                (place, pictures.unwrap_or_else(|error| panic!("{error}")))
            });
        let plays = futures::stream::iter(plays).buffered(AT_ONCE);
        played.extend(plays.collect::<Vec<_>>().await);
    }
    controller.kill().await.unwrap();
    played.sort_by_key(|(place, _)| *place);
    played.into_iter().map(|(_, pictures)| pictures).collect()
}

/// Played by both once more. What cannot be played shows no difference.
async fn played_again(
    kubernetes: &ControlPlane,
    accepted: &[Accepted],
    scenario: Scenario,
) -> Option<String> {
    let reference = tokio::task::spawn_blocking(|| Reference::of(scenario)).await;
    let reference = reference.unwrap().ok()?;
    let mut both = Vec::new();
    for who in [Who::Upstream, Who::Ours] {
        let controller = Controller::start(kubernetes, who).await.unwrap();
        both.push(
            reference
                .play(accepted, &controller, kubernetes, CALM_ALONE)
                .await,
        );
        controller.kill().await.unwrap();
    }
    let [Ok(upstream), Ok(ours)] = &both[..] else {
        return None;
    };
    reference.differs(accepted, upstream, ours)
}

/// The same difference in as few words as can be found, or that it came by chance.
fn in_short(kubernetes: &ControlPlane, accepted: &[Accepted], scenario: &Scenario) -> String {
    let plays = usize::try_from(number("STATEWARD_SCENARIOS_PLAYS", PLAYS)).unwrap();
    let mut last = None;
    let play = |shorter: &Scenario| {
        let again = played_again(kubernetes, accepted, shorter.clone());
        let told = tokio::runtime::Handle::current().block_on(again);
        told.inspect(|told| last = Some(told.clone())).is_some()
    };
    let _ = shrunk(scenario.clone(), plays, play);
    match last {
        Some(told) => format!("in short:\n{told}"),
        None => "nothing shorter shows it".to_owned(),
    }
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
    let references = tokio::task::spawn_blocking(|| references(&scenarios()));
    let references = (references.await.unwrap()).unwrap_or_else(|error| panic!("{error}"));
    let options = Options::default()
        .without(component::SCHEDULER)
        .feature_gate(RECREATE, true)
        .argument(component::CONTROLLER_MANAGER, CONTROLLERS);
    let kubernetes = ControlPlane::start(options).await.unwrap();
    let client = kubernetes.client().await.unwrap();
    create_node(client.clone()).await;
    stateward_operator::install_crds(client).await.unwrap();

    let upstream = play_all(&kubernetes, Who::Upstream, &references, &accepted).await;
    let ours = play_all(&kubernetes, Who::Ours, &references, &accepted).await;

    let mut failures = Vec::new();
    for ((reference, upstream), ours) in references.iter().zip(&upstream).zip(&ours) {
        if let Some(mut told) = reference.differs(&accepted, upstream, ours) {
            println!("{told}");
            if failures.len() < SHRUNK {
                let shorter = || in_short(&kubernetes, &accepted, &reference.scenario);
                let shorter = tokio::task::block_in_place(shorter);
                let _ = write!(told, "\n{shorter}");
            }
            failures.push(told);
        }
    }
    println!(
        "{} scenarios against upstream's controller",
        references.len()
    );
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}
