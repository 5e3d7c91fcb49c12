//! What there is once per ordinal: members, and claims of one template.

use std::slice;

/// Values by ordinal, ascending. Ordinals are mostly dense, so the place of one is guessed before it is searched.
#[derive(Clone, Debug)]
pub(crate) struct ByOrdinal<T>(Vec<(u32, T)>);

impl<T> ByOrdinal<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, ordinal: u32) -> Option<&T> {
        let (first, _) = self.0.first()?;
        let guess = usize::try_from(ordinal.checked_sub(*first)?).ok()?;
        match self.0.get(guess) {
            Some((found, value)) if *found == ordinal => Some(value),
            _ => {
                let place = self.0.binary_search_by_key(&ordinal, |(known, _)| *known);
                self.at(place.ok()?)
            }
        }
    }

    pub(crate) fn contains(&self, ordinal: u32) -> bool {
        self.get(ordinal).is_some()
    }

    /// The value at this place in the order.
    pub(crate) fn at(&self, place: usize) -> Option<&T> {
        self.0.get(place).map(|(_, value)| value)
    }

    pub(crate) fn values(&self) -> Values<'_, T> {
        Values(self.0.iter())
    }
}

/// Of two with one ordinal the later one stays.
impl<T> FromIterator<(u32, T)> for ByOrdinal<T> {
    fn from_iter<I: IntoIterator<Item = (u32, T)>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        if entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            return ByOrdinal(entries);
        }
        let ordinals = || entries.iter().map(|(ordinal, _)| *ordinal);
        let first = ordinals().min().unwrap_or_default();
        let span = ordinals().max().unwrap_or_default().saturating_sub(first);
        match usize::try_from(span) {
            Ok(span) if span < entries.len().saturating_mul(2) => {
                ByOrdinal(placed(entries, first, span))
            }
            _ => {
                entries.sort_by_key(|(ordinal, _)| *ordinal);
                entries.dedup_by(|later, kept| {
                    let is_same = later.0 == kept.0;
                    if is_same {
                        std::mem::swap(later, kept);
                    }
                    is_same
                });
                ByOrdinal(entries)
            }
        }
    }
}

/// Dense ones are put in order without being compared.
fn placed<T>(entries: Vec<(u32, T)>, first: u32, span: usize) -> Vec<(u32, T)> {
    let mut places: Vec<Option<(u32, T)>> = Vec::new();
    places.resize_with(span.saturating_add(1), || None);
    for entry in entries {
        let place = usize::try_from(entry.0.saturating_sub(first)).unwrap_or(usize::MAX);
        if let Some(place) = places.get_mut(place) {
            *place = Some(entry);
        }
    }
    places.into_iter().flatten().collect()
}

pub(crate) struct Values<'a, T>(slice::Iter<'a, (u32, T)>);

impl<'a, T> Iterator for Values<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.0.next().map(|(_, value)| value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> DoubleEndedIterator for Values<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(_, value)| value)
    }
}

impl<T> ExactSizeIterator for Values<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(entries: &[(u32, char)]) -> ByOrdinal<char> {
        entries.iter().copied().collect()
    }

    #[test]
    fn values_are_found_whether_ordinals_are_dense_or_not() {
        for ordinals in [&[][..], &[0, 1, 2], &[5, 6, 7], &[1, 3, 4, 9], &[9, 3, 1]] {
            let known: ByOrdinal<u32> = ordinals
                .iter()
                .map(|ordinal| (*ordinal, *ordinal))
                .collect();
            for ordinal in 0..12 {
                let expected = ordinals.contains(&ordinal).then_some(&ordinal);
                assert_eq!(known.get(ordinal), expected, "{ordinal} of {ordinals:?}");
            }
        }
    }

    #[test]
    fn they_ascend_and_the_later_of_two_stays() {
        for far in [2, 200] {
            let known = given(&[(far, 'a'), (0, 'b'), (far, 'c'), (1, 'd'), (far, 'e')]);
            assert_eq!(known.values().collect::<String>(), "bde");
            assert_eq!(known.values().rev().collect::<String>(), "edb");
        }
    }
}
