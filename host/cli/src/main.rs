//! `stateward`: the operator, the development cluster, and the questions and wishes of people who run stateful applications.
//!
//! One file per command; each holds the command's arguments and what it does. What several commands share:
//!
//! | module | for |
//! |---|---|
//! | `connection` | which cluster, which namespace |
//! | `target` | which app: a StatefulApp or a StatefulSet |
//! | `wish` | what people ask of the operator |
//! | `output` | text for people, JSON for scripts |
//! | `failure` | what went wrong, and the exit code |

mod arguments;
mod connection;
mod crd;
mod dev;
mod failure;
mod invocation;
mod logging;
mod output;
mod plan;
mod plugin;
mod rollout;
mod run;
mod set_image;
mod shutdown;
mod switchover;
mod target;
mod task;
mod timeline;
mod watching;
mod why;
mod wish;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::{Cli, Command};
use failure::{Ended, Failure};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // Inside a pod this program is something else. It changes namespaces there, which only a process with a single thread can do.
    if let Some(code) = stateward_node::hidden_entry(&words) {
        return code;
    }
    let cli = Cli::read(words);
    match start(cli) {
        Ok(ended) => ended.into(),
        // `stateward crd | head` is no failure.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure);
            Ended::Failed.into()
        }
    }
}

fn start(cli: Cli) -> Result<Ended, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Machine {
            what: "starting the worker threads".to_owned(),
            source,
        })?;
    let ended = runtime.block_on(dispatch(cli.command));
    // Threads that still wait for the disk or a name server must not hold up the end.
    runtime.shutdown_background();
    ended
}

async fn dispatch(command: Command) -> Result<Ended, Failure> {
    // `run` and `dev` choose their own log.
    if !matches!(command, Command::Run(_) | Command::Dev(_)) {
        logging::for_commands();
    }
    match command {
        Command::Run(arguments) => run::run(arguments).await,
        Command::Dev(arguments) => dev::dev(arguments).await,
        Command::Plan(arguments) => plan::plan(arguments).await,
        Command::Why(arguments) => why::why(arguments).await,
        Command::Switchover(arguments) => switchover::switchover(arguments).await,
        Command::Do(arguments) => task::run(arguments).await,
        Command::Invocation(arguments) => invocation::decide(arguments).await,
        Command::Timeline(arguments) => timeline::timeline(arguments).await,
        Command::SetImage(arguments) => set_image::set_image(arguments).await,
        Command::Rollout(arguments) => rollout::rollout(arguments).await,
        Command::Plugin(arguments) => plugin::plugin(arguments).await,
        Command::Crd => crd::crd(),
    }
}
