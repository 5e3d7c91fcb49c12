//! What a component is, implements, imports and asks for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use stateward_planner::world::ReadyPlugin;
use stateward_runtime::{Asks, Grants, Hook, Loading, Plugin, Runtime, RuntimeError};

use crate::failure::{Ended, Failure};
use crate::output::{self, FAINT, NAME, STRONG, painted};
use crate::run::default_plugin_cache;

/// How long compiling may take here.
const PATIENCE: Duration = Duration::from_secs(600);

/// Print what a plugin is: digest, hooks, imports, and what it asks for and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin inspect mysql.wasm
  stateward plugin inspect mysql.wasm -o json | jq -r .digest
  stateward plugin inspect mysql.wasm -o yaml   # a Plugin object that grants all it asks for: read it before you apply it")]
pub(crate) struct InspectArguments {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to print the answer
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: InspectFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum InspectFormat {
    /// For people
    #[default]
    Text,
    /// For scripts
    Json,
    /// A Plugin object for `kubectl apply`
    Yaml,
}

pub(crate) async fn inspect(arguments: InspectArguments) -> Result<Ended, Failure> {
    let found = load(&arguments.file).await?;
    match arguments.output {
        InspectFormat::Text => output::line(found.text())?,
        InspectFormat::Json => output::json(&found.summary())?,
        InspectFormat::Yaml => {
            let yaml = serde_yaml::to_string(&found.object())
                .map_err(|error| Failure::Output(std::io::Error::other(error)))?;
            output::line(yaml.trim_end())?;
        }
    }
    Ok(Ended::Done)
}

/// A component that loads.
pub(crate) struct Found {
    file: PathBuf,
    size: usize,
    plugin: Plugin,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary<'a> {
    file: &'a Path,
    size: usize,
    digest: String,
    name: &'a str,
    version: &'a str,
    hooks: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdk: Option<&'a str>,
    imports: &'a [String],
    exports: &'a [String],
    /// Milliseconds from its bytes to a plugin, and whether it was compiled in them; otherwise it came from the cache.
    load_millis: u128,
    compiled: bool,
    asks: &'a Asks,
    roles: Value,
}

/// Loads the component as the operator would.
pub(crate) async fn load(file: &Path) -> Result<Found, Failure> {
    let bytes = std::fs::read(file).map_err(|source| Failure::Read {
        path: file.to_owned(),
        source,
    })?;
    let size = bytes.len();
    let plugin = runtime()?
        .load(bytes.into(), None)
        .await
        .map_err(|source| Failure::Component {
            path: file.to_owned(),
            source,
        })?;
    Ok(Found {
        file: file.to_owned(),
        size,
        plugin,
    })
}

/// Shares the operator's default compile cache; where that cannot be used, it compiles anew.
fn runtime() -> Result<Runtime, RuntimeError> {
    let options = |cache| stateward_runtime::Options {
        cache,
        // One call at a time: `describe`.
        concurrent_calls: 1,
        // The author is told how long it took; an operator waits less.
        compile_timeout: PATIENCE,
        ..stateward_runtime::Options::default()
    };
    Runtime::new(options(default_plugin_cache())).or_else(|_| Runtime::new(options(None)))
}

impl Found {
    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// As a planner sees it, under the name of its Plugin object.
    pub(crate) fn ready(&self, name: &str) -> ReadyPlugin {
        stateward_operator::facts(name, &self.plugin)
    }

    /// The schema of the settings that its manifest brings.
    pub(crate) fn settings_schema(&self) -> Option<Value> {
        self.plugin.manifest().settings.clone()
    }

    pub(crate) fn hooks(&self) -> Vec<&'static str> {
        let hooks = self.plugin.hooks().iter();
        hooks
            .filter(|hook| **hook != Hook::Describe)
            .map(|hook| hook.name())
            .collect()
    }

