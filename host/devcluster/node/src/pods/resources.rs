//! A container's requests and limits, as `resourceFieldRef` gives them to it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Written;
use stateward_quantity::Quantity;
use thiserror::Error;

use crate::registration;

#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ResourceError {
    #[error("the pod has no container {0:?}")]
    NoContainer(String),
    #[error(
        "resource {0:?} is not one that is given; it is limits. or requests. followed by cpu, memory, ephemeral-storage or hugepages-…"
    )]
    Unknown(String),
    #[error("divisor {0:?} is not a quantity above zero")]
    Divisor(String),
}

/// The amount in units of the divisor, rounded up. A limit that is not set is what the node has, as with a kubelet.
pub(crate) fn resource(
    pod: &Pod,
    own: Option<&Container>,
    selector: &ResourceFieldSelector,
) -> Result<String, ResourceError> {
    let container = match selector.container_name.as_deref() {
        None | Some("") => own,
        Some(name) => containers(pod).find(|container| container.name == name),
    }
    .ok_or_else(|| {
        ResourceError::NoContainer(selector.container_name.clone().unwrap_or_default())
    })?;
    let unknown = || ResourceError::Unknown(selector.resource.clone());
    let (kind, name) = selector.resource.split_once('.').ok_or_else(unknown)?;
    if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !name.starts_with("hugepages-") {
        return Err(unknown());
    }
    let resources = container.resources.clone().unwrap_or_default();
    let amount = match kind {
        "limits" => find(resources.limits.as_ref(), name)
            .or_else(|| find(Some(&registration::capacity()), name)),
        "requests" => find(resources.requests.as_ref(), name),
        _ => return Err(unknown()),
    };
    let divisor = selector
        .divisor
        .as_ref()
        .map(|divisor| divisor.0.as_str())
        .filter(|divisor| !matches!(*divisor, "" | "0"))
        .unwrap_or("1");
    let wrong = || ResourceError::Divisor(divisor.to_owned());
    let unit: Quantity = divisor.parse().map_err(|_none| wrong())?;
    let amount = amount.as_deref().unwrap_or("0").parse::<Quantity>();
    let amount = amount.map_or(Some(0), |amount| amount.in_units_of(unit));
    Ok(amount.ok_or_else(wrong)?.max(0).to_string())
}

fn containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    pod.spec.iter().flat_map(|spec| {
        spec.init_containers
            .iter()
            .flatten()
            .chain(&spec.containers)
    })
}

fn find(amounts: Option<&BTreeMap<String, Written>>, name: &str) -> Option<String> {
    amounts?.get(name).map(|quantity| quantity.0.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_given_in_units_of_the_divisor_and_a_missing_limit_is_the_nodes() {
        let container = json!({ "name": "c", "resources": {
            "requests": { "cpu": "1500m", "memory": "64Mi" }, "limits": { "memory": "1Gi" },
        } });
        let pod: Pod = serde_json::from_value(
            json!({ "metadata": {}, "spec": { "containers": [container] } }),
        )
        .expect("a pod");
        let given = |name: &str, divisor: &str| {
            let selector = serde_json::from_value(
                json!({ "containerName": "c", "resource": name, "divisor": divisor }),
            );
            resource(&pod, None, &selector.expect("a selector"))
        };

        assert_eq!(given("requests.cpu", "1"), Ok("2".to_owned()));
        assert_eq!(given("requests.cpu", "1m"), Ok("1500".to_owned()));
        assert_eq!(given("requests.memory", "1Mi"), Ok("64".to_owned()));
        assert_eq!(given("limits.memory", "0"), Ok("1073741824".to_owned()));
        assert_eq!(given("requests.ephemeral-storage", ""), Ok("0".to_owned()));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(given("limits.cpu", "1"), Ok(processors.to_string()));
        assert!(given("limits.luck", "1").is_err());
        assert!(given("memory", "1").is_err());
    }
}
