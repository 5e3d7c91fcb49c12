//! Data stores that Debian has not: their image recipes with the servers themselves. etcd is part of the Kubernetes of
//! these tests; the others come from Maven, and `make soak` runs them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use stateward_controlplane::{Built, built};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::agent::{Served, own_program};
use crate::bed::{Bed, PATIENCE, address};
use crate::servers::{http, pod};

/// A cluster with a node that has a folder of programs on its PATH.
struct Stores {
    bed: Bed,
    programs: PathBuf,
    _agent: Child,
    _served: Served,
}

impl Stores {
    async fn with(programs: &Path, pods: &str) -> Self {
        let served = Served::new().await;
        let mut agent = served.agent(&own_program(), served.folder.path(), pods);
        let path = std::env::var("PATH").unwrap_or_default();
        agent.env("PATH", format!("{}/bin:{path}", programs.display()));
        Self {
            bed: Bed::around(&served.cluster),
            programs: programs.to_owned(),
            _agent: agent.spawn().expect("started"),
            _served: served,
        }
    }

    /// Starts one member, which sees the programs where they are; answers its address.
    async fn start(&self, name: &str, image: &str, port: u16) -> String {
        let folder = self.programs.display();
        let mounts = format!(
            "    volumeMounts: [{{ name: programs, mountPath: {folder}, readOnly: true }}]\n  volumes: [{{ name: programs, hostPath: {{ path: {folder} }} }}]"
        );
        self.bed.apply(&pod(name, image, port, &mounts)).await;
        address(&self.bed.until_ready(name).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_keeps_what_it_is_told() {
    let kubernetes = tokio::task::spawn_blocking(|| built(Built::ControlPlane))
        .await
        .expect("no panic")
        .expect("it is built");
    // Beside it, so that it need not be copied.
    let folder = tempfile::tempdir_in(kubernetes.parent().expect("a folder")).expect("a folder");
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).expect("made");
    std::fs::hard_link(&kubernetes, bin.join("kubernetes")).expect("linked");
    let program = bin.join("etcd");
    let script = format!("#!/bin/sh\nexec {}/kubernetes etcd \"$@\"\n", bin.display());
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("made a program");
    let stores = Stores::with(folder.path(), "127.104.0.0").await;

    let address = stores
        .start("etcd-0", "quay.io/coreos/etcd:v3.6.1", 2379)
        .await;

    let post = async |path: &str, body: &str| {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        http(&address, 2379, &request).await
    };
    // foo and bar
    let put = post("/v3/kv/put", r#"{"key":"Zm9v","value":"YmFy"}"#).await;
    assert!(put.starts_with("HTTP/1.1 200"), "{put}");
    let found = post("/v3/kv/range", r#"{"key":"Zm9v"}"#).await;
    assert!(found.contains(r#""value":"YmFy""#), "{found}");
    let members = post("/v3/cluster/member/list", "{}").await;
    assert!(
        members.contains(r#""name":"etcd-0""#) && members.contains(&address),
        "{members}"
    );
}

async fn brought(store: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/servers/build");
    let output = tokio::process::Command::new(script)
        .arg(store)
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("the script runs");
    assert!(output.status.success(), "{store} is brought");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// What a server answers to some bytes, as far as `length`.
async fn answer(address: &str, port: u16, question: &[u8], length: usize) -> Vec<u8> {
    let asking = async {
        let mut stream = TcpStream::connect((address, port))
            .await
            .expect("it listens");
        stream.write_all(question).await.expect("asked");
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).await.expect("answered");
        answer
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "brings ZooKeeper from Maven, 18 MB; part of make soak"]
async fn zookeeper_serves() {
    let stores = Stores::with(&brought("zookeeper").await, "127.105.0.0").await;
    let address = stores.start("zk-0", "zookeeper:3.9", 2181).await;

    let banner = answer(&address, 2181, b"srvr", 18).await;

    assert_eq!(String::from_utf8_lossy(&banner), "Zookeeper version:");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "brings Kafka from Maven, 43 MB; part of make soak"]
async fn kafka_serves() {
    let stores = Stores::with(&brought("kafka").await, "127.106.0.0").await;
    let address = stores.start("kafka-0", "apache/kafka:4.2.1", 9092).await;

    // ApiVersions (18) in version 0, with the number 7 and no client's name; the answer begins with the number and no error.
    let question = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255];
    let said = answer(&address, 9092, &question, 10).await;

    assert_eq!(said[4..], [0, 0, 0, 7, 0, 0]);
    let pods = stores.bed.api::<Pod>();
    let log = pods.logs("kafka-0", &LogParams::default()).await;
    assert!(log.expect("a log").contains("Kafka Server started"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "brings Cassandra from Maven, 67 MB; part of make soak"]
async fn cassandra_serves() {
    let stores = Stores::with(&brought("cassandra").await, "127.107.0.0").await;
    let address = stores.start("cassandra-0", "cassandra:5.0", 9042).await;

    // OPTIONS (5) in version 4 of CQL; the answer is SUPPORTED (6).
    let question = [4, 0, 0, 0, 5, 0, 0, 0, 0];
    let said = answer(&address, 9042, &question, 5).await;

    assert_eq!(said, [0x84, 0, 0, 0, 6]);
}
