//! One scenario, in one process, in moved time: an app at rest, a change by its user, and what must be true in the end whatever goes wrong on the way.
//!
//! ```text
//! app at rest ─► link armed with a plan ─► the user's change ─► (the operator dies, another starts) ─► rest ─► the end, without what differs by chance
//! ```
//!
//! Two things are looked at: the objects that are left, and the ledger, where every act hook notes its effect under the id of its invocation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use stateward_devcluster::Cluster;
use stateward_devcluster::simulation::{Exited, FaultPlan, Link, Started};
use tokio::time::{Instant, sleep};

use crate::bed::{Bed, app};
use crate::hooks::component;

/// A change that somebody makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    ScaleOut,
    ScaleIn,
    Update,
    MoveRole,
    Teardown,
}

pub(crate) const SCENARIOS: [Scenario; 5] = [
    Scenario::ScaleOut,
    Scenario::ScaleIn,
    Scenario::Update,
    Scenario::MoveRole,
    Scenario::Teardown,
];

/// What is left at the end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    /// Objects by kind and name, without what differs by chance.
    pub(crate) objects: BTreeMap<String, Value>,
    /// `<hook> <purpose>` of every effect that was applied; UIDs left out.
    pub(crate) effects: Vec<String>,
}

/// A run of a scenario.
pub(crate) struct Run {
    pub(crate) end: End,
    /// The requests with effects that the operator sent from the change on.
    pub(crate) writes: Vec<String>,
    /// How often the operator was started again.
    pub(crate) crashes: u32,
}

/// The longest time to come to rest, in the time of the experiment.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// At rest is an app for which nothing was written for so long. Refusals are asked again after 60 s and a fifth.
const REST: Duration = Duration::from_secs(80);
/// What has ended as expected is not watched any longer than that.
const MOMENT: Duration = Duration::from_secs(4);

/// Plays the scenario on the clock of the test, in a thread and a runtime of its own. What does not hold comes back as an error.
pub(crate) fn play(
    scenario: Scenario,
    plan: FaultPlan,
    expected: Option<&End>,
) -> Result<Run, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    fastrand::seed(plan.seed);
    runtime.block_on(async {
        let mut experiment = Experiment::at_rest(scenario).await?;
        experiment.link.arm(plan);
        scenario.change(&experiment.bed).await;
        experiment.end(expected).await
    })
}

impl Scenario {
    fn replicas(self) -> u32 {
        match self {
            Scenario::ScaleOut => 1,
            Scenario::Update | Scenario::Teardown => 2,
            Scenario::ScaleIn | Scenario::MoveRole => 3,
        }
    }

    async fn change(self, bed: &Bed) {
        let patch = match self {
            Scenario::ScaleOut => json!({ "spec": { "replicas": 3 } }),
            Scenario::ScaleIn => json!({ "spec": { "replicas": 1 } }),
            Scenario::Update => {
                let metadata = json!({ "annotations": { "version": "2" } });
                json!({ "spec": { "template": { "metadata": metadata } } })
            }
            Scenario::MoveRole => {
                let wish = json!({ "id": "wish", "role": "primary", "target": 2 });
                let annotations = json!({ "stateward.dev/switchover": wish.to_string() });
                json!({ "metadata": { "annotations": annotations } })
            }
            Scenario::Teardown => return bed.delete("StatefulApp", "db").await,
        };
        bed.merge("StatefulApp", "db", patch).await;
    }
}

/// One line of the ledger.
#[derive(Clone, Debug)]
struct Line {
    hook: String,
    /// What the hook was called for, as the plugin saw it.
    purpose: String,
    id: String,
    stage: String,
}

type Ledger = Arc<Mutex<Vec<Line>>>;

struct Experiment {
    bed: Bed,
    link: Link,
    ledger: Ledger,
}

impl Experiment {
    async fn at_rest(scenario: Scenario) -> Result<Experiment, String> {
        let mut bed = Bed::on(Cluster::simulated(1)).await;
        let ledger = Ledger::default();
        let link = link(&bed.cluster, &ledger);
        let component = component("hostile");
        bed.create(json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin",
            "metadata": { "name": "ledger" },
            "spec": { "source": { "file": component }, "grants": {
                "tcp": { "ports": ["mysql"] },
                "exec": [{ "container": "main", "argv": ["ledger", "**"] }],
                "requests": true,
            }},
        }))
        .await;
        let mut db = app("StatefulApp", "db", scenario.replicas());
        db["spec"]["plugin"] = json!({ "name": "ledger", "settings": "ledger" });
        bed.create(db).await;
        bed.start_behind(&link);
        let mut experiment = Experiment { bed, link, ledger };
        experiment.rest(MOMENT).await?;
        experiment.ledger.lock().unwrap().clear();
        Ok(experiment)
    }

    /// Waits until nothing is written any more. An operator that dies is started again, with a connection that works.
    async fn rest(&mut self, quiet: Duration) -> Result<u32, String> {
        let begin = Instant::now();
        let mut crashes = 0;
        let mut before = self.bed.cluster.revision();
        let mut since = Instant::now();
        while since.elapsed() < quiet {
            sleep(Duration::from_secs(1)).await;
            if self.link.is_cut() {
                self.bed.crash().await;
                self.link = link(&self.bed.cluster, &self.ledger);
                self.bed.start_behind(&self.link);
                crashes += 1;
                since = Instant::now();
            }
            let now = self.bed.cluster.revision();
            if now != before {
                before = now;
                since = Instant::now();
            }
            if begin.elapsed() > PATIENCE {
                let app = self.bed.get("StatefulApp", "db").await;
                return Err(format!("it never comes to rest: {}", app["status"]));
            }
        }
        Ok(crashes)
    }

    async fn end(&mut self, expected: Option<&End>) -> Result<Run, String> {
        let armed = self.link.clone();
        let mut crashes = 0;
        if let Some(expected) = expected {
            crashes += self.rest(MOMENT).await?;
            let end = self.now().await?;
            if end == *expected {
                let writes = armed.writes();
                return Ok(Run {
                    end,
                    writes,
                    crashes,
                });
            }
        }
        crashes += self.rest(REST).await?;
        let end = self.now().await?;
        match expected.and_then(|expected| difference(expected, &end)) {
            Some(difference) => Err(difference),
            None => Ok(Run {
                end,
                writes: armed.writes(),
                crashes,
            }),
        }
    }

    async fn now(&self) -> Result<End, String> {
        Ok(End {
            objects: objects(&self.bed).await,
            effects: effects(&self.ledger.lock().unwrap())?,
        })
    }
}

