//! The limits of a Plugin, as people write them.

use std::time::Duration;

use stateward_runtime::Limits;

use crate::crd::LimitsSpec;

/// The runtime's limits; or which one cannot be read, and how it is written.
pub(super) fn limits(spec: &LimitsSpec) -> Result<Limits, String> {
    let mut limits = Limits::default();
    if let Some(text) = &spec.memory {
        limits.memory = bytes(text).ok_or_else(|| {
            format!("spec.limits.memory {text:?} cannot be read: write bytes, or a number with Ki, Mi or Gi, such as 64Mi")
        })?;
    }
    if let Some(text) = &spec.call_timeout {
        limits.wall = duration(text).ok_or_else(|| unreadable("callTimeout", text))?;
    }
    if let Some(text) = &spec.cpu {
        limits.cpu = duration(text).ok_or_else(|| unreadable("cpu", text))?;
    }
    Ok(limits)
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
