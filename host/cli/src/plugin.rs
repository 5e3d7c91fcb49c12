//! `stateward plugin build|inspect`.

pub(crate) mod build;
pub(crate) mod inspect;

use std::path::PathBuf;

use crate::failure::{Ended, Failure};
use crate::output;

/// Build a plugin, or look into one
#[derive(Debug, clap::Args)]
pub(crate) struct PluginArguments {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PluginCommand {
    Build(BuildArguments),
    Inspect(inspect::InspectArguments),
}

/// Build the plugin of a crate with cargo, and check that it loads
///
/// Uses the profile `plugin` where the workspace has one, otherwise `release` made small.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin build                    # the crate in this folder
  stateward plugin build plugins/mysql -o mysql.wasm")]
struct BuildArguments {
    /// Folder of the crate
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Where to put the component [default: it stays in cargo's target folder]
    #[arg(short, long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) async fn plugin(arguments: PluginArguments) -> Result<Ended, Failure> {
    match arguments.command {
        PluginCommand::Build(arguments) => build(arguments).await,
        PluginCommand::Inspect(arguments) => inspect::inspect(arguments).await,
    }
}

async fn build(arguments: BuildArguments) -> Result<Ended, Failure> {
    let BuildArguments { path, out } = arguments;
    let built = build::component(&path)?;
    let file = match out {
        None => built,
        Some(out) => {
            std::fs::copy(&built, &out).map_err(|source| Failure::Write {
                path: out.clone(),
                source,
            })?;
            out
        }
    };
    let found = inspect::load(&file).await?;
    output::line(found.text())?;
    Ok(Ended::Done)
}
