//! Amounts such as `1Gi`, `500m` or `1e3`.

/// The amount in units, or nothing where the text is no quantity.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let digits = text
        .find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(digits)?;
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        exponent => {
            let exponent = exponent.strip_prefix(['e', 'E'])?;
            10_f64.powi(exponent.parse().ok()?)
        }
    };
    Some(number * factor)
}

/// The text as Kubernetes writes it: the largest suffix that leaves a whole number, in the family that was given. Nothing
/// where the text is no quantity; amounts too fine or too large for that are left as they are.
pub(crate) fn canonical(text: &str) -> Option<String> {
    parse(text)?;
    Some(rewritten(text).unwrap_or_else(|| text.to_owned()))
}

fn rewritten(text: &str) -> Option<String> {
    const DECIMAL: &[(&str, i32)] = &[
        ("E", 18),
        ("P", 15),
        ("T", 12),
        ("G", 9),
        ("M", 6),
        ("k", 3),
        ("", 0),
        ("m", -3),
        ("u", -6),
        ("n", -9),
    ];
    const BINARY: &[(&str, u32)] = &[
        ("Ei", 60),
        ("Pi", 50),
        ("Ti", 40),
        ("Gi", 30),
        ("Mi", 20),
        ("Ki", 10),
    ];
    let digits = text
        .find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(digits)?;
    let number: i128 = number.trim_start_matches('+').parse().ok()?;
    if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        let amount = number.checked_mul(1_i128 << bits)?;
        let fitting = BINARY
            .iter()
            .find(|(_, bits)| amount != 0 && amount % (1_i128 << bits) == 0);
        return Some(match fitting {
            Some((name, bits)) => format!("{}{name}", amount >> bits),
            None => amount.to_string(),
        });
    }
    let (_, exponent) = DECIMAL.iter().find(|(name, _)| *name == suffix)?;
    let nanos = number.checked_mul(power(exponent + 9)?)?;
    let (name, exponent) = DECIMAL
        .iter()
        .find(|(_, exponent)| power(exponent + 9).is_some_and(|unit| nanos % unit == 0))?;
    match nanos {
        0 => Some("0".to_owned()),
        _ => Some(format!("{}{name}", nanos / power(exponent + 9)?)),
    }
}

fn power(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{canonical, parse};

    #[test]
    fn binary_and_decimal_suffixes_and_exponents_are_understood() {
        let cases = [
            ("1Gi", Some(1_073_741_824.0)),
            ("500m", Some(0.5)),
            ("1e3", Some(1000.0)),
            ("2", Some(2.0)),
            ("1.5k", Some(1500.0)),
            ("much", None),
            ("", None),
        ];
        for (text, amount) in cases {
            assert_eq!(parse(text), amount, "{text}");
        }
    }

    #[test]
    fn quantities_are_written_as_upstream_writes_them() {
        let cases = [
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1500m", "1500m"),
            ("1024", "1024"),
            ("2000", "2k"),
            ("0", "0"),
            ("1.5Gi", "1.5Gi"),
            ("10Gi", "10Gi"),
        ];
        for (given, written) in cases {
            assert_eq!(canonical(given).as_deref(), Some(written), "{given}");
        }
        assert_eq!(canonical("lots"), None);
    }
}
