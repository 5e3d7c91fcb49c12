//! The channel protocol of exec: every binary WebSocket message starts with the number of a stream.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::runtime::WindowSize;

pub(super) const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
pub(super) const ERROR: u8 = 3;
/// How large the client's window is now, for commands with a terminal.
pub(super) const RESIZE: u8 = 4;
/// Closes the stream that the next byte names.
pub(super) const CLOSE: u8 = 255;

/// In order of preference. Only v5 has [`CLOSE`].
pub(super) const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    width: u16,
    height: u16,
}

/// What a message of [`RESIZE`] says.
pub(super) fn window_size(text: &[u8]) -> Option<WindowSize> {
    let size: Size = serde_json::from_slice(text).ok()?;
    Some(WindowSize {
        columns: size.width,
        rows: size.height,
    })
}

/// The last message: a Status that tells how the command ended.
pub(super) fn outcome(exit_code: i32) -> Value {
    if exit_code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {exit_code}"),
        "details": { "causes": [{ "reason": "ExitCode", "message": exit_code.to_string() }] },
    })
}

pub(super) fn failure(message: &str) -> Value {
    json!({ "metadata": {}, "status": "Failure", "reason": "InternalError", "message": message, "code": 500 })
}
