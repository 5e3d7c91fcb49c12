//! What can go wrong around a control plane.

use std::path::PathBuf;

use thiserror::Error;

/// Why a control plane cannot be had, or does not do as it was told.
#[derive(Debug, Error)]
pub enum ControlPlaneError {
    /// The program is not there and could not be built.
    #[error("the control plane could not be built; run {script} by hand to see why")]
    Build {
        /// The script that builds it.
        script: PathBuf,
    },
    /// A process could not be started or spoken to.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It went before it answered.
    #[error("the control plane ended; what it said last stands on standard error")]
    Ended,
    /// It answered something else than was expected.
    #[error("the control plane's answer is not understood: {line:?}")]
    Answer {
        /// What it said.
        line: String,
    },
    /// It refused.
    #[error("the control plane refuses: {message}")]
    Refused {
        /// Its words.
        message: String,
    },
    /// The API cannot be reached or refused something.
    #[error("{doing}: {source}")]
    Api {
        /// What was tried.
        doing: String,
        /// What came back.
        source: Box<kube::Error>,
    },
    /// Its kubeconfig cannot be used.
    #[error("the kubeconfig of the control plane cannot be used: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// A node did not come.
    #[error("node {name} is not ready after {seconds} s; its log:\n{log}")]
    Node {
        /// The node.
        name: String,
        /// How long it was waited for.
        seconds: u64,
        /// The end of its log, if it has one.
        log: String,
    },
    /// No process of the name was started.
    #[error("no component is called {name}; see `component`")]
    Unknown {
        /// The name.
        name: String,
    },
}

impl ControlPlaneError {
    /// A stable word for the kind of trouble.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Build { .. } => "BuildFailed",
            Self::Io { .. } => "IoError",
            Self::Ended => "Ended",
            Self::Answer { .. } => "AnswerNotUnderstood",
            Self::Refused { .. } => "Refused",
            Self::Api { .. } => "ApiError",
            Self::Kubeconfig(_) => "KubeconfigInvalid",
            Self::Node { .. } => "NodeNotReady",
            Self::Unknown { .. } => "UnknownComponent",
        }
    }

    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Api {
            doing,
            source: Box::new(source),
        }
    }
}
