//! `stateward plugin new|build|inspect|run|test|check|dev`.

pub(crate) mod build;
mod check;
mod component;
mod dev;
mod exchange;
pub(crate) mod inspect;
mod new;
mod run;
mod scenario;
mod test;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::with::singleton_map_recursive;

use crate::failure::{Ended, Failure};
use crate::output::{self, Format, FormatArguments};

/// Start a plugin, build it, look into it, test it, try it
#[derive(Debug, clap::Args)]
pub(crate) struct PluginArguments {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PluginCommand {
    New(new::NewArguments),
    Build(BuildArguments),
    Inspect(inspect::InspectArguments),
    Run(run::RunArguments),
    Test(test::TestArguments),
    Check(check::CheckArguments),
    Dev(dev::DevArguments),
}

/// Build the plugin of a crate with cargo, check that it loads, and report on it
///
/// Uses the profile `plugin` where the workspace has one, otherwise `release` made small.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin build                    # the crate in this folder
  stateward plugin build plugins/mysql --out mysql.wasm
  stateward plugin build -o json | jq -r .digest")]
struct BuildArguments {
    /// Folder of the crate
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Where to put the component [default: it stays in cargo's target folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
}

pub(crate) async fn plugin(arguments: PluginArguments) -> Result<Ended, Failure> {
    match arguments.command {
        PluginCommand::New(arguments) => new::new(&arguments),
        PluginCommand::Build(arguments) => build(arguments).await,
        PluginCommand::Inspect(arguments) => inspect::inspect(arguments).await,
        PluginCommand::Run(arguments) => run::run(arguments).await,
        PluginCommand::Test(arguments) => test::test(arguments).await,
        PluginCommand::Check(arguments) => check::check(arguments).await,
        PluginCommand::Dev(arguments) => dev::dev(arguments).await,
    }
}

async fn build(arguments: BuildArguments) -> Result<Ended, Failure> {
    let file = built(&arguments.path, arguments.out.as_deref())?;
    let found = inspect::load(&file).await?;
    match arguments.format.output {
        Format::Json => output::json(&found.summary())?,
        Format::Text => output::line(found.text())?,
    }
    Ok(Ended::Done)
}

/// Builds the crate in this folder; the component, at `out` where that is given.
fn built(path: &Path, out: Option<&Path>) -> Result<PathBuf, Failure> {
    let built = build::component(path)?;
    let Some(out) = out else {
        return Ok(built);
    };
    // A reader sees the old or the new component, never half of one.
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let fresh = out.with_file_name(format!(".{name}.new"));
    std::fs::copy(&built, &fresh)
        .and_then(|_| std::fs::rename(&fresh, out))
        .map_err(|source| Failure::Write {
            path: out.to_owned(),
            source,
        })?;
    Ok(out.to_owned())
}

/// Does on a thread of its own what waits.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Failure::Machine {
        what: "calling the component".to_owned(),
        source: std::io::Error::other(error),
    })?
}

/// Reads YAML, or JSON, in which `name: value` stands for one of several things.
fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, serde_yaml::Error> {
    singleton_map_recursive::deserialize(serde_yaml::Deserializer::from_str(text))
}

/// Writes what [`from_yaml`] reads.
fn to_yaml(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = Vec::new();
    let mut writer = serde_yaml::Serializer::new(&mut text);
    let written = singleton_map_recursive::serialize(value, &mut writer);
    drop(writer);
    let failed = |error| Failure::Output(std::io::Error::other(error));
    written.map_err(failed)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
