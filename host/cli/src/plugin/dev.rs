//! `stateward plugin dev`: build, replace the Plugin in a running cluster, and again at each change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use stateward_operator::crd::{Plugin, PluginState, PluginStatus};

use super::{built, inspect};
use crate::connection::{ClusterArguments, DEVELOPMENT_KUBECONFIG};
use crate::failure::{Ended, Failure};
use crate::output::{self, BAD, FAINT, Format, FormatArguments, GOOD, NAME, painted};
use crate::shutdown;

/// Who writes the Plugin.
const MANAGER: &str = "stateward-plugin-dev";

/// How often the files are looked at.
const LOOKS: Duration = Duration::from_millis(300);

/// How long an operator may take to say what became of the Plugin.
const PATIENCE: Duration = Duration::from_secs(90);

/// Build a plugin, serve it in the development cluster, and do so again at each change
///
/// The Plugin of the component's own name is made, or replaced without a restart: it pins the new digest and grants what the component asks for. Calls under way end on the version that began them.
/// What does not build or load is told, and the version before goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin dev                 # the crate in this folder; its cluster is `stateward dev`
  stateward plugin dev ring.wasm       # a component that another tool builds

Scripts wait for lines that begin with `serves` or `refused`.")]
pub(crate) struct DevArguments {
    /// Folder of a crate, or a component
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Serve it once, and end
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    cluster: ClusterArguments,
    #[command(flatten)]
    format: FormatArguments,
}

/// What became of one version.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    plugin: String,
    version: String,
    digest: String,
    size: usize,
    is_served: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    hooks: Vec<&'static str>,
}

pub(crate) async fn dev(arguments: DevArguments) -> Result<Ended, Failure> {
    let client = cluster(&arguments.cluster).connect().await?;
    let plugins: Api<Plugin> = Api::all(client);
    let stop = shutdown::on_signal(|text| output::note(text))?;
    loop {
        let seen = fingerprint(&arguments.path);
        let serving = serve(&arguments, &plugins);
        let ended = tokio::select! {
            served = serving => match served {
                Ok(served) => {
                    told(&served, arguments.format.output)?;
                    if served.is_served { Ended::Done } else { Ended::Failed }
                }
                // The author mends it, and the next change is looked at.
                Err(failure) if !arguments.once => {
                    output::failure(&failure);
                    Ended::Failed
                }
                Err(failure) => return Err(failure),
            },
            () = stop.cancelled() => return Ok(Ended::Done),
        };
        if arguments.once {
            return Ok(ended);
        }
        let path = arguments.path.display();
        output::note(painted(
            FAINT,
            format_args!("waiting for a change in {path}"),
        ));
        tokio::select! {
            () = changed(&arguments.path, &seen) => {}
            () = stop.cancelled() => return Ok(Ended::Done),
        }
    }
}

/// The development cluster of this folder, where there is one and no other is named.
fn cluster(given: &ClusterArguments) -> ClusterArguments {
    let is_named = given.kubeconfig.is_some() || given.context.is_some();
    let is_set = std::env::var_os("KUBECONFIG").is_some();
    let own = Path::new(DEVELOPMENT_KUBECONFIG);
    match is_named || is_set || !own.exists() {
        true => given.clone(),
        false => ClusterArguments {
            kubeconfig: Some(own.to_owned()),
            ..given.clone()
        },
    }
}

async fn serve(arguments: &DevArguments, plugins: &Api<Plugin>) -> Result<Served, Failure> {
    let path = arguments.path.clone();
    let file = match path.is_dir() {
        true => super::apart(move || built(&path, None)).await?,
        false => path,
    };
    let found = inspect::load(&file).await?;
    let (manifest, digest) = (found.plugin().manifest(), found.plugin().digest());
    let (name, digest) = (manifest.name.clone(), digest.to_string());
    let apply = PatchParams::apply(MANAGER).force();
    let patch = Patch::Apply(found.object());
    let applied = plugins.patch(&name, &apply, &patch).await;
    let applied = applied.map_err(Failure::api(format!("serving Plugin {name}")))?;
    let generation = applied.metadata.generation.unwrap_or(0);
    let status = outcome(plugins, &name, generation).await?;
    Ok(Served {
        is_served: status.state == Some(PluginState::Ready) && status.digest == digest,
        version: manifest.version.clone(),
        plugin: name,
        digest,
        size: found.size(),
        reason: status.reason,
        message: status.message,
        hooks: found.hooks(),
    })
}

/// What the operator says of this generation.
async fn outcome(
    plugins: &Api<Plugin>,
    name: &str,
    generation: i64,
) -> Result<PluginStatus, Failure> {
    let is_told = move |plugin: Option<&Plugin>| {
        let status = plugin.and_then(|plugin| plugin.status.as_ref());
        status.is_some_and(|status| status.observed_generation >= generation)
    };
    let told = kube::runtime::wait::await_condition(plugins.clone(), name, is_told);
    let silent = || {
        let seconds = PATIENCE.as_secs();
        Failure::Wrong(format!(
            "no operator said within {seconds} s what became of Plugin {name}; does one run there? `stateward dev` starts one"
        ))
    };
    let plugin = tokio::time::timeout(PATIENCE, told)
        .await
        .map_err(|_| silent())?
        .map_err(|error| Failure::Wrong(format!("Plugin {name} cannot be watched: {error}")))?;
    let gone = || Failure::NotFound(format!("Plugin {name} was deleted meanwhile"));
    plugin.and_then(|plugin| plugin.status).ok_or_else(gone)
}

fn told(served: &Served, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        let text = serde_json::to_string(served).map_err(|error| Failure::Output(error.into()))?;
        return output::line(text);
    }
    let what = format!("{} {}", painted(NAME, &served.plugin), served.version);
    let (digest, size) = (&served.digest, served.size.div_ceil(1024));
    match served.is_served {
        true => output::line(format_args!(
            "{} {what}: {digest}, {size} KiB, {}",
            painted(GOOD, "serves"),
            served.hooks.join(", ")
        )),
        false => output::line(format_args!(
            "{} {what}: {digest}: {}: {}",
            painted(BAD, "refused"),
            served.reason,
            served.message
        )),
    }
}

/// When and how long each file is that a build reads.
type Fingerprint = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

async fn changed(path: &Path, seen: &Fingerprint) {
    while fingerprint(path) == *seen {
        tokio::time::sleep(LOOKS).await;
    }
}

/// Of a folder all files but hidden ones, what is built, and components.
fn fingerprint(path: &Path) -> Fingerprint {
    let mut all = Fingerprint::new();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(about) = path.metadata() else {
            continue;
        };
        if !about.is_dir() {
            all.insert(path, (about.modified().ok(), about.len()));
            continue;
        }
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        open.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| is_source(path)),
        );
    }
    all
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_built = matches!(&*name, "target" | "node_modules" | "Cargo.lock");
    !(name.starts_with('.') || is_built || name.ends_with(".wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "one");
        let before = fingerprint(folder.path());
        for built in ["target/debug/x", "ring.wasm", ".git/index", "Cargo.lock"] {
            write(built, "built");
        }
        assert_eq!(fingerprint(folder.path()), before);
        write("src/lib.rs", "other");
        assert_ne!(fingerprint(folder.path()), before);
    }
}
