//! Amounts such as `1Gi`, `500m` or `1e3`, for comparison.

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

#[cfg(test)]
mod tests {
    use super::parse;

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
}
