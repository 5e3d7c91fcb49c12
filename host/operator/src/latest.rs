//! A map of so many: the key that came first is forgotten first. What can be asked for again, or is told twice at worst, needs no more.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// At most `MOST` keys.
pub(crate) struct Latest<K, V, const MOST: usize> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V, const MOST: usize> Default for Latest<K, V, MOST> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Clone + Eq + Hash, V, const MOST: usize> Latest<K, V, MOST> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.values_mut()
    }

    /// A key that is known keeps its place in the order.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }

    /// How many are known.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.values.len(), self.order.len());
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_came_is_forgotten_first() {
        let mut latest = Latest::<String, u32, 2>::default();
        latest.insert("a".to_owned(), 1);
        latest.insert("b".to_owned(), 2);
        latest.insert("a".to_owned(), 3);
        assert_eq!((latest.get("a"), latest.get("b")), (Some(&3), Some(&2)));
        latest.insert("c".to_owned(), 4);
        assert_eq!((latest.get("a"), latest.get("b")), (None, Some(&2)));
        assert_eq!(latest.len(), 2);
    }
}
