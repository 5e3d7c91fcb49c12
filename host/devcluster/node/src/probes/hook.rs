//! Lifecycle hooks.

use std::net::Ipv4Addr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, LifecycleHandler};

use super::action;
use crate::runtime::ContainerHandle;

/// Runs a postStart or preStop hook to its end.
pub(crate) async fn run(
    handle: &dyn ContainerHandle,
    container: &Container,
    hook: &LifecycleHandler,
    address: Option<Ipv4Addr>,
) -> Result<(), String> {
    if let Some(exec) = &hook.exec {
        return action::command(handle, exec.command.as_deref().unwrap_or_default()).await;
    }
    if let Some(http) = &hook.http_get {
        return action::get(container, http, address).await;
    }
    if let Some(sleep) = &hook.sleep {
        let seconds = u64::try_from(sleep.seconds).unwrap_or_default();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    Ok(())
}
