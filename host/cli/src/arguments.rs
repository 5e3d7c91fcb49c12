//! The command tree.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    dev, invocation, plan, plugin, rollout, run, set_image, switchover, task, timeline, why,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  failed, or refused
  2  the command line is wrong
  3  not there yet: the time that was given is over

Environment:
  KUBECONFIG     which cluster, where --kubeconfig is not given
  STATEWARD_LOG  what is logged to standard error, as in `info,stateward_operator=debug`

As `kubectl-stateward` on the PATH, all of this is also `kubectl stateward …`.";

/// StatefulSets that know your database
///
/// Runs stateful applications on Kubernetes in order, one member at a time, and asks a plugin that knows the application at each step that matters.
#[derive(Debug, Parser)]
#[command(
    name = "stateward",
    version,
    styles = STYLES,
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::RunArguments),
    Dev(dev::DevArguments),
    Plan(plan::PlanArguments),
    Why(why::WhyArguments),
    Switchover(switchover::SwitchoverArguments),
    Do(task::DoArguments),
    Invocation(invocation::InvocationArguments),
    Timeline(timeline::TimelineArguments),
    SetImage(set_image::SetImageArguments),
    Rollout(rollout::RolloutArguments),
    Plugin(plugin::PluginArguments),
    /// Print the CustomResourceDefinitions that the operator needs, as YAML
    #[command(after_help = "Example:\n  stateward crd | kubectl apply -f -")]
    Crd,
}

impl Cli {
    /// Reads the command line; on a wrong one, or when help is asked for, prints and ends the process.
    pub(crate) fn read(words: Vec<OsString>) -> Cli {
        let mut command = Cli::command();
        if called_by_kubectl(words.first()) {
            command = command.bin_name("kubectl stateward");
        }
        let matches = command.get_matches_from(words);
        match Cli::from_arg_matches(&matches) {
            Ok(cli) => cli,
            Err(error) => error.exit(),
        }
    }
}

/// kubectl finds its plugins by the name of the program.
fn called_by_kubectl(program: Option<&OsString>) -> bool {
    program
        .and_then(|program| Path::new(program).file_stem())
        .is_some_and(|stem| stem == "kubectl-stateward")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_program_named_as_kubectl_plugins_are_is_one() {
        let named = |name: &str| called_by_kubectl(Some(&OsString::from(name)));
        assert!(named("/usr/local/bin/kubectl-stateward"));
        assert!(!named("/usr/local/bin/stateward"));
    }
}
