//! The limits of a Plugin, as people write them.

use std::time::Duration;

use stateward_runtime::Limits;

use crate::crd::LimitsSpec;

/// What the engine has room for, whatever a limit says.
const MOST_MEMORY: usize = 1 << 30;
const MOST_CONNECTIONS: u32 = 400;

/// The runtime's limits; or which one cannot be had, and what can be written.
pub(super) fn limits(spec: &LimitsSpec) -> Result<Limits, String> {
    let mut limits = Limits::default();
    if let Some(text) = &spec.memory {
        limits.memory = bytes(text).ok_or_else(|| unreadable_size("memory", text))?;
    }
    if let Some(text) = &spec.call_timeout {
        limits.wall = duration(text).ok_or_else(|| unreadable("callTimeout", text))?;
    }
    if let Some(text) = &spec.cpu {
        limits.cpu = duration(text).ok_or_else(|| unreadable("cpu", text))?;
    }
    if limits.memory > MOST_MEMORY {
        return Err(
            "spec.limits.memory is more than 1Gi, the most that a call can have".to_owned(),
        );
    }
    if let Some(text) = &spec.host_bytes {
        let room = bytes(text).ok_or_else(|| unreadable_size("hostBytes", text))?;
        limits.hostcall_bytes = room as u64;
    }
    if let Some(text) = &spec.log_bytes {
        limits.log_bytes = bytes(text).ok_or_else(|| unreadable_size("logBytes", text))?;
    }
    limits.hostcalls = spec.host_calls.unwrap_or(limits.hostcalls);
    limits.connections = spec.connections.unwrap_or(limits.connections);
    if limits.connections > MOST_CONNECTIONS {
        return Err(format!(
            "spec.limits.connections is more than {MOST_CONNECTIONS}, the most that a call can have"
        ));
    }
    limits.log_lines = spec.log_lines.unwrap_or(limits.log_lines);
    Ok(limits)
}

fn unreadable_size(field: &str, text: &str) -> String {
    format!(
        "spec.limits.{field} {text:?} cannot be read: write bytes, or a number with Ki, Mi or Gi, such as 64Mi"
    )
}

fn unreadable(field: &str, text: &str) -> String {
    format!(
        "spec.limits.{field} {text:?} cannot be read: write a number with ms, s or m, such as 30s"
    )
}

fn bytes(text: &str) -> Option<usize> {
    let units: [(&str, usize); 4] = [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("", 1)];
    let (digits, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))?;
    let number: usize = digits.parse().ok()?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0)
}

fn duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
    let (digits, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))?;
    let number: u64 = digits.parse().ok()?;
    let milliseconds = number.checked_mul(unit).filter(|length| *length > 0)?;
    Some(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_sets_its_limit_and_no_other() {
        let read = |text: &str| limits(&serde_json::from_str(text).unwrap()).unwrap();
        let default = Limits::default;
        let cases = [
            (r#"{}"#, default()),
            (
                r#"{ "memory": "16Mi" }"#,
                Limits {
                    memory: 16 << 20,
                    ..default()
                },
            ),
            (
                r#"{ "callTimeout": "5s" }"#,
                Limits {
                    wall: Duration::from_secs(5),
                    ..default()
                },
            ),
            (
                r#"{ "cpu": "100ms" }"#,
                Limits {
                    cpu: Duration::from_millis(100),
                    ..default()
                },
            ),
            (
                r#"{ "hostCalls": 7 }"#,
                Limits {
                    hostcalls: 7,
                    ..default()
                },
            ),
            (
                r#"{ "hostBytes": "1Ki" }"#,
                Limits {
                    hostcall_bytes: 1024,
                    ..default()
                },
            ),
            (
                r#"{ "connections": 3 }"#,
                Limits {
                    connections: 3,
                    ..default()
                },
            ),
            (
                r#"{ "connections": 400 }"#,
                Limits {
                    connections: 400,
                    ..default()
                },
            ),
            (
                r#"{ "logLines": 5 }"#,
                Limits {
                    log_lines: 5,
                    ..default()
                },
            ),
            (
                r#"{ "logBytes": "2Ki" }"#,
                Limits {
                    log_bytes: 2048,
                    ..default()
                },
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_engine_has_no_room_for_is_refused_with_the_most_that_it_has() {
        for (text, says) in [
            (
                r#"{ "memory": "1025Mi" }"#,
                "spec.limits.memory is more than 1Gi, the most that a call can have",
            ),
            (
                r#"{ "connections": 401 }"#,
                "spec.limits.connections is more than 400, the most that a call can have",
            ),
        ] {
            let refused = limits(&serde_json::from_str(text).unwrap());
            assert_eq!(refused.unwrap_err(), says, "{text}");
        }
    }

    #[test]
    fn sizes_and_times_are_read_as_people_write_them() {
        let sizes = [
            ("64Mi", Some(64 << 20)),
            ("1024", Some(1024)),
            ("0", None),
            ("1Ti", None),
            ("-1Ki", None),
            ("", None),
        ];
        for (text, expected) in sizes {
            assert_eq!(bytes(text), expected, "{text}");
        }
        let times = [
            ("30s", Some(30_000)),
            ("500ms", Some(500)),
            ("2m", Some(120_000)),
            ("30", None),
            ("0s", None),
        ];
        for (text, expected) in times {
            assert_eq!(
                duration(text),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
    }
}
