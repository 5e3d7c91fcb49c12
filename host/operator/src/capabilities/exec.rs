//! A program in a container of a pod, through the API server.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::AttachParams;
use stateward_runtime::{Command, ExecOutput, Failure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::watch::{Meta, SlimPod};

/// Output that is kept of each stream; the rest is read and dropped, so that the program does not wait.
const MOST: usize = 256 << 10;

/// How it failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExecError {
    /// It never ran.
    #[error("{0}")]
    NotRun(String),
    /// It ran, and nobody knows what came of it.
    #[error("{0}")]
    Lost(String),
}

impl From<ExecError> for Failure {
    fn from(error: ExecError) -> Failure {
        Failure::Other(error.to_string())
    }
}

pub(super) async fn exec(
    client: &kube::Client,
    pod: &SlimPod,
    command: Command,
) -> Result<ExecOutput, ExecError> {
    let failed = |what: &dyn std::fmt::Display| {
        ExecError::NotRun(format!(
            "exec in {}, container {}: {what}",
            pod.name(),
            command.container
        ))
    };
    let api: kube::Api<Pod> = kube::Api::namespaced(client.clone(), pod.namespace());
    let parameters = AttachParams::default()
        .container(command.container.clone())
        .stdin(!command.stdin.is_empty())
        .stdout(true)
        .stderr(true);
    let mut process = (api
        .exec(pod.name(), command.argv.clone(), &parameters)
        .await)
        .map_err(|error| failed(&error))?;
    let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
    let status = process.take_status();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program may end without having read everything.
            let _ = stdin.write_all(&command.stdin).await;
            let _ = stdin.shutdown().await;
        }
    };
    let ((), stdout, stderr) = tokio::join!(feed, read(stdout), read(stderr));
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    let ended = status.ok_or_else(|| {
        ExecError::Lost(format!(
            "exec in {}, container {}: the connection ended before the program did",
            pod.name(),
            command.container
        ))
    })?;
    let code =
        exit_code(&ended).ok_or_else(|| failed(&ended.message.clone().unwrap_or_default()))?;
    // What is left of the connection ends with `process`.
    Ok(ExecOutput {
        code,
        truncated: stdout.1 || stderr.1,
        stdout: stdout.0,
        stderr: stderr.0,
    })
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> (Vec<u8>, bool) {
    let (mut kept, mut truncated) = (Vec::new(), false);
    let Some(mut stream) = stream else {
        return (kept, truncated);
    };
    let mut chunk = vec![0; 8 << 10];
    while let Ok(count) = stream.read(&mut chunk).await {
        if count == 0 {
            break;
        }
        let room = MOST.saturating_sub(kept.len());
        truncated |= count > room;
        kept.extend(chunk.iter().take(count.min(room)));
    }
    (kept, truncated)
}

/// The exit code that the status carries; none when the program never ran.
fn exit_code(status: &Status) -> Option<i32> {
    if status.status.as_deref() == Some("Success") {
        return Some(0);
    }
    let causes = status.details.as_ref()?.causes.as_ref()?;
    let cause = causes
        .iter()
        .find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    cause.message.as_ref()?.parse().ok()
}
