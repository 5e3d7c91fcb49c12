//! A cluster in memory: the app's pods and claims, the real planner, one plugin, and the application that its members run.

mod asking;
mod calls;
mod deadlines;
mod host;
mod live;
mod members;
mod nodes;
mod pods;
mod requests;
mod rounds;
mod scene;
mod streams;
mod volumes;
mod wishes;

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use stateward_planner::world::{App, Budgets, Face, Hold, Switchover, Wishes};
use stateward_planner::{Model, Spec, Timestamp};
use stateward_sdk::testing::Grants;
use stateward_sdk::{Manifest, Member, Plugin};

use crate::application::Application;
use crate::fault::{Fault, Points};
use scene::Scene;

pub use rounds::Settled;

/// The name of each simulated app's pods starts with its plugin's name; the namespace is always this one.
const NAMESPACE: &str = "default";
/// When each virtual clock starts, in seconds since 1970-01-01 UTC.
const START: i64 = 1_800_000_000;

/// An app, its members, and the host that serves it. Nothing is there yet: [`scale`](Cluster::scale) and [`settle`](Cluster::settle) bring it up.
pub struct Cluster<A> {
    plugin: Rc<dyn Plugin>,
    live: Rc<RefCell<Scene<A>>>,
}

impl<A: Application> Cluster<A> {
    /// An app that wants three members, served by this plugin, which is granted what its manifest asks for.
    pub fn new(plugin: impl Plugin + 'static, application: A) -> Cluster<A> {
        Cluster::served_by(Rc::new(plugin), application)
    }

    /// As [`new`](Cluster::new), with a plugin that is shared between clusters.
    pub fn served_by(plugin: Rc<dyn Plugin>, application: A) -> Cluster<A> {
        let manifest = plugin.on_describe();
        let ready = scene::ready(&manifest, plugin.hooks());
        let app = app(&ready.name);
        let now = Timestamp::from_second(START).unwrap_or_default();
        let mut model = Model::of(app, stateward_planner::world::Plugin::Ready(ready), now);
        // As in a cluster whose nodes and disruption budgets the operator may see.
        model.world.budgets = Budgets::Seen {
            budgets: Vec::new(),
        };
        let grants = Grants::asked_by(&manifest);
        Cluster {
            plugin,
            live: Rc::new(RefCell::new(Scene::new(model, application, grants))),
        }
    }

    /// A user wants so many members.
    pub fn scale(&self, replicas: u32) {
        let mut scene = self.live.borrow_mut();
        scene.tell(format_args!("a user wants {replicas} members"));
        scene.model.edit(|spec| spec.replicas = replicas);
    }

    /// A user changes the pod template: every pod is to be replaced.
    pub fn update(&self) {
        let mut scene = self.live.borrow_mut();
        scene.images += 1;
        let image = format!("app:v{}", scene.images);
        scene.tell(format_args!("a user wants the image {image}"));
        scene.model.edit(|spec| {
            if let Some(place) = spec.template.pointer_mut("/spec/containers/0/image") {
                *place = json!(image);
            }
        });
    }

    /// Changes the app's spec in another way: `podManagementPolicy`, a partition.
    pub fn edit(&self, edit: impl FnOnce(&mut Spec)) {
        self.live.borrow_mut().model.edit(edit);
    }

    /// Changes `spec.plugin.settings`.
    pub fn settings(&self, settings: &Value) {
        let mut scene = self.live.borrow_mut();
        scene.settings = settings.to_string();
        // The spec as plans see it has no settings; the answers on it are asked anew all the same.
        scene.model.world.answers = stateward_planner::world::Answers::default();
        let generation = &mut scene.model.world.app.generation;
        *generation = generation.saturating_add(1);
    }

    /// A user wants a role to move, to `target` where one is given.
    pub fn switch_over(&self, role: &str, target: Option<u32>) {
        let mut scene = self.live.borrow_mut();
        scene.tell(format_args!("a user wants {role} to move"));
        let id = scene.next_wish();
        scene.model.world.app.switchover = Some(Switchover {
            id,
            role: role.to_owned(),
            target,
        });
    }

    /// A user deletes the app.
    pub fn delete(&self) {
        let mut scene = self.live.borrow_mut();
        scene.tell("a user deletes the app");
        let now = scene.model.now;
        scene.model.world.app.deletion.get_or_insert(now);
    }

    /// A member's pod is gone at once, its processes with it.
    pub fn kill(&self, ordinal: u32) {
        let mut scene = self.live.borrow_mut();
        let name = scene.pod_name(ordinal);
        scene.tell(format_args!("{name} dies"));
        scene.model.delete_pod(&name);
        scene.end(&name);
    }

