//! What can go wrong between the plugin and a member.

use stateward_sdk::{Failure, Fault};
use thiserror::Error;

/// Wrong name or password.
const ACCESS_DENIED: u16 = 1045;
/// The host may not connect at all.
const HOST_NOT_ALLOWED: u16 = 1130;
/// `max_statement_time` is over.
const STATEMENT_TIMEOUT: u16 = 1969;
/// `KILL` of a connection that has gone by itself.
const UNKNOWN_THREAD: u16 = 1094;

/// Something went wrong with this member.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{member}: {what}")]
pub(crate) struct Trouble {
    /// Name of its pod.
    pub(crate) member: String,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum What {
    #[error("{0}")]
    Unanswered(Failure),
    #[error("error {errno}: {message}{}", hint(*errno))]
    Error { errno: u16, message: String },
    #[error("unexpected answer: {0}")]
    Protocol(String),
    #[error("it has no pod")]
    NoPod,
}

impl What {
    pub(crate) fn of(self, member: &str) -> Trouble {
        Trouble {
            member: member.to_owned(),
            what: self,
        }
    }

    pub(crate) fn protocol(error: impl std::fmt::Display) -> What {
        What::Protocol(error.to_string())
    }

    fn errno(&self) -> Option<u16> {
        match self {
            What::Error { errno, .. } => Some(*errno),
            _ => None,
        }
    }
}

impl Trouble {
    /// The statement was stopped because it took too long.
    pub(crate) fn is_statement_timeout(&self) -> bool {
        self.what.errno() == Some(STATEMENT_TIMEOUT)
    }

    /// The connection that was to be killed has gone by itself.
    pub(crate) fn is_unknown_thread(&self) -> bool {
        self.what.errno() == Some(UNKNOWN_THREAD)
    }
}

impl From<Failure> for What {
    fn from(failure: Failure) -> What {
        What::Unanswered(failure)
    }
}

/// All of it is worth another try: a member that does not answer may come back, and a password is mended in the Secret, which changes neither the
/// spec nor the plugin.
impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Fault {
        Fault::Retry(trouble.to_string())
    }
}

fn hint(errno: u16) -> &'static str {
    match errno {
        ACCESS_DENIED | HOST_NOT_ALLOWED => {
            " (does the secret bound to slot root hold the password of root, and may root connect from here: MARIADB_ROOT_PASSWORD, MARIADB_ROOT_HOST?)"
        }
        _ => "",
    }
}