    pub(crate) fn summary(&self) -> Summary<'_> {
        let manifest = self.plugin.manifest();
        Summary {
            file: &self.file,
            size: self.size,
            digest: self.plugin.digest().to_string(),
            name: &manifest.name,
            version: &manifest.version,
            hooks: self.hooks(),
            sdk: manifest.sdk.as_deref(),
            imports: self.plugin.imports(),
            exports: self.plugin.exports(),
            load_millis: self.plugin.loading().took.as_millis(),
            compiled: self.plugin.loading().compiled,
            asks: &manifest.asks,
            roles: json!(manifest.roles),
        }
    }

    /// A Plugin that pins these bytes and grants what they ask for.
    pub(crate) fn object(&self) -> Value {
        let manifest = self.plugin.manifest();
        json!({
            "apiVersion": "stateward.dev/v1alpha1",
            "kind": "Plugin",
            "metadata": {"name": manifest.name},
            "spec": {
                // Wherever the operator was started.
                "source": {"file": self.file.canonicalize().unwrap_or_else(|_| self.file.clone())},
                "digest": self.plugin.digest(),
                "grants": Grants::all_asked(&manifest.asks),
            },
        })
    }

    pub(crate) fn text(&self) -> String {
        let manifest = self.plugin.manifest();
        let mut lines = vec![
            format!("{} {}", painted(NAME, &manifest.name), manifest.version),
            row(
                "file",
                format_args!("{} ({} KiB)", self.file.display(), self.size.div_ceil(1024)),
            ),
            row("digest", self.plugin.digest()),
            row("hooks", self.hooks().join(", ")),
            row("imports", interfaces(self.plugin.imports())),
            row("exports", interfaces(self.plugin.exports())),
            row("loaded", loaded(self.plugin.loading())),
        ];
        for role in &manifest.roles {
            let traits = [(role.exclusive, "exclusive"), (role.movable, "movable")];
            let traits: Vec<_> = traits
                .iter()
                .filter_map(|(has, name)| has.then_some(*name))
                .collect();
            lines.push(row(
                "role",
                format_args!("{} ({})", role.name, traits.join(", ")),
            ));
        }
        let asks = asks(&manifest.asks);
        if asks.is_empty() {
            lines.push(row("asks", "for nothing"));
        }
        for (ask, why) in asks {
            lines.push(row(
                "asks for",
                format_args!("{ask} {}", painted(FAINT, format_args!("– {why}"))),
            ));
        }
        lines.join("\n")
    }
}

/// Our own interfaces by name. The WASI baseline is what the standard library brings, the same for every plugin.
fn interfaces(all: &[String]) -> String {
    let is_wasi = |import: &&String| import.starts_with("wasi:");
    let mut ours: Vec<_> = (all.iter())
        .filter(|import| !is_wasi(import))
        .map(|import| {
            let name = import
                .split_once('/')
                .map_or(import.as_str(), |(_, name)| name);
            name.split_once('@').map_or(name, |(name, _)| name)
        })
        .collect();
    if all.iter().any(|import| is_wasi(&import)) {
        ours.push("the WASI baseline");
    }
    ours.join(", ")
}

fn loaded(loading: &Loading) -> String {
    let millis = loading.took.as_millis();
    let waits = stateward_runtime::Options::default().compile_timeout;
    match loading.compiled {
        true if loading.took > waits => {
            let waits = waits.as_secs();
            format!("in {millis} ms, compiled now; an operator waits {waits} s at most")
        }
        true => format!("in {millis} ms, compiled now"),
        false => format!("in {millis} ms, from the cache"),
    }
}

fn row(title: &str, text: impl std::fmt::Display) -> String {
    format!("  {} {text}", painted(STRONG, format_args!("{title:<9}")))
}

/// Each ask and its reason.
fn asks(asks: &Asks) -> Vec<(String, &str)> {
    let mut all = Vec::new();
    for ask in &asks.tcp {
        all.push((format!("tcp to port {}", ask.port), ask.why.as_str()));
    }
    for ask in &asks.http {
        let (methods, paths) = (ask.methods.join(" "), ask.paths.join(" "));
        let text = format!("http to port {}: {methods} {paths}", ask.port);
        all.push((text, &ask.why));
    }
    for ask in &asks.exec {
        let (container, argv) = (&ask.container, ask.argv.join(" "));
        all.push((format!("exec in {container}: {argv}"), &ask.why));
    }
    for ask in &asks.secrets {
        let text = match ask.reference {
            true => format!("use of the secret {}, unseen", ask.slot),
            false => format!("secret {}", ask.slot),
        };
        all.push((text, &ask.why));
    }
    for ask in &asks.config {
        all.push((format!("config {}", ask.slot), &ask.why));
    }
    let plain = [
        ("TLS with any certificate", &asks.tls_unverified),
        ("metrics", &asks.metrics),
        ("state", &asks.state),
        ("requests", &asks.requests),
        ("discarding volumes", &asks.discard_volumes),
        ("events", &asks.events),
    ];
    for (name, ask) in plain {
        if let Some(ask) = ask {
            all.push((name.to_owned(), &ask.why));
        }
    }
    all
}
