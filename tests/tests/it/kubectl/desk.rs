//! A cluster without controllers, and somebody with `kubectl` in front of it.

use std::io::{BufRead, BufReader, Write};
use std::process::Child;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stateward_devcluster::{Cluster, ServeOptions, Serving};
use stateward_tests::bed::stateward;
use stateward_tests::kubectl::Kubectl;
use stateward_tests::user::Face;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Lives as long as a test.
pub(super) struct Desk {
    kubectl: Kubectl,
    stop: CancellationToken,
    _home: TempDir,
    _serving: Serving,
}

impl Desk {
    /// With the definitions of our own kinds.
    pub(super) async fn new() -> Result<Self> {
        let stop = CancellationToken::new();
        let cluster = Cluster::in_memory();
        let serving = cluster.serve(ServeOptions::default(), stop.clone()).await?;
        let home = tempfile::tempdir()?;
        let kubeconfig = home.path().join("config");
        std::fs::File::create(&kubeconfig)?.write_all(serving.kubeconfig_yaml.as_bytes())?;
        let desk = Self {
            kubectl: Kubectl::new(&crate::kubectl().await?, &kubeconfig),
            stop,
            _home: home,
            _serving: serving,
        };
        let definitions = Command::new(stateward()?).arg("crd").output().await?;
        let definitions = String::from_utf8(definitions.stdout)?;
        let (is_fine, said) = desk
            .types("apply --server-side -f -", &[], &definitions)
            .await?;
        ensure!(is_fine, "the definitions: {said}");
        Ok(desk)
    }

    /// Types a command; `input` is what it reads where it says `-f -`.
    pub(super) async fn run(&self, words: &str, input: &Value) -> Result<(bool, String)> {
        self.types(words, &[], &input.to_string()).await
    }

    /// The same, with variables of the environment.
    pub(super) async fn types(
        &self,
        words: &str,
        environment: &[(&str, &str)],
        input: &str,
    ) -> Result<(bool, String)> {
        let words: Vec<_> = words.split(' ').collect();
        let mut command = Command::from(self.kubectl.command(&words));
        command.envs(environment.iter().copied()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("no input")?;
        tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), said))
    }

    /// Types a command that has to succeed and to say `expected`.
    pub(super) async fn says(&self, words: &str, expected: &str) -> Result<()> {
        self.reads(words, &Value::Null, expected).await
    }

    /// The same with something to read.
    pub(super) async fn reads(&self, words: &str, input: &Value, expected: &str) -> Result<()> {
        let (is_fine, said) = self.run(words, input).await?;
        ensure!(is_fine, "kubectl {words}: {said}");
        ensure!(
            said.contains(expected),
            "kubectl {words} says no {expected:?}: {said}"
        );
        Ok(())
    }

    /// A command that goes on until it is dropped.
    pub(super) fn follows(&self, words: &str) -> Result<Following> {
        let words: Vec<_> = words.split(' ').collect();
        let mut child = self.kubectl.command(&words).spawn()?;
        let lines = child.stdout.take().context("no output")?;
        let (tell, told) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Following { child, told })
    }

    /// The UID of the app.
    pub(super) async fn uid(&self, face: Face) -> Result<String> {
        let words = format!("get {} web -o jsonpath={{.metadata.uid}}", face.resource());
        Ok(self.run(&words, &Value::Null).await?.1)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A command that goes on.
pub(super) struct Following {
    child: Child,
    told: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Following {
    /// Waits for a line that holds `expected`.
    pub(super) async fn until(&mut self, expected: &str) -> Result<String> {
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
        let mut seen = Vec::new();
        let line = async {
            while let Some(line) = self.told.recv().await {
                seen.push(line.clone());
                if line.contains(expected) {
                    return Some(line);
                }
            }
            None
        };
        let line = tokio::time::timeout(PATIENCE, line).await;
        line.ok()
            .flatten()
            .with_context(|| format!("no {expected:?} in {seen:?}"))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `apiVersion` and `kind` of a face.
pub(super) fn types(face: Face) -> (&'static str, &'static str) {
    match face {
        Face::StatefulSet => ("apps/v1", "StatefulSet"),
        Face::StatefulApp => ("stateward.dev/v1alpha1", "StatefulApp"),
    }
}

/// The app `web` in a face.
pub(super) fn app(face: Face, image: &str) -> Value {
    let (api_version, kind) = types(face);
    json!({
        "apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 2, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    })
}

/// A pod, of the app with this UID where one is given.
pub(super) fn pod(name: &str, owner: Option<(Face, &str)>) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"nodeName": "one", "containers": [{"name": "main", "image": "web:1"}]},
    });
    if let Some((face, uid)) = owner {
        let (api_version, kind) = types(face);
        pod["metadata"]["ownerReferences"] = json!([{
            "apiVersion": api_version, "kind": kind, "name": "web", "uid": uid,
            "controller": true, "blockOwnerDeletion": true,
        }]);
    }
    pod
}
