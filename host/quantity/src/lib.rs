//! Kubernetes' quantities: `500m`, `1Gi`, `1e3`.
//!
//! A quantity is an amount, exact to a billionth, and the family of suffixes that it was written in. It is written the
//! way `resource.Quantity` of apimachinery writes it, so that what the API shows and what it compares are upstream's:
//!
//! | given | written | because |
//! |---|---|---|
//! | `1000m`, `1.0` | `1` | the largest suffix that leaves a whole number |
//! | `1536Mi`, `1.5Gi` | `1536Mi` | the same, in powers of 1024 |
//! | `0.5Ki` | `512` | below 1024 there is no binary suffix |
//! | `1e3`, `12E2` | `1e3`, `1200` | exponents stay exponents, in steps of three |
//! | `1.0000000001` | `1000000001n` | what is finer than a billionth is rounded away from zero |

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Billionths in one.
const NANOS: i128 = 1_000_000_000;
/// Whatever is larger counts as this, as upstream.
const LARGEST: i128 = i64::MAX as i128 * NANOS;
/// Digits before and after the point that are told apart; the rest only rounds.
const DIGITS: (usize, usize) = (19, 15);

/// An amount and how it was written.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    family: Family,
}

/// The suffixes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// `n` to `E`, powers of 1000.
    Decimal,
    /// `Ki` to `Ei`, powers of 1024.
    Binary,
    /// `e3`, `E-6`.
    Exponent,
}

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)]
pub struct NoQuantity;

impl NoQuantity {
    /// The same for every text.
    pub fn reason(&self) -> &'static str {
        "NoQuantity"
    }
}

/// How many of the whole digits a suffix stands for: a power of two or a power of ten.
enum Scale {
    Bits(u32),
    Tens(i32),
}

const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];

fn scale(suffix: &str) -> Option<(Scale, Family)> {
    if let Some((_, tens)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Scale::Tens(*tens), Family::Decimal));
    }
    if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((Scale::Bits(*bits), Family::Binary));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((Scale::Tens(exponent.parse().ok()?), Family::Exponent))
}

impl FromStr for Quantity {
    type Err = NoQuantity;

