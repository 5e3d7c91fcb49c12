//! Kubernetes' quantities (`500m`, `1Gi`, `1e3`) in one spelling per amount.

/// Decimal digits after the point that a quantity keeps; upstream rounds up to nano.
const NANO: i32 = 9;

/// The amount in nano units as decimal text; none when it is no quantity.
pub(super) fn normalise(text: &str) -> Option<String> {
    Some(format!("{}n", nano(text)?))
}

/// The amount in nano units; none when it is no quantity.
pub(crate) fn nano(text: &str) -> Option<i128> {
    let text = text.trim();
    let end = text
        .find(|character: char| !(character.is_ascii_digit() || ".+-".contains(character)))
        .unwrap_or(text.len());
    // An exponent's sign must not be taken for the number's.
    let (number, suffix) = text.split_at_checked(end)?;
    let (multiplier, exponent) = scale(suffix)?;
    let (is_negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = format!("{whole}{fraction}");
    if mantissa.is_empty() || !mantissa.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mantissa: i128 = mantissa.parse().ok()?;
    let power = exponent + NANO - i32::try_from(fraction.len()).ok()?;
    let amount = mantissa.checked_mul(multiplier)?;
    let nano = if power >= 0 {
        amount.checked_mul(10_i128.checked_pow(power.unsigned_abs())?)?
    } else {
        let divisor = 10_i128.checked_pow(power.unsigned_abs())?;
        // Rounded up, as upstream does.
        amount.checked_add(divisor - 1)? / divisor
    };
    Some(if is_negative { -nano } else { nano })
}

/// What a suffix multiplies with, and the power of ten on top.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    let binary = |power: u32| Some((1024_i128.pow(power), 0));
    match suffix {
        "n" => Some((1, -9)),
        "u" => Some((1, -6)),
        "m" => Some((1, -3)),
        "" => Some((1, 0)),
        "k" => Some((1, 3)),
        "M" => Some((1, 6)),
        "G" => Some((1, 9)),
        "T" => Some((1, 12)),
        "P" => Some((1, 15)),
        "E" => Some((1, 18)),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (-30..=30).contains(&exponent).then_some((1, exponent))
        }
    }
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
        for bad in [
            "",
            "Gi",
            "1Gb",
            ".",
            "1 G",
            "--1",
            "1e99",
            "9999999999999999999999999999999999999999",
            "1.2.3",
        ] {
            assert_eq!(normalise(bad), None, "{bad}");
        }
    }
}
