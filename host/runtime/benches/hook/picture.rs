//! The app that is asked about: as the hook sees it, and as its pods stand in the API.

use std::sync::Arc;

use serde_json::{Value, json};
use stateward_runtime::{
    App, Call, Command, Effects, ExecOutput, Failure, Level, Member, Snapshot, Standing, Stream,
    Weight,
};

pub(crate) fn call() -> Call {
    Call {
        id: "pre-scale/1/0".to_owned(),
        attempt: 1,
        ..Call::default()
    }
}

pub(crate) fn snapshot(members: u32) -> Snapshot {
    let member = |ordinal| {
        Arc::new(Member {
            ordinal,
            pod: Some(uid(ordinal)),
            address: Some("10.0.0.1".to_owned()),
            standing: Standing::Ready,
            revision: "db-7d9c6b8f5".to_owned(),
            node: Some("node-1".to_owned()),
            extra: vec![(
                "host".to_owned(),
                format!("db-{ordinal}.db.shop.svc.cluster.local"),
            )],
            ..Member::default()
        })
    };
    Snapshot {
        app: Arc::new(App {
            uid: "0b1d4c5e-0000-4000-8000-000000000000".to_owned(),
            namespace: "shop".to_owned(),
            name: "db".to_owned(),
            now_ms: 1_700_000_000_000,
            generation: 1,
            current: members,
            target: members + 1,
            settings: "{}".to_owned(),
            ..App::default()
        }),
        members: (0..members).map(member).collect(),
        ..Snapshot::default()
    }
}

fn uid(ordinal: u32) -> String {
    format!("0b1d4c5e-0000-4000-8000-{ordinal:012}")
}

/// The same members as pods: one container with a volume, probes and resources, without `managedFields`.
pub(crate) fn pods(members: u32) -> Vec<Value> {
    (0..members).map(pod).collect()
}

fn pod(ordinal: u32) -> Value {
    let name = format!("db-{ordinal}");
    let since = "2026-01-01T00:00:00Z";
    let condition = |type_: &str| json!({ "type": type_, "status": "True", "lastProbeTime": null, "lastTransitionTime": since });
    let mounted = format!("kube-api-access-{ordinal}");
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "generateName": "db-", "namespace": "shop", "uid": uid(ordinal),
            "resourceVersion": "123456", "creationTimestamp": since,
            "labels": {
                "app": "db", "controller-revision-hash": "db-7d9c6b8f5",
                "apps.kubernetes.io/pod-index": ordinal.to_string(), "statefulset.kubernetes.io/pod-name": name,
            },
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": uid(0),
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "volumes": [
                { "name": "data", "persistentVolumeClaim": { "claimName": format!("data-db-{ordinal}") } },
                { "name": mounted, "projected": { "defaultMode": 420, "sources": [
                    { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                    { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
                ] } },
            ],
            "containers": [{
                "name": "mariadb", "image": "mariadb:11.4", "imagePullPolicy": "IfNotPresent",
                "ports": [{ "name": "mysql", "containerPort": 3306, "protocol": "TCP" }],
                "env": [
                    { "name": "MARIADB_ROOT_PASSWORD", "valueFrom": { "secretKeyRef": { "name": "db", "key": "root" } } },
                    { "name": "POD_NAME", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.name" } } },
                ],
                "resources": { "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "memory": "1Gi" } },
                "volumeMounts": [
                    { "name": "data", "mountPath": "/var/lib/mysql" },
                    { "name": mounted, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true },
                ],
                "readinessProbe": {
                    "tcpSocket": { "port": "mysql" }, "timeoutSeconds": 1, "periodSeconds": 10,
                    "successThreshold": 1, "failureThreshold": 3,
                },
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default", "nodeName": "node-1", "hostname": name, "subdomain": "db",
            "securityContext": {}, "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
            "tolerations": [
                { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
                { "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 },
            ],
        },
        "status": {
            "phase": "Running",
            "conditions": [condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled")],
            "hostIP": "192.168.0.1", "podIP": "10.0.0.1", "podIPs": [{ "ip": "10.0.0.1" }],
            "startTime": since, "qosClass": "Burstable",
            "containerStatuses": [{
                "name": "mariadb", "state": { "running": { "startedAt": since } }, "lastState": {}, "ready": true,
                "restartCount": 0, "image": "mariadb:11.4", "imageID": "mariadb@sha256:0123456789abcdef",
                "containerID": "containerd://0123456789abcdef", "started": true,
            }],
        },
    })
}

/// No effects: the hook only looks.
pub(crate) struct Nothing;

#[async_trait::async_trait]
impl Effects for Nothing {
    async fn dial(&self, pod: &str, _: &str) -> Result<Box<dyn Stream>, Failure> {
        Err(Failure::Unreachable(pod.to_owned()))
    }

    async fn exec(&self, pod: &str, _: Command) -> Result<ExecOutput, Failure> {
        Err(Failure::Unreachable(pod.to_owned()))
    }

    async fn secret(&self, _: &str) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    async fn put_state(&self, _: &str, _: Vec<u8>, version: u64) -> Result<u64, Failure> {
        Ok(version + 1)
    }

    fn emit(&self, _: Weight, _: &str, _: &str) {}

    fn log(&self, _: Level, _: &str) {}
}
