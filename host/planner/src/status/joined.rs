//! Pods that `post-ready` is done for, told in the app's status: one write of it tells of all that joined since the last one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::world::Pod;

/// So many have room in the status; who joins beyond them is told on the pod itself.
pub(crate) const MOST: usize = 512;

/// Container restarts at which each pod joined, by its UID. In the API a list of `<uid>/<restarts>`: of a list the API server keeps no field owners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Joined(BTreeMap<String, u32>);

impl Joined {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this incarnation joined since its containers started last.
    pub fn has(&self, pod: &Pod) -> bool {
        self.0.get(&pod.uid) == Some(&pod.restarts)
    }

    /// UIDs of pods, and container restarts at which each joined.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0
            .iter()
            .map(|(pod, restarts)| (pod.as_str(), *restarts))
    }

    pub(crate) fn add(&mut self, pod: &Pod) {
        self.0.insert(pod.uid.clone(), pod.restarts);
    }

    /// Forgets all but these.
    pub(crate) fn keep<'a>(&mut self, pods: impl Iterator<Item = &'a Pod>) {
        let known = std::mem::take(&mut self.0);
        self.0 = pods
            .filter_map(|pod| known.get_key_value(&pod.uid))
            .map(|(pod, restarts)| (pod.clone(), *restarts))
            .collect();
    }

    /// Whether it tells of somebody of whom `other` does not. That a pod is gone need not be told.
    pub(super) fn says_more_than(&self, other: &Joined) -> bool {
        self.0.iter().any(|(pod, at)| other.0.get(pod) != Some(at))
    }

    /// Bytes in JSON, about.
    pub(crate) fn bytes(&self) -> usize {
        self.0.keys().map(|pod| pod.len() + 14).sum()
    }
}

impl From<Vec<String>> for Joined {
    /// What cannot be read tells nothing: the hook is called again, under the same id.
    fn from(told: Vec<String>) -> Joined {
        let read = |told: &String| {
            let (pod, restarts) = told.rsplit_once('/')?;
            Some((pod.to_owned(), restarts.parse().ok()?))
        };
        Joined(told.iter().filter_map(read).collect())
    }
}

impl From<Joined> for Vec<String> {
    fn from(joined: Joined) -> Vec<String> {
        let told = joined.0.into_iter();
        told.map(|(pod, restarts)| format!("{pod}/{restarts}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_tells_nothing_and_loses_nothing_else() {
        let written = json!(["uid-1/0", "uid-2", "uid-3/many", "a/b/2"]);
        let joined: Joined = serde_json::from_value(written).unwrap();
        assert_eq!(
            serde_json::to_value(&joined).unwrap(),
            json!(["a/b/2", "uid-1/0"])
        );
    }
}