fn link(cluster: &Cluster, ledger: &Ledger) -> Link {
    let ledger = ledger.clone();
    cluster.link_with_members(move |started: Started| {
        let [_, hook, purpose, id, stage] = started.argv.as_slice() else {
            return Exited {
                code: 2,
                ..Exited::default()
            };
        };
        let line = Line {
            hook: hook.clone(),
            purpose: purpose.clone(),
            id: id.clone(),
            stage: stage.clone(),
        };
        ledger.lock().unwrap().push(line);
        Exited::default()
    })
}

/// One id per purpose, one purpose per id; every effect was begun under the id under which it was applied.
fn effects(ledger: &[Line]) -> Result<Vec<String>, String> {
    let mut ids: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut purposes: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    let mut applied = BTreeSet::new();
    for line in ledger {
        let purpose = (line.hook.as_str(), line.purpose.as_str());
        ids.entry(purpose).or_default().insert(&line.id);
        purposes.entry(&line.id).or_default().insert(purpose);
        if line.stage == "apply" {
            applied.insert(purpose);
        }
    }
    if let Some((purpose, ids)) = ids.iter().find(|(_, ids)| ids.len() > 1) {
        return Err(format!("{purpose:?} was served under several ids: {ids:?}"));
    }
    if let Some((id, purposes)) = purposes.iter().find(|(_, purposes)| purposes.len() > 1) {
        return Err(format!("{id} stands for several purposes: {purposes:?}"));
    }
    let mut effects: Vec<String> = (applied.into_iter())
        .map(|(hook, purpose)| format!("{hook} {}", without_chance(purpose)))
        .collect();
    effects.sort();
    Ok(effects)
}

async fn objects(bed: &Bed) -> BTreeMap<String, Value> {
    let kinds = [
        "Pod",
        "PersistentVolumeClaim",
        "ControllerRevision",
        "StatefulApp",
    ];
    let mut objects = BTreeMap::new();
    for kind in kinds {
        for object in bed.list(kind).await {
            let mut object = serde_json::to_value(object).unwrap();
            let metadata = object["metadata"].as_object_mut().unwrap();
            let name = metadata["name"].as_str().unwrap().to_owned();
            metadata.retain(|key, _| {
                !matches!(
                    key.as_str(),
                    "uid" | "resourceVersion" | "managedFields" | "creationTimestamp"
                )
            });
            if let Some(status) = object["status"].as_object_mut() {
                // For people, and written along with something else: a host that dies may take some of it along.
                status.remove("history");
            }
            let text = without_chance(&object.to_string());
            let plain: Value = serde_json::from_str(&text).unwrap();
            objects.insert(format!("{kind}/{name}"), plain);
        }
    }
    objects
}

/// UIDs and times differ from run to run.
fn without_chance(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = after_pattern(rest, UID) {
            plain.push_str("<uid>");
            rest = after;
        } else if let Some(after) = after_pattern(rest, TIME) {
            plain.push_str("<time>");
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            rest = rest.strip_prefix('Z').unwrap_or(rest);
        } else {
            plain.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    plain
}

const UID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const TIME: &str = "dddd-dd-ddTdd:dd:dd";

fn after_pattern<'a>(text: &'a str, pattern: &str) -> Option<&'a str> {
    let bytes = text.as_bytes();
    let matches = bytes.len() >= pattern.len()
        && pattern.bytes().zip(bytes).all(|(wanted, is)| match wanted {
            b'x' => is.is_ascii_hexdigit(),
            b'd' => is.is_ascii_digit(),
            literal => literal == *is,
        });
    matches.then(|| &text[pattern.len()..])
}

/// The first thing that differs, in words.
fn difference(expected: &End, end: &End) -> Option<String> {
    if expected.effects != end.effects {
        return Some(format!(
            "effects: expected {:?}, applied were {:?}; the app says {}",
            expected.effects, end.effects, end.objects["StatefulApp/db"]["status"]
        ));
    }
    let names: BTreeSet<_> = (expected.objects.keys())
        .chain(end.objects.keys())
        .collect();
    names.into_iter().find_map(|name| {
        let (wanted, is) = (expected.objects.get(name), end.objects.get(name));
        (wanted != is).then(|| {
            let shown = |object: Option<&Value>| object.map_or("none".to_owned(), Value::to_string);
            format!("{name}: expected {}\n  is {}", shown(wanted), shown(is))
        })
    })
}
