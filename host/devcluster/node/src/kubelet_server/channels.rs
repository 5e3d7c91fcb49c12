//! The channel protocol of exec: every binary WebSocket message starts with the number of a stream.

use serde_json::{Value, json};

pub(super) const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
pub(super) const ERROR: u8 = 3;
/// Only in v5: closes the stream that the next byte names.
pub(super) const CLOSE: u8 = 255;

/// In order of preference.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// The protocol to speak, of those that a client offers.
pub(super) fn chosen<'a>(offered: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let offered: Vec<&str> = offered
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .collect();
    PROTOCOLS
        .into_iter()
        .find(|protocol| offered.contains(protocol))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_protocol_that_both_know_is_chosen() {
        assert_eq!(
            chosen(["v4.channel.k8s.io, v5.channel.k8s.io"].into_iter()),
            Some("v5.channel.k8s.io")
        );
        assert_eq!(
            chosen(["v4.channel.k8s.io"].into_iter()),
            Some("v4.channel.k8s.io")
        );
        assert_eq!(chosen(["v3.channel.k8s.io"].into_iter()), None);
    }
}
