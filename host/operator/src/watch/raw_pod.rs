//! The fields of a pod in the API that are read.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube::api::ObjectMeta;
use serde::Deserialize;

use super::metadata;
use super::slim::PodCondition;

/// A pod as the API server tells it, as far as anything is made of it. It is kept as a [`SlimPod`](super::pod::SlimPod).
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "Pod")]
pub(crate) struct RawPod {
    #[serde(deserialize_with = "metadata::slim")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: PodSpec,
    #[serde(default)]
    pub status: PodStatus,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodSpec {
    pub node_name: Option<String>,
    pub volumes: Vec<PodVolume>,
    pub containers: Vec<PodContainer>,
    pub readiness_gates: Vec<ReadinessGate>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadinessGate {
    pub condition_type: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodVolume {
    pub name: String,
    pub persistent_volume_claim: Option<ClaimSource>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimSource {
    pub claim_name: String,
}

#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodContainer {
    pub name: String,
    #[serde(default)]
    pub ports: Vec<ContainerPort>,
}

#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerPort {
    #[serde(default)]
    pub name: Option<String>,
    pub container_port: u16,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodStatus {
    pub phase: Option<String>,
    #[serde(rename = "podIP")]
    pub pod_ip: Option<String>,
    #[serde(rename = "hostIP")]
    pub host_ip: Option<String>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub start_time: Option<Timestamp>,
    pub conditions: Vec<PodCondition>,
    pub container_statuses: Vec<ContainerStatus>,
    pub init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerStatus {
    pub name: String,
    pub restart_count: u32,
    pub state: ContainerState,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct ContainerState {
    pub waiting: Option<ContainerWaiting>,
    pub running: Option<Empty>,
    pub terminated: Option<Empty>,
}

/// Only that it is there.
#[derive(Deserialize, Clone, Debug, Default)]
pub(crate) struct Empty {}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct ContainerWaiting {
    pub reason: Option<String>,
    pub message: Option<String>,
}
