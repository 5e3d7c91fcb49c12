//! Upstream's kubectl, unmodified, reaches into pods: the same checks with the embedded API in between, and with the real
//! one (see `kubernetes`).

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::pty::{OpenptyResult, Winsize, openpty};
use stateward_controlplane::{Built, built};
use stateward_devcluster::{ServeOptions, Serving};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, PATIENCE};

pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Somebody with kubectl and a namespace.
pub(crate) trait Typist {
    /// kubectl, knowing its cluster and its namespace.
    async fn kubectl(&self) -> Command;

    async fn types(&self, words: &[&str], input: &str) -> Said {
        let mut child = self
            .kubectl()
            .await
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("its input");
        let running = async {
            stdin.write_all(input.as_bytes()).await.expect("it reads");
            drop(stdin);
            child.wait_with_output().await.expect("it ends")
        };
        let output = tokio::time::timeout(PATIENCE, running)
            .await
            .expect("kubectl ends in time");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// What a command says that has to succeed.
    async fn reads(&self, words: &[&str], input: &str) -> String {
        let said = self.types(words, input).await;
        assert_eq!(said.code, Some(0), "kubectl {words:?}: {}", said.err);
        said.out
    }

    async fn applies(&self, manifest: &str) {
        self.reads(&["apply", "-f", "-"], manifest).await;
    }

    async fn waits_for_ready(&self, pod: &str) {
        let pod = format!("pod/{pod}");
        self.reads(
            &["wait", "--for=condition=Ready", "--timeout=60s", &pod],
            "",
        )
        .await;
    }

    /// The same again and again, until it says what is expected.
    async fn reads_soon(&self, words: &[&str], expected: &str) {
        let mut last = String::new();
        let said = async {
            while last != expected {
                last = self.reads(words, "").await;
            }
        };
        if tokio::time::timeout(PATIENCE, said).await.is_err() {
            panic!("kubectl {words:?} does not say {expected:?} but {last:?}");
        }
    }
}

const TALKER: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: talker }
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo one; echo two; until test -e /tmp/more; do sleep 0.05; done; echo three; until test -e /tmp/end; do sleep 0.05; done; exit 3"]
"#;

/// `logs` with all that it can be asked, before, while and after a container ends.
pub(crate) async fn logs_are_read_in_every_way(user: &impl Typist) {
    user.applies(TALKER).await;
    user.waits_for_ready("talker").await;
    user.reads_soon(&["logs", "talker"], "one\ntwo\n").await;
    for (words, expected) in [
        (["logs", "talker", "--tail=1"], "two\n"),
        (["logs", "talker", "--limit-bytes=5"], "one\nt"),
        (["logs", "talker", "--since=1h"], "one\ntwo\n"),
    ] {
        assert_eq!(user.reads(&words, "").await, expected, "{words:?}");
    }
    let stamped = user.reads(&["logs", "talker", "--timestamps"], "").await;
    for (line, said) in stamped.lines().zip(["one", "two"]) {
        let (time, text) = line.split_once(' ').expect("a time");
        time.parse::<jiff::Timestamp>().expect("a time");
        assert_eq!(text, said);
    }
    let later = ["logs", "talker", "--since-time=2999-01-01T00:00:00Z"];
    assert_eq!(user.reads(&later, "").await, "");
    let none = user.types(&["logs", "talker", "--previous"], "").await;
    assert_eq!(none.code, Some(1));
    let expected = "Error from server (BadRequest): previous terminated container \"main\" in pod \"talker\" not found";
    assert!(none.err.contains(expected), "{}", none.err);

    let mut following = user
        .kubectl()
        .await
        .args(["logs", "talker", "--follow"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl starts");
    let mut lines = BufReader::new(following.stdout.take().expect("its output")).lines();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        line.expect("a line in time").expect("it is read")
    };
    assert_eq!(next().await.as_deref(), Some("one"));
    assert_eq!(next().await.as_deref(), Some("two"));
    let touch = |file| ["exec", "talker", "--", "touch", file];
    user.reads(&touch("/tmp/more"), "").await;
    assert_eq!(next().await.as_deref(), Some("three"));
    user.reads(&touch("/tmp/end"), "").await;
    assert_eq!(next().await, None);
    let ended = tokio::time::timeout(PATIENCE, following.wait()).await;
    assert!(ended.expect("it ends").expect("it ended").success());

    user.waits_for_ready("talker").await;
    let previous = ["logs", "talker", "--previous"];
    user.reads_soon(&previous, "one\ntwo\nthree\n").await;
    user.reads_soon(&["logs", "talker"], "one\ntwo\n").await;
}

/// A pod that serves a page.
pub(crate) const SITE: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: site }
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: httpd
    readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 }
