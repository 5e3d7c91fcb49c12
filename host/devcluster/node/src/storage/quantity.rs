//! Amounts of storage, as Kubernetes writes quantities.

use crate::pods::resources::number;

/// The number of bytes, rounded up; `None` when the text is not a quantity.
pub(super) fn bytes(text: &str) -> Option<u128> {
    let bytes = number(text)?.ceil();
    // Quantities of storage stay far below where this conversion would round.
    (bytes >= 0.0).then_some(bytes as u128)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn quantities_are_read_with_every_suffix() {
        for (text, expected) in [
            ("100Mi", Some(104_857_600)),
            ("1Gi", Some(1_073_741_824)),
            ("1.5Gi", Some(1_610_612_736)),
            ("2G", Some(2_000_000_000)),
            ("1e3", Some(1000)),
            ("500m", Some(1)),
            ("12", Some(12)),
            ("lots", None),
            ("", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
