//! The program under test, and manifests for it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::runtime::wait::await_condition;
use kube::{Client, Config};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `stateward` with these words, where no cluster is configured.
pub(crate) fn stateward(words: &[&str]) -> Ran {
    ran(command(words).output().unwrap())
}

/// The same, started in this folder.
pub(crate) fn stateward_in(folder: &Path, words: &[&str]) -> Ran {
    ran(command(words).current_dir(folder).output().unwrap())
}

/// The same, with a text on standard input.
pub(crate) fn stateward_reading(words: &[&str], input: &str) -> Ran {
    let mut child = command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(input.as_bytes()).unwrap();
    drop(pipe);
    ran(child.wait_with_output().unwrap())
}

pub(crate) fn command(words: &[&str]) -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_stateward")), words)
}

/// The same program from another place.
pub(crate) fn command_of(program: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(words)
        .stdin(Stdio::null())
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env_remove("STATEWARD_LOG")
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A development cluster. It ends with the value.
pub(crate) struct Dev {
    child: Child,
    pub(crate) kubeconfig: PathBuf,
}

impl Dev {
    /// Starts one with simulated pods and waits until it is ready.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Dev {
        let folder = folder.to_str().unwrap();
        let words = [&["dev", "--simulated", "--folder", folder], more].concat();
        Dev::begin(command(&words))
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn begin(mut command: Command) -> Dev {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(PathBuf::from(line.strip_prefix("ready: kubeconfig ")?)));
        // The story is read to its end, so that its teller never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let Some(kubeconfig) = ready else {
            panic!("no ready line; it ended with {:?}", child.wait());
        };
        Dev { child, kubeconfig }
    }

    /// Runs a command against the cluster.
    pub(crate) fn stateward(&self, words: &[&str]) -> Ran {
        let kubeconfig = self.kubeconfig.to_str().unwrap();
        stateward(&[words, &["--kubeconfig", kubeconfig]].concat())
    }

    /// Asks it to end; its exit code.
    pub(crate) fn end(mut self) -> i32 {
        let process = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(process, Signal::SIGTERM).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the cluster something.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(Client) -> T) -> T {
        let asking = async {
            let config = Kubeconfig::read_from(&self.kubeconfig).unwrap();
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(config, &options)
                .await
                .unwrap();
            question(Client::try_from(config).unwrap()).await
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(asking)
    }

    /// Creates the object of a manifest.
    pub(crate) fn create(&self, plural: &str, manifest: &str) {
        self.create_object(plural, serde_yaml::from_str(manifest).unwrap());
    }

    /// Creates a Plugin of this component with these grants, and waits until it is loaded.
    pub(crate) fn create_plugin(&self, name: &str, file: &str, grants: &Value) {
        let plugin = json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin",
            "metadata": { "name": name },
            "spec": { "source": { "file": file }, "grants": grants },
        });
        self.create_object("plugins", serde_json::from_value(plugin).unwrap());
        self.until("plugins", name, |plugin| {
            plugin["status"]["state"] == "Ready"
        });
    }

    /// Changes an app as `kubectl patch --type merge` does.
    pub(crate) fn merge(&self, name: &str, patch: &Value) {
        self.ask(async |client| {
            let api = namespaced(client, "statefulapps");
            let parameters = PatchParams::default();
            let patch = Patch::Merge(patch);
            api.patch(name, &parameters, &patch).await.unwrap();
        });
    }

    /// Waits until an object of ours is like that.
    pub(crate) fn until(&self, plural: &str, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.ask(async |client| {
            let seen = std::cell::RefCell::new(Value::Null);
            let condition = |object: Option<&DynamicObject>| {
                let object = serde_json::to_value(object).unwrap();
                let holds = is_so(&object);
                seen.replace(object);
                holds
            };
            let api = namespaced(client, plural);
            let waited = await_condition(api, name, condition);
            let waited = tokio::time::timeout(PATIENCE, waited).await;
            let seen = seen.into_inner();
            waited
                .unwrap_or_else(|_| panic!("{plural} {name}: {seen:#}"))
                .unwrap();
            seen
        })
    }

    fn create_object(&self, plural: &str, object: DynamicObject) {
        let types = object.types.clone().unwrap();
        let (group, version) = types
            .api_version
            .split_once('/')
            .unwrap_or(("", &types.api_version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: types.api_version.clone(),
            kind: types.kind.clone(),
            plural: plural.to_owned(),
        };
        self.ask(async |client| {
            let api: Api<DynamicObject> = match plural {
                "plugins" => Api::all_with(client, &resource),
                _ => Api::namespaced_with(client, "default", &resource),
            };
            api.create(&PostParams::default(), &object).await.unwrap();
        });
    }
}

/// Objects of ours, in the namespace where the tests have them.
fn namespaced(client: Client, plural: &str) -> Api<DynamicObject> {
    let (kind, is_everywhere) = match plural {
        "plugins" => ("Plugin", true),
        _ => ("StatefulApp", false),
    };
    let kind = GroupVersionKind::gvk("stateward.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    match is_everywhere {
        true => Api::all_with(client, &resource),
        false => Api::namespaced_with(client, "default", &resource),
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Pods end with their node, also by a hard end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A set with three pods and a claim each.
pub(crate) const WEB: &str = "\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: web
spec:
  replicas: 3
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: 'web:v1'}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Mi}}
";

/// The same as a StatefulApp.
pub(crate) fn web_as_app() -> String {
    WEB.replace("apps/v1", "stateward.dev/v1alpha1")
        .replace("StatefulSet", "StatefulApp")
}

/// Writes a manifest where the program can read it.
pub(crate) fn written(folder: &tempfile::TempDir, manifest: &str) -> String {
    let path = folder.path().join("app.yaml");
    std::fs::write(&path, manifest).unwrap();
    path.to_str().unwrap().to_owned()
}
