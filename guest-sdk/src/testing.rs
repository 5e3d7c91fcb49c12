//! Tests of a plugin without wasm and without a cluster: [`MockHost`].
//!
//! It holds an app with its members and calls the plugin's hooks as the host does: it counts attempts, hands back checkpoints, commits requests with
//! an answer and drops them with a failure, and grants what the manifest asks for and nothing else. Members answer through small servers of the
//! test's own ([`Session`]), or are real servers at an address. Each `MockHost` stands for itself, so tests run in parallel.
//!
//! ```
//! use stateward_sdk::prelude::*;
//! use stateward_sdk::testing::{Act, MockHost};
//!
//! struct Ring;
//!
//! #[plugin]
//! impl Ring {
//!     fn manifest() -> Manifest {
//!         Manifest::new("ring", "0.1.0").tcp("admin", "hand data over before a member leaves")
//!     }
//!
//!     fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
//!         let Some(pod) = &leaving.pod else { return done() };
//!         let mut admin = host.connect_one(pod, "admin", secs(2))?;
//!         admin.write(b"leave\n", secs(2))?;
//!         match admin.read(64, secs(2))?.as_slice() {
//!             b"left\n" => done(),
//!             _ => again("handing its data over").after(secs(5)),
//!         }
//!     }
//! }
//!
//! # fn main() {
//! // Given a ring of three, whose last member has handed its data over:
//! let host = MockHost::new(Ring, "ring", 3);
//! host.serve(2, "admin", || |_: &[u8]| b"left\n".to_vec());
//!
//! // when it is about to leave, then it may.
//! let leaves = Act::PreDelete { ordinal: 2, why: Cause::ScaleIn };
//! assert_eq!(host.act("pre-delete/2", &leaves), done());
//! # }
//! ```

mod acts;
mod capabilities;
mod grants;
mod jobs;
mod record;
mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use acts::Act;
pub use grants::Grants;
pub use jobs::Jobs;
pub use record::{Record, Request};
pub use server::Session;

use crate::app::App;
use crate::failure::Failure;
use crate::host::{Command, Entry, Output};
use crate::http::{Request as HttpRequest, Response};
use crate::member::{Death, Member, Standing, Volume};
use crate::plugin::Plugin;
use server::Server;

/// The time at which each mock host starts.
const EPOCH_MS: u64 = 1_800_000_000_000;

/// A host for tests: an app, its members, and one plugin that serves it.
pub struct MockHost {
    plugin: Box<dyn Plugin + Send + Sync>,
    scene: Arc<Mutex<Scene>>,
}

/// What [`MockHost::exec_answers`] is given.
type ExecAnswer = dyn Fn(&str, &Command) -> Result<Output, Failure> + Send + Sync;

struct Scene {
    app: App,
    members: BTreeMap<u32, Member>,
    incarnations: u32,
    deaths: BTreeMap<String, Death>,
    servers: BTreeMap<(String, String), Server>,
    exec: Option<Arc<ExecAnswer>>,
    jobs: Jobs,
    jobs_take: Duration,
    secrets: BTreeMap<String, Vec<u8>>,
    config: BTreeMap<String, Vec<u8>>,
    state: BTreeMap<String, Entry>,
    grants: Grants,
    exclusive_roles: Vec<String>,
    now_ms: u64,
    drawn: u64,
    journal: BTreeMap<String, acts::Journal>,
    queued: Vec<Request>,
    records: Vec<Record>,
}

impl MockHost {
    /// An app of this name with so many members, all there and ready, served by this plugin. What its manifest asks for is granted.
    pub fn new(plugin: impl Plugin + Send + Sync + 'static, name: &str, replicas: u32) -> MockHost {
        let manifest = plugin.on_describe();
        let host = MockHost {
            plugin: Box::new(plugin),
            scene: Arc::new(Mutex::new(Scene {
                app: App {
                    uid: format!("{name}-uid"),
                    namespace: "default".to_owned(),
                    name: name.to_owned(),
                    generation: 1,
                    target: replicas,
                    update_revision: "r1".to_owned(),
                    settings: "{}".to_owned(),
                    ..App::default()
                },
                members: BTreeMap::new(),
                incarnations: 0,
                deaths: BTreeMap::new(),
                servers: BTreeMap::new(),
                exec: None,
                jobs: Jobs::default(),
                jobs_take: Duration::ZERO,
                secrets: BTreeMap::new(),
                config: BTreeMap::new(),
                state: BTreeMap::new(),
                grants: Grants::asked_by(&manifest),
                exclusive_roles: manifest.exclusive_roles(),
                now_ms: EPOCH_MS,
                drawn: 0,
                journal: BTreeMap::new(),
                queued: Vec::new(),
                records: Vec::new(),
            })),
        };
        for ordinal in 0..replicas {
            host.start(ordinal);
        }
        host
    }

    /// Makes a pod for this member, ready and with an address, in place of the one that it had; answers its UID. Servers of the old pod are gone.
    pub fn start(&self, ordinal: u32) -> String {
        self.stop(ordinal);
        let mut scene = self.scene();
        scene.incarnations += 1;
        let incarnation = scene.incarnations;
        let uid = format!("{}-{ordinal}-uid-{incarnation}", scene.app.name);
        let volume = match scene.members.get(&ordinal) {
            Some(_) => Volume::Same,
            None => Volume::New,
        };
        let member = Member {
            ordinal,
            pod: Some(uid.clone()),
            address: Some(format!(
                "10.0.{}.{}",
                incarnation / 200,
                incarnation % 200 + 1
            )),
            standing: Standing::Ready,
            revision: scene.app.update_revision.clone(),
            volume,
            ..Member::default()
        };
        scene.members.insert(ordinal, member);
        scene.count();
        uid
    }

