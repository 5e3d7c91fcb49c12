//! What is exchanged with members, between the contract's types and the SDK's.

use crate::bindings::host::stateward::plugin::{exec, http, types};
use crate::{Command, Credentials, Job, Output, Request, Response, Tls, Trust};

impl From<&Tls> for types::Tls {
    fn from(tls: &Tls) -> types::Tls {
        types::Tls {
            trust: match &tls.trust {
                Trust::Slot(slot) => types::Trust::Slot(slot.clone()),
                Trust::Unverified => types::Trust::Unverified,
            },
            identity: tls.identity.as_ref().map(|identity| types::Identity {
                certificate: identity.certificate.clone(),
                key: identity.key.clone(),
            }),
            server_name: tls.server_name.clone(),
            extra: Vec::new(),
        }
    }
}

impl From<&Request> for http::Request {
    fn from(request: &Request) -> http::Request {
        http::Request {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            credentials: request.credentials.as_ref().map(Into::into),
            extra: Vec::new(),
        }
    }
}

impl From<&Credentials> for http::Credentials {
    fn from(credentials: &Credentials) -> http::Credentials {
        match credentials {
            Credentials::Basic { user, password } => {
                http::Credentials::Basic((user.clone(), password.clone()))
            }
            Credentials::Bearer { token } => http::Credentials::Bearer(token.clone()),
        }
    }
}

impl From<http::Response> for Response {
    fn from(response: http::Response) -> Response {
        Response {
            status: response.status,
            headers: response.headers,
            body: response.body,
            truncated: response.truncated,
        }
    }
}

impl From<&Command> for exec::Command {
    fn from(command: &Command) -> exec::Command {
        exec::Command {
            container: command.container.clone(),
            argv: command.argv.clone(),
            stdin: command.stdin.clone(),
            extra: Vec::new(),
        }
    }
}

impl From<exec::Output> for Output {
    fn from(output: exec::Output) -> Output {
        Output {
            code: output.code,
            stdout: output.stdout,
            stderr: output.stderr,
            truncated: output.truncated,
        }
    }
}

impl From<exec::Job> for Job {
    fn from(job: exec::Job) -> Job {
        match job {
            exec::Job::Running => Job::Running,
            exec::Job::Exited(output) => Job::Exited(output.into()),
            exec::Job::Lost => Job::Lost,
            exec::Job::Other(word) => Job::Other(word),
        }
    }
}
