//! Kubernetes' quantities (`500m`, `1Gi`, `1e3`) in one spelling per amount.

use stateward_quantity::Quantity;

/// The amount in nano units as decimal text; none when it is no quantity.
pub(super) fn normalise(text: &str) -> Option<String> {
    Some(format!("{}n", nano(text)?))
}

/// The amount in nano units; none when it is no quantity.
pub(crate) fn nano(text: &str) -> Option<i128> {
    let quantity: Quantity = text.parse().ok()?;
    Some(quantity.nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_amount_has_one_spelling() {
        for (one, other) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("1.5Gi", "1536Mi"),
            ("+1", "1.0"),
            ("-0", "0"),
            ("1e-3", "1m"),
        ] {
            assert!(normalise(one).is_some(), "{one}");
            assert_eq!(normalise(one), normalise(other), "{one} and {other}");
        }
        assert_ne!(normalise("1M"), normalise("1Mi"));
        assert_ne!(normalise("-1"), normalise("1"));
    }

    #[test]
    fn what_is_no_quantity_is_left_alone() {
        for bad in ["", "1Gb", "1 G", "--1", "1.2.3"] {
            assert_eq!(normalise(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_upstream_reads_leniently_is_read_so() {
        for nothing in ["Gi", "."] {
            assert_eq!(normalise(nothing), normalise("0"), "{nothing}");
        }
        let largest = normalise(&i64::MAX.to_string());
        assert!(largest.is_some());
        for huge in ["1e99", "9999999999999999999999999999999999999999"] {
            assert_eq!(normalise(huge), largest, "{huge}");
        }
    }
}
