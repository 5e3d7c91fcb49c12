//! The loopback addresses of a node's pods: one each, for as long as the pod lives.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::options::PodRange;

/// Hands out the addresses of a range, each to one pod (by UID) at a time.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    range: PodRange,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    pods: BTreeMap<Ipv4Addr, String>,
    /// Offset that was handed out last: an address is used again as late as possible, so that a client that still
    /// knows the old pod does not reach a stranger.
    last: u32,
}

impl Addresses {
    pub(crate) fn new(range: PodRange) -> Self {
        Self {
            range,
            taken: Arc::default(),
        }
    }

    /// The pod's address: the one it has, else the one it had (`wanted`), else the next free one.
    pub(crate) fn assign(&self, uid: &str, wanted: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((address, _)) = taken.pods.iter().find(|(_, owner)| *owner == uid) {
            return Some(*address);
        }
        let pods = self.range.pods();
        let base = u32::from(self.range.base);
        let free = |offset: &u32| {
            !taken
                .pods
                .contains_key(&Ipv4Addr::from(base.wrapping_add(*offset)))
        };
        let kept = wanted
            .map(|wanted| u32::from(wanted).wrapping_sub(base))
            .filter(|offset| (1..=pods).contains(offset))
            .filter(free);
        let offset = kept.or_else(|| {
            (0..pods)
                .map(|step| 1 + (taken.last + step) % pods)
                .find(free)
        })?;
        let address = Ipv4Addr::from(base.wrapping_add(offset));
        taken.last = taken.last.max(offset) % pods;
        if kept.is_none() {
            taken.last = offset % pods;
        }
        taken.pods.insert(address, uid.to_owned());
        Some(address)
    }

    pub(crate) fn release(&self, uid: &str) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.pods.retain(|_, owner| owner != uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_one_pod_and_is_not_reused_at_once() {
        let addresses = Addresses::new(PodRange::default());

        let first = addresses.assign("a", None).expect("an address");
        let second = addresses.assign("b", None).expect("an address");
        assert_ne!(first, second);
        assert_eq!(addresses.assign("a", None), Some(first));

        addresses.release("a");
        let third = addresses.assign("c", None).expect("an address");
        assert_ne!(third, first);
        assert_ne!(third, second);
    }

    #[test]
    fn a_pod_that_is_found_again_keeps_its_address() {
        let addresses = Addresses::new(PodRange::default());
        let wanted = Ipv4Addr::new(127, 77, 0, 9);

        assert_eq!(addresses.assign("a", Some(wanted)), Some(wanted));
        assert_ne!(addresses.assign("b", Some(wanted)), Some(wanted));
    }

    #[test]
    fn a_full_range_has_no_address_left() {
        let addresses = Addresses::new(PodRange {
            base: Ipv4Addr::new(127, 80, 0, 0),
            prefix: 30,
        });

        assert!(addresses.assign("a", None).is_some());
        assert!(addresses.assign("b", None).is_some());
        assert_eq!(addresses.assign("c", None), None);
    }
}
