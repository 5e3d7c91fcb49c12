//! Data stores that Debian has not: their image recipes with the servers themselves. etcd is part of the Kubernetes of
//! these tests; the others come from Maven, and `make soak` runs them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use stateward_controlplane::{Built, built};
use tempfile::TempDir;
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
        let dns = pods.replace(".0.0", ".200.53:53");
        agent.args(["--dns", &dns]);
        agent.env("PATH", format!("{}/bin:{path}", programs.display()));
        Self {
            bed: Bed::around(&served.cluster),
            programs: programs.to_owned(),
            _agent: agent.spawn().expect("started"),
            _served: served,
        }
    }

    /// The programs, where they are.
    fn mounts(&self) -> String {
        let folder = self.programs.display();
        format!(
            "    volumeMounts: [{{ name: programs, mountPath: {folder}, readOnly: true }}]\n  volumes: [{{ name: programs, hostPath: {{ path: {folder} }} }}]"
        )
    }

    /// Starts one member; answers its address.
    async fn start(&self, name: &str, image: &str, port: u16) -> String {
        let member = pod(name, image, port, &self.mounts());
        self.bed.apply(&member).await;
        address(&self.bed.until_ready(name).await)
    }

    /// Starts three members that find each other by name; answers their addresses.
    async fn start_three(
        &self,
        store: &str,
        image: &str,
        port: u16,
        variables: impl Fn(usize) -> String,
    ) -> Vec<String> {
        let service = "spec: { clusterIP: None, publishNotReadyAddresses: true";
        self.bed
            .apply(&format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{ name: {store} }}\n{service}, selector: {{ app: {store} }}, ports: [{{ port: {port} }}] }}\n"
            ))
            .await;
        let names = [0, 1, 2].map(|at| format!("{store}-{at}"));
        for (at, name) in names.iter().enumerate() {
            let more = format!(
                "    env: {}\n{}\n  hostname: {name}\n  subdomain: {store}",
                variables(at),
                self.mounts()
            );
            let labelled = format!("{{ name: {name}, labels: {{ app: {store} }} }}");
            let member = pod(name, image, port, &more);
            let member = member.replace(&format!("{{ name: {name} }}"), &labelled);
            self.bed.apply(&member).await;
        }
        let mut addresses = Vec::new();
        for name in &names {
            addresses.push(address(&self.bed.until_ready(name).await));
        }
        addresses
    }
}

/// A folder with a program named etcd; it goes with the value.
async fn etcd() -> TempDir {
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
    folder
}

async fn post(address: &str, path: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    http(address, 2379, &request).await
}

/// foo is bar
const PUT: &str = r#"{"key":"Zm9v","value":"YmFy"}"#;
const FOUND: &str = r#""value":"YmFy""#;

#[tokio::test(flavor = "multi_thread")]
async fn etcd_keeps_what_it_is_told() {
    let folder = etcd().await;
    let stores = Stores::with(folder.path(), "127.104.0.0").await;
    let address = stores
        .start("etcd-0", "quay.io/coreos/etcd:v3.6.1", 2379)
        .await;

    let put = post(&address, "/v3/kv/put", PUT).await;
    assert!(put.starts_with("HTTP/1.1 200"), "{put}");
    let found = post(&address, "/v3/kv/range", r#"{"key":"Zm9v"}"#).await;
    assert!(found.contains(FOUND), "{found}");
    let members = post(&address, "/v3/cluster/member/list", "{}").await;
    assert!(
        members.contains(r#""name":"etcd-0""#) && members.contains(&address),
        "{members}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_etcd_find_each_other_by_name() {
    let folder = etcd().await;
    let stores = Stores::with(folder.path(), "127.108.0.0").await;
    let url = |at: usize| format!("http://etcd-{at}.etcd:2380");
    let all = [0, 1, 2]
        .map(|at| format!("etcd-{at}={}", url(at)))
        .join(",");

    let addresses = stores
        .start_three("etcd", "etcd:v3.6.1", 2379, |at| {
            format!(
                "[{{ name: ETCD_INITIAL_CLUSTER, value: \"{all}\" }}, {{ name: ETCD_INITIAL_ADVERTISE_PEER_URLS, value: \"{}\" }}]",
                url(at)
            )
        })
        .await;

    let put = post(&addresses[0], "/v3/kv/put", PUT).await;
    assert!(put.starts_with("HTTP/1.1 200"), "{put}");
    let found = post(&addresses[2], "/v3/kv/range", r#"{"key":"Zm9v"}"#).await;
    assert!(found.contains(FOUND), "{found}");
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

    // It listens before it serves.
    let serving = async {
        while !everything(&address, 2181, b"srvr")
            .await
            .contains("Mode: standalone")
        {}
    };
    tokio::time::timeout(PATIENCE, serving)
        .await
        .expect("it serves");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "brings ZooKeeper from Maven, 18 MB; part of make soak"]
async fn members_of_zookeeper_elect_a_leader() {
    let stores = Stores::with(&brought("zookeeper").await, "127.109.0.0").await;
    let servers = [1, 2, 3].map(|id| format!("server.{id}=zk-{}.zk:2888:3888;2181", id - 1));

    let addresses = stores
        .start_three("zk", "zookeeper:3.9", 2181, |at| {
            format!(
                "[{{ name: ZOO_MY_ID, value: \"{}\" }}, {{ name: ZOO_SERVERS, value: \"{}\" }}]",
                at + 1,
                servers.join(" ")
            )
        })
        .await;

    let elected = async {
        loop {
            let mut leaders = 0;
            let mut followers = 0;
            for address in &addresses {
                let said = everything(address, 2181, b"srvr").await;
                leaders += usize::from(said.contains("Mode: leader"));
                followers += usize::from(said.contains("Mode: follower"));
            }
            if (leaders, followers) == (1, 2) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, elected)
        .await
        .expect("they agree");
}

/// All that a server says before it hangs up.
async fn everything(address: &str, port: u16, question: &[u8]) -> String {
    let mut stream = TcpStream::connect((address, port))
        .await
        .expect("it listens");
    stream.write_all(question).await.expect("asked");
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.expect("answered");
    String::from_utf8_lossy(&said).into_owned()
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