    /// Somebody deletes a member's pod. Where the plugin has `pre_delete` it is asked with the cause `external`, until it is done or 30 s have passed.
    pub fn delete_pod(&self, ordinal: u32) {
        let mut scene = self.live.borrow_mut();
        let name = scene.pod_name(ordinal);
        scene.tell(format_args!("somebody deletes {name}"));
        scene.terminate(&name);
    }

    /// A member's container ends and is started again in the same pod.
    pub fn restart(&self, ordinal: u32) {
        let mut scene = self.live.borrow_mut();
        let name = scene.pod_name(ordinal);
        scene.tell(format_args!("the container of {name} restarts"));
        scene.restart(&name);
    }

    /// From now on this member answers nobody, though its pod is ready; `false` ends it.
    pub fn cut_off(&self, ordinal: u32, is_cut_off: bool) {
        let mut scene = self.live.borrow_mut();
        if is_cut_off {
            scene.cut_off.insert(ordinal);
        } else {
            scene.cut_off.remove(&ordinal);
        }
    }

    /// From now on each answer of this member takes so long on the virtual clock. What takes longer than the plugin waits has its effect all the same.
    pub fn slow_down(&self, ordinal: u32, time: Duration) {
        self.live.borrow_mut().slow.insert(ordinal, time);
    }

    /// Binds a value to a secret slot.
    pub fn set_secret(&self, slot: &str, value: impl Into<Vec<u8>>) {
        let mut scene = self.live.borrow_mut();
        scene.secrets.insert(slot.to_owned(), value.into());
    }

    /// Binds a value to a config slot.
    pub fn set_config(&self, slot: &str, value: impl Into<Vec<u8>>) {
        let mut scene = self.live.borrow_mut();
        scene.config.insert(slot.to_owned(), value.into());
    }

    /// Changes what is granted.
    pub fn edit_grants(&self, edit: impl FnOnce(&mut Grants)) {
        edit(&mut self.live.borrow_mut().grants);
    }

    /// Lets time pass, without the host looking.
    pub fn pass(&self, time: Duration) {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        self.live.borrow_mut().pass(time);
    }

    /// The application as it stands.
    pub fn application(&self) -> Ref<'_, A> {
        Ref::map(self.live.borrow(), |scene| &scene.application)
    }

    /// The application, to be changed: members that fail, lag …
    pub fn application_mut(&self) -> RefMut<'_, A> {
        RefMut::map(self.live.borrow_mut(), |scene| &mut scene.application)
    }

    /// The members as a hook would see them now.
    pub fn members(&self) -> Vec<Member> {
        self.live.borrow().members()
    }

    /// The app as a hook would see it now.
    pub fn app(&self) -> stateward_sdk::App {
        self.live.borrow().app()
    }

    /// Who holds this role.
    pub fn holder(&self, role: &str) -> Option<u32> {
        self.app().claim(role).map(|claim| claim.ordinal)
    }

    /// What the plugin is waited for, in the words that `stateward why` prints.
    pub fn waits(&self) -> Vec<String> {
        let plan = self.live.borrow().model.plan();
        let waiting = plan.status.waiting.iter();
        waiting.map(|waiting| waiting.message.clone()).collect()
    }

    /// What the plugin says of itself.
    pub fn manifest(&self) -> Manifest {
        self.plugin.on_describe()
    }

    /// What happened so far, in words.
    pub fn history(&self) -> String {
        self.live.borrow().history.to_string()
    }

    pub(crate) fn inject(&self, fault: Option<Fault>) {
        self.live.borrow_mut().points = Points::with(fault);
    }

    pub(crate) fn points(&self) -> Points {
        self.live.borrow().points.clone()
    }

    pub(crate) fn length(&self) -> usize {
        self.live.borrow().history.len()
    }

    /// What the plugin did that no plugin may do: a panic, a change in a hook that only looks. And what a scenario asks for that cannot be.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        self.live.borrow().mistakes.clone()
    }

    /// How it stands at the end: which members there are, of which revision, and what the application says.
    pub(crate) fn summary(&self) -> Vec<String> {
        self.live.borrow().summary()
    }
}

fn app(name: &str) -> App {
    let labels = json!({"app": name});
    let spec = json!({
        "replicas": 3,
        "serviceName": name,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": name, "image": "app:v1"}]},
        },
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}],
    });
    App {
        face: Face::StatefulApp,
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
        uid: format!("{name}-uid"),
        generation: 1,
        deletion: None,
        annotations: std::collections::BTreeMap::new(),
        spec: spec_of(&spec).into(),
        switchover: None,
        wishes: Wishes::default(),
        hold: Hold::default(),
    }
}

#[allow(
    clippy::expect_used,
    reason = "this is for tests, and the spec stands above"
)]
fn spec_of(spec: &Value) -> Spec {
    Spec::parse(Face::StatefulApp, spec).expect("a plugin's name is a DNS label")
}
