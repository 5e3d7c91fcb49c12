//! The controllers that a cluster without a controller manager and a scheduler needs.

use std::fmt::Debug;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cache::{Cache, Changes};
use crate::endpoints::{self, EndpointsController};
use crate::errors::NodeError;
use crate::names;
use crate::nodes::{self, NodesController};
use crate::options::{ControllersOptions, StorageScope};
use crate::registration::LEASE_NAMESPACE;
use crate::scheduler::{self, Scheduler};
use crate::storage::{self, StorageController};

/// Runs the chosen controllers until `stop` is cancelled.
///
/// # Errors
/// When the address for cluster DNS cannot be listened on, or the volume folder cannot be used.
pub async fn run_controllers(
    client: Client,
    options: ControllersOptions,
    stop: CancellationToken,
) -> Result<(), NodeError> {
    let mut tasks = JoinSet::new();
    let names = match options.dns {
        Some(address) => Some(names::Server::bind(address).await?),
        None => None,
    };
    if options.storage != StorageScope::Off {
        start_storage(&client, &options, &mut tasks)?;
    }
    if options.scheduler {
        start_scheduler(&client, &mut tasks);
    }
    if options.nodes {
        start_nodes(&client, &mut tasks);
    }
    if options.endpoints {
        start_endpoints(&client, &mut tasks);
    }
    if let Some(server) = names {
        let mut watching = Watching::new(&client, &mut tasks);
        let (services, slices) = (watching.all(), watching.all());
        tasks.spawn(server.run(services, slices));
    }
    stop.cancelled().await;
    tasks.shutdown().await;
    Ok(())
}

/// Starts the caches of one controller, which all give the same signal.
struct Watching<'a> {
    client: &'a Client,
    changes: Changes,
    tasks: &'a mut JoinSet<()>,
}

impl<'a> Watching<'a> {
    fn new(client: &'a Client, tasks: &'a mut JoinSet<()>) -> Self {
        Self {
            client,
            changes: Changes::new(),
            tasks,
        }
    }

    fn all<K>(&mut self) -> Cache<K>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let api = Api::all(self.client.clone());
        Cache::start(api, &self.changes, self.tasks)
    }
}

fn start_storage(
    client: &Client,
    options: &ControllersOptions,
    tasks: &mut JoinSet<()>,
) -> Result<(), NodeError> {
    let mut watching = Watching::new(client, tasks);
    let caches = storage::Caches {
        claims: watching.all(),
        volumes: watching.all(),
        classes: watching.all(),
        pods: watching.all(),
    };
    let changes = watching.changes;
    let folder = &options.folder;
    let controller = StorageController::new(client.clone(), folder, options.storage, caches)?;
    tasks.spawn(controller.run(changes));
    Ok(())
}

fn start_scheduler(client: &Client, tasks: &mut JoinSet<()>) {
    let mut watching = Watching::new(client, tasks);
    let caches = scheduler::Caches {
        pods: watching.all(),
        nodes: watching.all(),
        claims: watching.all(),
        volumes: watching.all(),
        classes: watching.all(),
    };
    let changes = watching.changes;
    tasks.spawn(Scheduler::new(client.clone(), caches).run(changes));
}

fn start_nodes(client: &Client, tasks: &mut JoinSet<()>) {
    let mut watching = Watching::new(client, tasks);
    let leases = Api::<Lease>::namespaced(client.clone(), LEASE_NAMESPACE);
    let caches = nodes::Caches {
        nodes: watching.all(),
        leases: Cache::start(leases, &watching.changes, watching.tasks),
        pods: watching.all(),
    };
    let changes = watching.changes;
    tasks.spawn(NodesController::new(client.clone(), caches).run(changes));
}

fn start_endpoints(client: &Client, tasks: &mut JoinSet<()>) {
    let mut watching = Watching::new(client, tasks);
    let caches = endpoints::Caches {
        services: watching.all(),
        pods: watching.all(),
        endpoints: watching.all(),
        slices: watching.all(),
    };
    let changes = watching.changes;
    tasks.spawn(EndpointsController::new(client.clone(), caches).run(changes));
}
