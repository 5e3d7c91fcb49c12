//! One hook call in a fresh sandbox, beside a webhook on the loopback that carries the same payload: both decide on the same snapshot, in one run, taking turns.
//!
//! `make bench` prints the medians and their ratio.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench ends at the first thing that fails"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use stateward_runtime::{
    Act, App, Call, Effects, Granted, Grants, Limits, Member, Options, Outcome, Runtime, Snapshot,
    Standing,
};
use tokio::net::{TcpListener, TcpStream};

/// Calls of each kind and size; they alternate in blocks of ten.
const CALLS: usize = 2000;

/// What the webhook is sent: what the hook gets.
#[derive(Serialize, Deserialize)]
struct Payload {
    call: Call,
    app: App,
    members: Vec<Member>,
}

fn main() {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    tokio.block_on(compare());
}

async fn compare() {
    let runtime = Runtime::new(Options::default()).expect("an engine");
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/wasm32-wasip2/plugin/stateward_hostile.wasm");
    let bytes = Bytes::from(std::fs::read(&file).expect("`make bench` builds the component"));
    let begin = Instant::now();
    let plugin = runtime.load(bytes, None).await.expect("it loads");
    println!("load, compiled: {:?}", begin.elapsed());
    let grants = Grants::all_asked(&plugin.manifest().asks);
    let granted = plugin.grant(grants, Limits::default()).expect("granted");
    let mut webhook = webhook().await;
    println!("members   hook p50    webhook p50   webhook / hook");
    for members in [0, 5, 50, 100] {
        let (hook, web) = medians(&granted, &mut webhook, members).await;
        let ratio = web.as_secs_f64() / hook.as_secs_f64();
        println!("{members:>7}   {hook:>8.1?}   {web:>11.1?}   {ratio:>14.1}");
    }
}

async fn medians(granted: &Granted, webhook: &mut Sender, members: u32) -> (Duration, Duration) {
    let snapshot = snapshot(members);
    let (mut hooks, mut webs) = (Vec::new(), Vec::new());
    for block in 0..CALLS / 10 + 10 {
        for _ in 0..10 {
            let begin = Instant::now();
            call_hook(granted, &snapshot).await;
            hooks.push(begin.elapsed());
        }
        for _ in 0..10 {
            let begin = Instant::now();
            call_webhook(webhook, &snapshot).await;
            webs.push(begin.elapsed());
        }
        if block == 9 {
            // Warm now.
            hooks.clear();
            webs.clear();
        }
    }
    hooks.sort();
    webs.sort();
    (hooks[hooks.len() / 2], webs[webs.len() / 2])
}

fn call() -> Call {
    Call {
        id: "pre-scale/1/0".to_owned(),
        attempt: 1,
        ..Call::default()
    }
}

async fn call_hook(granted: &Granted, snapshot: &Snapshot) {
    let effects: Arc<dyn Effects> = Arc::new(Nothing);
    let answer = granted.act(Act::PreScale, call(), snapshot.clone(), effects);
    assert_eq!(answer.await.expect("it answers").outcome, Outcome::Done);
}

type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

async fn call_webhook(webhook: &mut Sender, snapshot: &Snapshot) {
    let payload = Payload {
        call: call(),
        app: App::clone(&snapshot.app),
        members: snapshot
            .members
            .iter()
            .map(|one| Member::clone(one))
            .collect(),
    };
    let body = serde_json::to_vec(&payload).unwrap();
    webhook.ready().await.unwrap();
    let request = Request::post("http://127.0.0.1/")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let answer = webhook.send_request(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"{\"outcome\":\"done\"}");
}

/// A keep-alive connection to a server that parses the payload and looks at every member, as the hook does.
async fn webhook() -> Sender {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = service_fn(|request: Request<Incoming>| async move {
            let body = request.into_body().collect().await?.to_bytes();
            let payload: Payload = serde_json::from_slice(&body).unwrap();
            let sum: u32 = payload.members.iter().map(|member| member.ordinal).sum();
            std::hint::black_box(sum);
            let answer = Full::new(Bytes::from_static(b"{\"outcome\":\"done\"}"));
            Ok::<_, hyper::Error>(Response::new(answer))
        });
        let serving = hyper::server::conn::http1::Builder::new();
        serving
            .serve_connection(TokioIo::new(stream), service)
            .await
    });
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn snapshot(members: u32) -> Snapshot {
    let member = |ordinal| {
        Arc::new(Member {
            ordinal,
            pod: Some(format!("0b1d4c5e-0000-4000-8000-{ordinal:012}")),
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
            settings: format!("\"count:{members}\""),
            ..App::default()
        }),
        members: (0..members).map(member).collect(),
        ..Snapshot::default()
    }
}

/// No effects: the hook only looks.
struct Nothing;

#[async_trait::async_trait]
impl Effects for Nothing {
    async fn dial(
        &self,
        pod: &str,
        _: &str,
    ) -> Result<Box<dyn stateward_runtime::Stream>, stateward_runtime::Failure> {
        Err(stateward_runtime::Failure::Unreachable(pod.to_owned()))
    }

    async fn exec(
        &self,
        pod: &str,
        _: stateward_runtime::Command,
    ) -> Result<stateward_runtime::ExecOutput, stateward_runtime::Failure> {
        Err(stateward_runtime::Failure::Unreachable(pod.to_owned()))
    }

    async fn secret(&self, _: &str) -> Result<Vec<u8>, stateward_runtime::Failure> {
        Ok(Vec::new())
    }

    async fn put_state(
        &self,
        _: &str,
        _: Vec<u8>,
        version: u64,
    ) -> Result<u64, stateward_runtime::Failure> {
        Ok(version + 1)
    }

    fn emit(&self, _: stateward_runtime::Weight, _: &str, _: &str) {}

    fn log(&self, _: stateward_runtime::Level, _: &str) {}
}
