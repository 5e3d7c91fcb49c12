//! Which ordinals are wanted: as many as replicas, from the start on, without the reserved ones.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Ordinals;

impl Ordinals {
    /// One past the last.
    pub fn end(&self) -> u32 {
        let mut end = self.start.saturating_add(self.replicas);
        for reserved in self.reserved.range(self.start..) {
            if *reserved >= end {
                break;
            }
            end = end.saturating_add(1);
        }
        end
    }

    pub fn contains(&self, ordinal: u32) -> bool {
        self.is_within(&(self.start..self.end()), ordinal)
    }

    /// The same for who asks of many, and draws the range from the start to the end once.
    pub(crate) fn is_within(&self, range: &Range<u32>, ordinal: u32) -> bool {
        range.contains(&ordinal) && !self.reserved.contains(&ordinal)
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (self.start..self.end()).filter(|ordinal| !self.reserved.contains(ordinal))
    }

    /// How many are in front of this one.
    pub fn slot(&self, ordinal: u32) -> u32 {
        let distance = ordinal.saturating_sub(self.start);
        if self.reserved.is_empty() || distance == 0 {
            return distance;
        }
        let skipped = self.reserved.range(self.start..ordinal).count();
        distance.saturating_sub(u32::try_from(skipped).unwrap_or(u32::MAX))
    }

    /// The ordinals that are in both; none when there are none.
    pub fn intersection(&self, other: &Ordinals) -> Option<Ordinals> {
        let start = self.start.max(other.start);
        let end = self.end().min(other.end());
        if start >= end {
            return None;
        }
        let reserved: BTreeSet<u32> = self
            .reserved
            .union(&other.reserved)
            .copied()
            .filter(|ordinal| (start..end).contains(ordinal))
            .collect();
        let replicas = (end - start).saturating_sub(u32::try_from(reserved.len()).ok()?);
        (replicas > 0).then_some(Ordinals {
            replicas,
            start,
            reserved,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordinals(start: u32, replicas: u32, reserved: &[u32]) -> Ordinals {
        Ordinals {
            replicas,
            start,
            reserved: reserved.iter().copied().collect(),
        }
    }

    #[test]
    fn reserved_ordinals_are_left_out_and_those_behind_take_their_places() {
        for (wanted, expected) in [
            (ordinals(0, 3, &[]), vec![0, 1, 2]),
            (ordinals(0, 3, &[1]), vec![0, 2, 3]),
            (ordinals(0, 3, &[0, 1, 2]), vec![3, 4, 5]),
            (ordinals(2, 2, &[0, 3]), vec![2, 4]),
            (ordinals(0, 0, &[0]), vec![]),
            (ordinals(0, 2, &[7]), vec![0, 1]),
        ] {
            assert_eq!(wanted.iter().collect::<Vec<_>>(), expected);
            for ordinal in 0..8 {
                assert_eq!(wanted.contains(ordinal), expected.contains(&ordinal));
            }
            for (slot, ordinal) in (0..).zip(&expected) {
                assert_eq!(wanted.slot(*ordinal), slot);
            }
        }
    }

    #[test]
    fn what_is_in_both_is_what_each_contains() {
        let one = ordinals(0, 4, &[1]);
        let other = ordinals(2, 4, &[3]);
        let both = one.intersection(&other).unwrap();
        assert_eq!(both.iter().collect::<Vec<_>>(), [2, 4]);
        assert_eq!(one.intersection(&ordinals(9, 1, &[])), None);
        assert_eq!(ordinals(0, 1, &[]).intersection(&ordinals(0, 0, &[])), None);
    }
}
