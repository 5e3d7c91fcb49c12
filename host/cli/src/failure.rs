//! How commands end, and why they fail.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::dev::folder::FolderError;
use crate::plan::manifest::ManifestError;
use crate::plugin::build::BuildError;

/// How a command ended that did not fail on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    /// What was asked for was refused, or did not come out as asked.
    Failed,
    /// The time that was given is over.
    NotYet,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> ExitCode {
        ExitCode::from(match ended {
            Ended::Done => 0,
            Ended::Failed => 1,
            Ended::NotYet => 3,
        })
    }
}

/// Why a command could not do what it was asked. The text tells what happened, to what, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no cluster to talk to: {why}; {advice}")]
    NoCluster { why: String, advice: String },
    #[error("{what}: {}", said(source))]
    Api {
        what: String,
        source: Box<kube::Error>,
    },
    #[error(
        "cannot read what the cluster says of {object}: {why}; is the operator of another version?"
    )]
    Unreadable { object: String, why: String },
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{what}: {source}")]
    Machine { what: String, source: io::Error },
    #[error("cannot print: {0}")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Operator(#[from] stateward_operator::OperatorError),
    #[error(transparent)]
    Cluster(#[from] stateward_devcluster::ClusterError),
    #[error(transparent)]
    Node(#[from] stateward_node::NodeError),
    #[error(transparent)]
    Runtime(#[from] stateward_runtime::RuntimeError),
    #[error("{path}: {source}")]
    Component {
        path: PathBuf,
        source: stateward_runtime::LoadError,
    },
}

impl Failure {
    /// For `map_err`: what was being done when the API refused or was not reached.
    pub(crate) fn api(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Failure {
        let what = what.into();
        move |source| Failure::Api {
            what,
            source: Box::new(source),
        }
    }

    /// Nobody reads the output any more.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What a client's error comes down to, and what the reader can do.
fn said(error: &kube::Error) -> String {
    let status = match error {
        kube::Error::Api(status) => status,
        kube::Error::Service(_) | kube::Error::HyperError(_) => {
            return format!(
                "the cluster does not answer ({}); does it run, and does KUBECONFIG or --kubeconfig name the right one?",
                innermost(error)
            );
        }
        other => return innermost(other),
    };
    let advice = match status.code {
        401 => "; the kubeconfig's credentials are not valid any more",
        403 => "; ask for this right, or use another kubeconfig",
        404 if status
            .message
            .contains("could not find the requested resource")
            || status.message == "404 page not found" =>
        {
            "; is Stateward installed there? `stateward crd | kubectl apply -f -`"
        }
        _ => "",
    };
    format!("{}{advice}", status.message.trim_end())
}

/// The last error of the chain: the outer ones only repeat that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