    /// Ends this member's pod. The member stays known while the app wants it.
    pub fn stop(&self, ordinal: u32) {
        let mut scene = self.scene();
        let Some(member) = scene.members.get_mut(&ordinal) else {
            return;
        };
        member.standing = Standing::Absent;
        member.address = None;
        member.revision.clear();
        if let Some(pod) = member.pod.take() {
            scene.servers.retain(|(of, _), _| *of != pod);
            scene.deaths.insert(pod, Death::Stopped);
        }
        scene.count();
    }

    /// Changes the app: its target, its settings, its revision.
    pub fn edit_app(&self, edit: impl FnOnce(&mut App)) {
        edit(&mut self.scene().app);
    }

    /// Changes what the host knows of a member: its standing, its restarts.
    pub fn edit_member(&self, ordinal: u32, edit: impl FnOnce(&mut Member)) {
        if let Some(member) = self.scene().members.get_mut(&ordinal) {
            edit(member);
        }
    }

    /// The app as the next call will see it.
    pub fn app(&self) -> App {
        let scene = self.scene();
        App {
            now_ms: scene.now_ms,
            ..scene.app.clone()
        }
    }

    /// The member of this ordinal, as the next call will see it.
    pub fn member_of(&self, ordinal: u32) -> Option<Member> {
        self.scene().members.get(&ordinal).cloned()
    }

    /// What is known of the end of this pod.
    pub fn set_death(&self, pod: &str, death: Death) {
        self.scene().deaths.insert(pod.to_owned(), death);
    }

    /// Lets this member's present pod answer on a port. Each connection gets a session of its own.
    pub fn serve<S: Session + 'static>(
        &self,
        ordinal: u32,
        port: &str,
        session: impl Fn() -> S + Send + Sync + 'static,
    ) {
        let session = move || Box::new(session()) as Box<dyn Session>;
        self.put_server(ordinal, port, Server::Sessions(Arc::new(session)));
    }

    /// Lets this member's present pod answer HTTP requests on a port.
    pub fn serve_http(
        &self,
        ordinal: u32,
        port: &str,
        answer: impl Fn(&HttpRequest) -> Response + Send + Sync + 'static,
    ) {
        self.put_server(ordinal, port, Server::Http(Arc::new(answer)));
    }

    /// Lets connections to this member's present pod go to a real server.
    pub fn serve_at(&self, ordinal: u32, port: &str, address: SocketAddr) {
        self.edit_member(ordinal, |member| {
            member.address = Some(address.ip().to_string());
        });
        self.put_server(ordinal, port, Server::Socket(address));
    }

    /// Lets every dial of this member's present pod fail in this way. `serve` ends it.
    pub fn fail_dials(&self, ordinal: u32, port: &str, failure: Failure) {
        self.put_server(ordinal, port, Server::Failing(failure));
    }

    /// Answers programs that the plugin runs: given are the pod and the command.
    pub fn exec_answers(
        &self,
        answer: impl Fn(&str, &Command) -> Result<Output, Failure> + Send + Sync + 'static,
    ) {
        self.scene().exec = Some(Arc::new(answer));
    }

    /// Lets programs that are started from now on run for so long on the virtual clock. They end at once otherwise.
    pub fn jobs_take(&self, time: Duration) {
        self.scene().jobs_take = time;
    }

    /// The host restarts: of programs that were started it only knows that, so they are lost. Those of a container that restarted (see
    /// [`edit_member`](MockHost::edit_member)) are too, and may be started again there.
    pub fn lose_jobs(&self) {
        self.scene().jobs.lose();
    }

    /// Binds a value to a secret slot.
    pub fn set_secret(&self, slot: &str, value: impl Into<Vec<u8>>) {
        self.scene().secrets.insert(slot.to_owned(), value.into());
    }

    /// Binds a value to a config slot.
    pub fn set_config(&self, slot: &str, value: impl Into<Vec<u8>>) {
        self.scene().config.insert(slot.to_owned(), value.into());
    }

    /// Changes what is granted.
    pub fn edit_grants(&self, edit: impl FnOnce(&mut Grants)) {
        edit(&mut self.scene().grants);
    }

    /// Lets time pass on the virtual clock.
    pub fn advance(&self, time: Duration) {
        self.scene().pass(time);
    }

    /// What happened so far, in order.
    pub fn records(&self) -> Vec<Record> {
        self.scene().records.clone()
    }

    /// Forgets what happened so far.
    pub fn clear_records(&self) {
        self.scene().records.clear();
    }

    fn put_server(&self, ordinal: u32, port: &str, server: Server) {
        let mut scene = self.scene();
        let pod = scene
            .members
            .get(&ordinal)
            .and_then(|member| member.pod.clone());
        if let Some(pod) = pod {
            scene.servers.insert((pod, port.to_owned()), server);
        }
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        locked(&self.scene)
    }
}

fn locked(scene: &Mutex<Scene>) -> MutexGuard<'_, Scene> {
    // A panic of the plugin happens outside of the lock; one of a test's own closure leaves the scene usable.
    scene.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scene {
    fn count(&mut self) {
        let there = self.members.values().filter(|member| member.pod.is_some());
        self.app.current = u32::try_from(there.count()).unwrap_or(u32::MAX);
    }

    fn pass(&mut self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.now_ms = self.now_ms.saturating_add(milliseconds);
    }

    fn has_pod(&self, uid: &str) -> bool {
        self.member(uid).is_some()
    }

    fn member(&self, uid: &str) -> Option<&Member> {
        let mut members = self.members.values();
        members.find(|member| member.pod.as_deref() == Some(uid))
    }
}
