//! The connection of one process to the cluster.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::{Method, Request, Response, Uri, header};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::delivery::{Deliveries, Held};
use super::exec::{self, Exited, Members, Started};
use super::fault::WriteFault;
use super::plan::FaultPlan;
use super::watching;
use crate::api::{self, Body, BoxError};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::in_process::InProcess;

/// A connection with faults. Clones are the same connection.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    cluster: Cluster,
    /// Cancelled when the process behind the link is dead: nothing is sent any more, and nothing answered.
    dead: CancellationToken,
    members: Option<Members>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plan: FaultPlan,
    random: fastrand::Rng,
    writes: Vec<String>,
    gets: u32,
    lists: u32,
    watches: u32,
    holds: bool,
    deliveries: Deliveries,
}

impl Cluster {
    /// A connection that fails as it is told.
    pub fn link(&self) -> Link {
        Link::new(self.clone(), None)
    }

    /// A connection whose `exec` requests are answered by `members`, and reach no node.
    pub fn link_with_members(
        &self,
        members: impl Fn(Started) -> Exited + Send + Sync + 'static,
    ) -> Link {
        Link::new(self.clone(), Some(Arc::new(members)))
    }
}

impl Link {
    fn new(cluster: Cluster, members: Option<Members>) -> Self {
        let shared = Shared {
            cluster,
            dead: CancellationToken::new(),
            members,
            state: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A client behind this link. It must be used within a tokio runtime.
    pub fn client(&self, default_namespace: &str) -> kube::Client {
        let service = Faulty {
            shared: self.shared.clone(),
            inner: InProcess::new(self.shared.cluster.clone()),
        };
        kube::Client::new(service, default_namespace)
    }

    /// From now on things go wrong by this plan. Requests and watches are counted anew.
    pub fn arm(&self, plan: FaultPlan) {
        let mut state = self.shared.state();
        state.random = fastrand::Rng::with_seed(plan.seed);
        state.plan = plan;
        state.writes.clear();
        (state.gets, state.lists, state.watches) = (0, 0, 0);
    }

    /// The writes since the plan was armed, in order: `create pods/web-0`, `patch statefulapps/web/status`, `exec web-0 ls`.
    pub fn writes(&self) -> Vec<String> {
        self.shared.state().writes.clone()
    }

    /// The process dies: what it has sent is done, and no more.
    pub fn cut(&self) {
        self.shared.dead.cancel();
    }

    /// Whether the process has died.
    pub fn is_cut(&self) -> bool {
        self.shared.is_dead()
    }

    /// Waits until the plan lets the process die.
    pub async fn was_cut(&self) {
        self.shared.dead.cancelled().await;
    }

    /// Holds the events of every watch that is opened from now on, until they are delivered.
    pub fn hold_watches(&self) {
        self.shared.state().holds = true;
    }

    /// The watches that have something to deliver.
    pub fn held(&self) -> Vec<Held> {
        self.shared.deliveries().look()
    }

    /// One tick: delivers the next event of this watch. False when it has none.
    pub fn deliver(&self, watch: usize) -> bool {
        self.shared.deliveries().deliver(watch)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.shared.state();
        out.debug_struct("Link")
            .field("plan", &state.plan)
            .field("writes", &state.writes.len())
            .field("is_cut", &self.is_cut())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy, because watches that are looked at want the lock themselves.
    fn deliveries(&self) -> Deliveries {
        self.state().deliveries.clone()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.is_cancelled()
    }

    /// As long as the network takes, if the plan makes it slow.
    pub(super) async fn take_time(&self) {
        let wait = {
            let mut state = self.state();
            let slow = state.plan.slow();
            slow.map(|up_to| up_to.mul_f64(state.random.f64()))
        };
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
    }

    async fn answer(
        self: Arc<Self>,
        mut inner: InProcess,
        mut request: Request<kube::client::Body>,
    ) -> Result<Response<Body>, BoxError> {
        self.take_time().await;
        let answer = match Sort::of(&request) {
            _ if self.is_dead() => pending().await,
            Sort::Get => {
                let fault = {
                    let mut state = self.state();
                    state.gets += 1;
                    state.plan.get(state.gets)
                };
                match fault {
                    Some(code) => refusal(code),
                    None => call(&mut inner, request).await,
                }
            }
            Sort::List => {
                let behind = {
                    let mut state = self.state();
                    state.lists += 1;
                    state.plan.list(state.lists)
                };
                if let Some(behind) = behind {
                    *request.uri_mut() = self.earlier(request.uri(), behind);
                }
                call(&mut inner, request).await
            }
            Sort::Watch => {
                let fault = {
                    let mut state = self.state();
                    state.watches += 1;
                    state.plan.watch(state.watches)
                };
                let resource = request.uri().path().rsplit('/').next();
                let resource = resource.unwrap_or_default().to_owned();
                let answered = call(&mut inner, request).await;
                answered.map(|body| {
                    let events = watching::events(&self, body, fault);
                    let mut state = self.state();
                    watching::body(match state.holds {
                        true => state.deliveries.hold(&resource, events),
                        false => events,
                    })
                })
            }
            Sort::Write => self.write(&mut inner, request).await?,
        };
        self.take_time().await;
        match self.is_dead() {
            true => pending().await,
            false => Ok(answer),
        }
    }

    async fn write(
        &self,
        inner: &mut InProcess,
        request: Request<kube::client::Body>,
    ) -> Result<Response<Body>, BoxError> {
        let is_delete = request.method() == Method::DELETE;
        let fault = {
            let mut state = self.state();
            state.writes.push(described(&request));
            let number = u32::try_from(state.writes.len()).unwrap_or(u32::MAX);
            state.plan.write(number)
        };
        match fault {
            Some(WriteFault::CrashBefore) => {
                self.dead.cancel();
                return pending().await;
            }
            // A delete with nothing but a UID to hold never conflicts.
            Some(WriteFault::Refused(409)) if is_delete => return Ok(refusal(500)),
            Some(WriteFault::Refused(code)) => return Ok(refusal(code)),
            _ => {}
        }
        let answer = match &self.members {
            Some(members) if request.headers().contains_key(header::UPGRADE) => {
                exec::answer(members.clone(), request).await?
            }
            _ => call(inner, request).await,
        };
        match fault {
            Some(WriteFault::CrashAfter) => {
                self.dead.cancel();
                pending().await
            }
            Some(WriteFault::DoneAndRefused(code)) => Ok(refusal(code)),
            Some(WriteFault::DoneAndLost) => Err("the connection was reset".into()),
            _ => Ok(answer),
        }
    }

    /// The address of the same list, some writes ago.
    fn earlier(&self, uri: &Uri, behind: u64) -> Uri {
        let version = self.cluster.revision().saturating_sub(behind).max(1);
        let kept = uri.query().unwrap_or_default().split('&').filter(|pair| {
            !pair.is_empty() && !pair.starts_with("resourceVersion") && !pair.starts_with("limit=")
        });
        let mut query: Vec<String> = kept.map(str::to_owned).collect();
        query.push(format!("resourceVersion={version}"));
        query.push("resourceVersionMatch=Exact".to_owned());
        let path = format!("{}?{}", uri.path(), query.join("&"));
        path.parse().unwrap_or_else(|_| uri.clone())
    }
}

/// A request, as faults tell it apart.
enum Sort {
    Get,
    List,
    Watch,
    Write,
}

impl Sort {
    fn of(request: &Request<kube::client::Body>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let is_upgrade = request.headers().contains_key(header::UPGRADE);
        if request.method() != Method::GET || is_upgrade {
            Self::Write
        } else if query.contains("watch=true") || query.contains("watch=1") {
            Self::Watch
        } else if names_one(request.uri().path()) {
            Self::Get
        } else {
            Self::List
        }
    }
}

/// `/api/v1/namespaces/default/pods/web-0` names one object, `/api/v1/namespaces/default/pods` a collection.
fn names_one(path: &str) -> bool {
    let after = place(path);
    after.len() > 1
}

/// The part of a path behind group, version and namespace: `pods`, `web-0`, `status`.
fn place(path: &str) -> Vec<&str> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let skipped = match parts.first() {
        Some(&"apis") => 3,
        _ => 2,
    };
    let rest: Vec<&str> = parts.into_iter().skip(skipped).collect();
    match rest.as_slice() {
        ["namespaces", _, inner @ ..] if !inner.is_empty() && inner != ["finalize"] => {
            inner.to_vec()
        }
        _ => rest,
    }
}

fn described(request: &Request<kube::client::Body>) -> String {
    let path = place(request.uri().path());
    if request.headers().contains_key(header::UPGRADE) {
        let argv = exec::argv(request.uri().query().unwrap_or_default());
        let pod = path.get(1).copied().unwrap_or_default();
        return format!("exec {pod} {}", argv.join(" "));
    }
    let verb = match *request.method() {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "request",
    };
    format!("{verb} {}", path.join("/"))
}

fn refusal(code: u16) -> Response<Body> {
    let (reason, message) = match code {
        409 => (
            "Conflict",
            "the object has been modified; please apply your changes to the latest version",
        ),
        429 => (
            "TooManyRequests",
            "too many requests, please try again later",
        ),
        504 => (
            "Timeout",
            "the request did not complete within the allotted time",
        ),
        _ => ("InternalError", "an error on the server, as planned"),
    };
    api::refusal(&Failure::new(code, reason, message))
}

async fn call(inner: &mut InProcess, request: Request<kube::client::Body>) -> Response<Body> {
    let Ok(answer) = inner.call(request).await;
    answer
}

/// The service behind a client.
#[derive(Clone)]
struct Faulty {
    shared: Arc<Shared>,
    inner: InProcess,
}

impl Service<Request<kube::client::Body>> for Faulty {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        Box::pin(self.shared.clone().answer(self.inner.clone(), request))
    }
}
