//! The controllers that a cluster without a controller manager and a scheduler needs.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    Endpoints, Node, PersistentVolume, PersistentVolumeClaim, Pod, Service,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::{Api, Client};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cache::{Cache, Changes};
use crate::endpoints::{self, EndpointsController};
use crate::errors::NodeError;
use crate::names;
use crate::nodes::{self, NodesController};
use crate::options::{ControllersOptions, StorageScope};
use crate::registration::LEASE_NAMESPACE;
use crate::scheduler::Scheduler;
use crate::storage::StorageController;

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
        let changes = Changes::new();
        let services = Cache::start(Api::<Service>::all(client.clone()), &changes, &mut tasks);
        let slices = Cache::start(
            Api::<EndpointSlice>::all(client.clone()),
            &changes,
            &mut tasks,
        );
        tasks.spawn(server.run(services, slices));
    }
    stop.cancelled().await;
    tasks.shutdown().await;
    Ok(())
}

fn start_storage(
    client: &Client,
    options: &ControllersOptions,
    tasks: &mut JoinSet<()>,
) -> Result<(), NodeError> {
    let changes = Changes::new();
    let controller = StorageController::new(
        client.clone(),
        &options.folder,
        options.storage,
        Cache::start(
            Api::<PersistentVolumeClaim>::all(client.clone()),
            &changes,
            tasks,
        ),
        Cache::start(
            Api::<PersistentVolume>::all(client.clone()),
            &changes,
            tasks,
        ),
        Cache::start(Api::<StorageClass>::all(client.clone()), &changes, tasks),
        Cache::start(Api::<Pod>::all(client.clone()), &changes, tasks),
    )?;
    tasks.spawn(controller.run(changes));
    Ok(())
}

fn start_scheduler(client: &Client, tasks: &mut JoinSet<()>) {
    let changes = Changes::new();
    let scheduler = Scheduler::new(
        client.clone(),
        Cache::start(Api::<Pod>::all(client.clone()), &changes, tasks),
        Cache::start(Api::<Node>::all(client.clone()), &changes, tasks),
        Cache::start(
            Api::<PersistentVolumeClaim>::all(client.clone()),
            &changes,
            tasks,
        ),
        Cache::start(
            Api::<PersistentVolume>::all(client.clone()),
            &changes,
            tasks,
        ),
        Cache::start(Api::<StorageClass>::all(client.clone()), &changes, tasks),
    );
    tasks.spawn(scheduler.run(changes));
}

fn start_nodes(client: &Client, tasks: &mut JoinSet<()>) {
    let changes = Changes::new();
    let controller = NodesController::new(
        client.clone(),
        nodes::Caches {
            nodes: Cache::start(Api::<Node>::all(client.clone()), &changes, tasks),
            leases: Cache::start(
                Api::<Lease>::namespaced(client.clone(), LEASE_NAMESPACE),
                &changes,
                tasks,
            ),
            pods: Cache::start(Api::<Pod>::all(client.clone()), &changes, tasks),
        },
    );
    tasks.spawn(controller.run(changes));
}

fn start_endpoints(client: &Client, tasks: &mut JoinSet<()>) {
    let changes = Changes::new();
    let controller = EndpointsController::new(
        client.clone(),
        endpoints::Caches {
            services: Cache::start(Api::<Service>::all(client.clone()), &changes, tasks),
            pods: Cache::start(Api::<Pod>::all(client.clone()), &changes, tasks),
            endpoints: Cache::start(Api::<Endpoints>::all(client.clone()), &changes, tasks),
            slices: Cache::start(Api::<EndpointSlice>::all(client.clone()), &changes, tasks),
        },
    );
    tasks.spawn(controller.run(changes));
}