    fn from_str(text: &str) -> Result<Self, NoQuantity> {
        if text.is_empty() {
            return Err(NoQuantity);
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_digit = |c: char| c.is_ascii_digit();
        let whole = leading(unsigned, is_digit);
        let rest = unsigned.strip_prefix(whole).unwrap_or_default();
        let fraction = rest.strip_prefix('.').map(|rest| leading(rest, is_digit));
        let suffix = match fraction {
            None => rest,
            Some(fraction) => rest
                .strip_prefix('.')
                .and_then(|rest| rest.strip_prefix(fraction))
                .unwrap_or_default(),
        };
        let (scale, family) = scale(suffix).ok_or(NoQuantity)?;
        let amount = nanos(whole, fraction.unwrap_or_default(), &scale).unwrap_or(LARGEST);
        let nanos = amount.min(LARGEST);
        Ok(Self {
            nanos: if text.starts_with('-') { -nanos } else { nanos },
            family,
        })
    }
}

/// The longest beginning of a text that is all of one sort.
fn leading(text: &str, is_one: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !is_one(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Billionths, rounded up; nothing where they are too many to be counted.
fn nanos(whole: &str, fraction: &str, scale: &Scale) -> Option<i128> {
    let whole = whole.trim_start_matches('0');
    if whole.len() > DIGITS.0 {
        return None;
    }
    let kept = fraction.get(..DIGITS.1).unwrap_or(fraction);
    let is_more = fraction.trim_end_matches('0').len() > kept.len();
    let digits = format!("0{whole}{kept}");
    let digits: i128 = digits.parse().ok()?;
    let (amount, tens) = match scale {
        Scale::Bits(bits) => (digits.checked_mul(1_i128 << bits)?, 0),
        Scale::Tens(tens) => (digits, *tens),
    };
    let power = tens
        .checked_add(9)?
        .checked_sub(i32::try_from(kept.len()).ok()?)?;
    let Some(unit) = 10_i128.checked_pow(power.unsigned_abs()) else {
        // Far beyond both ends.
        return match (amount, power) {
            (0, _) => Some(0),
            (_, ..0) => Some(1),
            _ => None,
        };
    };
    match power {
        0.. => amount.checked_mul(unit)?.checked_add(i128::from(is_more)),
        _ => {
            let is_rounded = is_more || amount % unit != 0;
            Some(amount / unit + i128::from(is_rounded))
        }
    }
}

impl Quantity {
    /// The amount in billionths.
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// The amount in whole units, rounded up: bytes, for storage and memory.
    pub fn units(self) -> i128 {
        self.nanos.div_euclid(NANOS) + i128::from(self.nanos.rem_euclid(NANOS) != 0)
    }

    /// How often another amount fits in, rounded up; nothing where the other is not above zero.
    pub fn in_units_of(self, unit: Self) -> Option<i128> {
        let is_above_zero = unit.nanos > 0;
        is_above_zero.then(|| {
            self.nanos.div_euclid(unit.nanos) + i128::from(self.nanos.rem_euclid(unit.nanos) != 0)
        })
    }

    /// The next larger amount that is a whole number of thousandths: nothing finer is handed out to a container.
    #[must_use]
    pub fn rounded_up_to_milli(self) -> Self {
        let milli = Self {
            nanos: NANOS / 1000,
            ..self
        };
        let nanos = self.in_units_of(milli).map(|count| count * milli.nanos);
        Self {
            nanos: nanos.unwrap_or(self.nanos),
            ..self
        }
    }

    /// Whether there is something of it.
    pub fn is_positive(self) -> bool {
        self.nanos > 0
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_whole = self.nanos % NANOS == 0;
        if self.nanos == 0 {
            return out.write_str("0");
        }
        if self.family == Family::Binary && is_whole && self.nanos.abs() >= 1024 * NANOS {
            let (amount, steps) = shortened(self.nanos / NANOS, 1024, BINARY.len());
            let suffix = steps.checked_sub(1).and_then(|step| BINARY.get(step));
            return write!(out, "{amount}{}", suffix.map_or("", |(name, _)| name));
        }
        let (amount, steps) = shortened(self.nanos, 1000, DECIMAL.len() - 1);
        let (name, tens) = DECIMAL.get(steps).copied().unwrap_or(("", 0));
        match (self.family, tens) {
            (Family::Exponent, 0) => write!(out, "{amount}"),
            (Family::Exponent, tens) => write!(out, "{amount}e{tens}"),
            _ => write!(out, "{amount}{name}"),
        }
    }
}

/// Divides as long as nothing is lost; also how often.
fn shortened(mut amount: i128, by: i128, most: usize) -> (i128, usize) {
    let mut steps = 0;
    while steps < most && amount % by == 0 {
        amount /= by;
        steps += 1;
    }
    (amount, steps)
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    fn read(text: &str) -> Option<Quantity> {
        text.parse().ok()
    }

    #[test]
    fn quantities_are_written_as_upstream_writes_them() {
        for (given, written) in [
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1536Mi", "1536Mi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            ("1024", "1024"),
            ("2000", "2k"),
            ("10000", "10k"),
            ("0", "0"),
            ("-0", "0"),
            ("10Gi", "10Gi"),
            ("-1.5", "-1500m"),
            ("1e3", "1e3"),
            ("12E2", "1200"),
            ("1E", "1E"),
            ("1.0000000001", "1000000001n"),
            ("0.0000000001", "1n"),
            ("1e-40", "1e-9"),
        ] {
            let quantity = read(given).unwrap_or_else(|| panic!("{given} is a quantity"));
            assert_eq!(quantity.to_string(), written, "{given}");
        }
    }

    #[test]
    fn one_amount_is_equal_however_it_is_written() {
        for (one, other) in [
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("1.5Gi", "1536Mi"),
            ("+1", "1.0"),
            ("1e-3", "1m"),
            ("99999999999999999999", "9E99"),
        ] {
            assert!(read(one).is_some(), "{one}");
            assert_eq!(read(one), read(other), "{one} and {other}");
        }
        assert!(read("1M") < read("1Mi"));
        assert!(read("-1") < read("1n"));
    }

    #[test]
    fn amounts_are_rounded_up() {
        let units = |text: &str| read(text).map(Quantity::units);
        assert_eq!(units("100Mi"), Some(104_857_600));
        assert_eq!(units("1.5Gi"), Some(1_610_612_736));
        assert_eq!(units("500m"), Some(1));
        assert_eq!(units("-1500m"), Some(-1));
        let fits = |text: &str, unit: &str| read(text)?.in_units_of(read(unit)?);
        assert_eq!(fits("1500m", "1"), Some(2));
        assert_eq!(fits("1500m", "1m"), Some(1500));
        assert_eq!(fits("64Mi", "1Mi"), Some(64));
        assert_eq!(fits("1", "0"), None);
        let milli = |text: &str| Some(read(text)?.rounded_up_to_milli().to_string());
        assert_eq!(milli("100u").as_deref(), Some("1m"));
        assert_eq!(milli("1500m").as_deref(), Some("1500m"));
    }

    #[test]
    fn what_is_no_quantity_is_told() {
        for text in [
            "", "lots", "1Gb", "1 G", "--1", "1.2.3", "1e", "1e3.5", "1ki",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        // Upstream takes a suffix without a number for nothing of it.
        assert_eq!(read("Gi"), read("0"));
    }
}