"#;

pub(crate) async fn ports_are_forwarded(user: &impl Typist) {
    user.applies(SITE).await;
    user.waits_for_ready("site").await;
    let mut forwarding = user
        .kubectl()
        .await
        .args(["port-forward", "pod/site", ":80", ":81"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl starts");
    let mut lines = BufReader::new(forwarding.stdout.take().expect("its output")).lines();
    let mut told = BufReader::new(forwarding.stderr.take().expect("its errors")).lines();
    let mut ports = std::collections::BTreeMap::new();
    let begun = async {
        while ports.len() < 2 {
            let Some(line) = lines.next_line().await.expect("it is read") else {
                panic!("kubectl ends: {:?}", told.next_line().await);
            };
            // Forwarding from 127.0.0.1:40000 -> 80
            if let Some((from, to)) = line.split_once(" -> ")
                && let Some(port) = from.strip_prefix("Forwarding from 127.0.0.1:")
            {
                ports.insert(to.to_owned(), port.parse::<u16>().expect("a port"));
            }
        }
    };
    tokio::time::timeout(PATIENCE, begun)
        .await
        .expect("it forwards");

    let asking = async {
        // Side by side, and one after the other over the same tunnel.
        for _ in 0..2 {
            let (one, other) = tokio::join!(page(ports["80"]), page(ports["80"]));
            for page in [one, other] {
                assert!(
                    page.ends_with("<h1>It works!</h1></body></html>\n"),
                    "{page}"
                );
            }
        }
        assert_eq!(page(ports["81"]).await, "");
        loop {
            let line = told.next_line().await.expect("it is read");
            let line = line.expect("kubectl tells why nothing is there");
            if line.contains("error forwarding port 81 to pod") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("the pod answers");
    forwarding.kill().await.expect("killed");
}

/// The whole answer; nothing where the connection is cut.
async fn page(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("kubectl listens");
    let request = b"GET / HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n";
    let (mut answer, mut sent) = (String::new(), stream.write_all(request).await.is_ok());
    sent &= stream.read_to_string(&mut answer).await.is_ok();
    if sent { answer } else { String::new() }
}

/// A terminal on either side: the size of this one is told to that one.
pub(crate) async fn a_terminal_is_as_large_as_the_users(user: &impl Typist) {
    user.applies(SITE).await;
    user.waits_for_ready("site").await;
    let size = Winsize {
        ws_row: 33,
        ws_col: 91,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let OpenptyResult { master, slave } = openpty(Some(&size), None).expect("a terminal");
    let script = "until test \"$(stty size)\" = '33 91'; do :; done; echo sized $(tty); exit 5";
    let mut child = user
        .kubectl()
        .await
        .args(["exec", "-it", "site", "--", "sh", "-c", script])
        .stdin(slave.try_clone().expect("its input"))
        .stdout(slave.try_clone().expect("its output"))
        .stderr(slave)
        .spawn()
        .expect("kubectl starts");
    let shown = tokio::task::spawn_blocking(move || {
        let (mut shown, mut terminal) = (Vec::new(), File::from(master));
        match terminal.read_to_end(&mut shown) {
            // Nobody holds the other side any more.
            Err(error) if error.kind() != ErrorKind::Interrupted => {}
            ended => drop(ended.expect("it is read")),
        }
        String::from_utf8_lossy(&shown).into_owned()
    });
    let ended = tokio::time::timeout(PATIENCE, child.wait())
        .await
        .expect("kubectl ends");
    assert_eq!(ended.expect("ended").code(), Some(5));
    let shown = shown.await.expect("shown");
    assert!(shown.contains("sized /dev/pts/0\r\n"), "{shown}");
}

/// A pod that writes until it ends.
pub(crate) const ENDLESS: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: endless }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: busybox, command: [sh, -c, "while :; do echo again; sleep 0.01; done"] }]
"#;

/// What a container writes is seen while it is written, until it ends.
pub(crate) async fn a_container_is_attached_to(user: &impl Typist) {
    user.applies(ENDLESS).await;
    user.waits_for_ready("endless").await;
    let mut attached = user
        .kubectl()
        .await
        .args(["attach", "endless"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl starts");
    let mut lines = BufReader::new(attached.stdout.take().expect("its output")).lines();
    let watching = async {
        let first = lines.next_line().await.expect("it is read");
        assert_eq!(first.as_deref(), Some("again"));
        user.reads(&["delete", "pod", "endless"], "").await;
        while lines.next_line().await.expect("it is read").is_some() {}
        attached.wait().await.expect("it ends")
    };
    let ended = tokio::time::timeout(PATIENCE, watching).await;
    assert!(ended.expect("it ends in time").success());
}

pub(crate) async fn files_are_copied_to_and_fro(user: &impl Typist) {
    user.applies(SITE).await;
    user.waits_for_ready("site").await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("page"), "copied\n").expect("written");
    user.reads(&["cp", &path("page"), "site:/tmp/page"], "")
        .await;
    let seen = user
        .reads(&["exec", "site", "--", "cat", "/tmp/page"], "")
        .await;
    assert_eq!(seen, "copied\n");
    user.reads(&["cp", "site:/tmp/page", &path("back")], "")
        .await;
    assert_eq!(
        std::fs::read_to_string(path("back")).expect("copied back"),
        "copied\n"
    );
}

/// kubectl in front of the embedded API.
struct Desk {
    program: PathBuf,
    home: TempDir,
    stop: CancellationToken,
    _bed: Bed,
    _serving: Serving,
}

impl Desk {
    async fn new() -> Self {
        let bed = Bed::process().await;
        let stop = CancellationToken::new();
        let serving = bed
            .cluster
            .serve(ServeOptions::on_port(0), stop.clone())
            .await
            .expect("served");
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(config(home.path()), &serving.kubeconfig_yaml).expect("written");
        let program = tokio::task::spawn_blocking(|| built(Built::ControlPlane))
            .await
            .expect("no panic")
            .expect("kubectl is built");
        Self {
            program,
            home,
            stop,
            _bed: bed,
            _serving: serving,
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn config(home: &Path) -> PathBuf {
    home.join("config")
}

impl Typist for Desk {
    async fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("kubectl")
            .env("KUBECONFIG", config(self.home.path()))
            .env("HOME", self.home.path())
            .kill_on_drop(true);
        command
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_logs_of_the_embedded_cluster_in_every_way() {
    let desk = Desk::new().await;
    logs_are_read_in_every_way(&desk).await;
    a_container_is_attached_to(&desk).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_forwards_ports_of_the_embedded_cluster() {
    ports_are_forwarded(&Desk::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_has_a_terminal_in_a_pod_of_the_embedded_cluster_and_copies_files() {
    let desk = Desk::new().await;
    a_terminal_is_as_large_as_the_users(&desk).await;
    files_are_copied_to_and_fro(&desk).await;
}
