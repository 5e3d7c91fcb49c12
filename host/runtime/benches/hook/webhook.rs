//! A webhook on the loopback, in a process of its own as webhooks are: hyper at both ends, one connection that is kept, no TLS.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stateward_runtime::{App, Call, Member, Snapshot};
use tokio::net::{TcpListener, TcpStream};

use crate::picture;

const DONE: &[u8] = b"{\"outcome\":\"done\"}";

/// What the webhook is sent.
pub(crate) enum Sends<'a> {
    /// What the hook can see.
    Snapshot(&'a Snapshot),
    /// The pods themselves.
    Pods(&'a [Value]),
}

/// What the hook can see, as JSON.
#[derive(Serialize, Deserialize)]
struct Payload {
    call: Call,
    app: App,
    members: Vec<Member>,
}

/// Pods as they stand in the API.
#[derive(Serialize)]
struct Pods<'a> {
    call: Call,
    pods: &'a [Value],
}

/// Set in the process of the end that answers.
const SERVES: &str = "STATEWARD_BENCH_SERVES";

/// Whether this process is the end that answers.
pub(crate) fn asked_to_serve() -> bool {
    std::env::var_os(SERVES).is_some()
}

/// Answers on a port that it tells, until its standard input ends.
pub(crate) async fn serve() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    std::thread::spawn(|| {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let (stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let http = hyper::server::conn::http1::Builder::new();
    let connection = http.serve_connection(TokioIo::new(stream), service_fn(answer));
    connection.await.unwrap();
}

/// The end that asks.
pub(crate) struct Webhook {
    sender: SendRequest<Full<Bytes>>,
    server: Child,
}

impl Drop for Webhook {
    fn drop(&mut self) {
        // Its standard input ends with this.
        drop(self.server.stdin.take());
        let _status = self.server.wait();
    }
}

impl Webhook {
    /// Starts the end that answers, and connects to it.
    pub(crate) async fn start() -> Webhook {
        let mut server = Command::new(std::env::current_exe().unwrap())
            .env(SERVES, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let told = server.stdout.take().unwrap();
        BufReader::new(told).read_line(&mut address).unwrap();
        let address: SocketAddr = address.trim().parse().unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Webhook { sender, server }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&mut self, what: Sends<'_>) {
        let (path, body) = match what {
            Sends::Snapshot(snapshot) => {
                let members = snapshot.members.iter().map(|one| Member::clone(one));
                let payload = Payload {
                    call: picture::call(),
                    app: App::clone(&snapshot.app),
                    members: members.collect(),
                };
                ("http://127.0.0.1/same", serde_json::to_vec(&payload))
            }
            Sends::Pods(pods) => {
                let call = picture::call();
                let payload = Pods { call, pods };
                ("http://127.0.0.1/pods", serde_json::to_vec(&payload))
            }
        };
        let body = Full::new(Bytes::from(body.unwrap()));
        self.sender.ready().await.unwrap();
        let request = Request::post(path).body(body).unwrap();
        let answer = self.sender.send_request(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], DONE);
    }
}

/// Reads what it was sent and looks at every member, as the hook does.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let is_pods = request.uri().path() == "/pods";
    let body = request.into_body().collect().await?.to_bytes();
    let seen = if is_pods {
        let payload: Value = serde_json::from_slice(&body).unwrap();
        let pods = payload["pods"].as_array().unwrap().iter();
        pods.filter(|pod| pod["status"]["podIP"].is_string())
            .count()
    } else {
        let payload: Payload = serde_json::from_slice(&body).unwrap();
        let members = payload.members.iter();
        members.filter(|member| member.address.is_some()).count()
    };
    std::hint::black_box(seen);
    Ok(Response::new(Full::new(Bytes::from_static(DONE))))
}
