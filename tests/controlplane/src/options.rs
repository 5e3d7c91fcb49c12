//! How a control plane is set up.

use crate::component::{API_SERVER, CONTROLLER_MANAGER, SCHEDULER};

/// How fast a controller may speak to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Requests per second, for each of a process's controllers.
    pub qps: u32,
    /// Requests that may be made at once before that.
    pub burst: u32,
}

impl ClientLimits {
    /// What upstream's controller manager comes with.
    pub const UPSTREAM: Self = Self { qps: 20, burst: 30 };
    /// So high that they never matter.
    pub const LIFTED: Self = Self {
        qps: 5000,
        burst: 5000,
    };

    pub(crate) fn flags(self) -> [String; 2] {
        [
            format!("--kube-api-qps={}", self.qps),
            format!("--kube-api-burst={}", self.burst),
        ]
    }
}

/// A control plane; by default as upstream ships it, but for its clients' limits, which are lifted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub(crate) without: Vec<String>,
    pub(crate) arguments: Vec<(String, String)>,
    limits: Option<ClientLimits>,
}

impl Options {
    /// StatefulSets are left to somebody else.
    #[must_use]
    pub fn without_statefulset_controller(self) -> Self {
        self.argument(
            CONTROLLER_MANAGER,
            "--controllers=*,-statefulset-controller",
        )
    }

    /// A component that is not started, see [`crate::component`].
    #[must_use]
    pub fn without(mut self, component: &str) -> Self {
        self.without.push(component.to_owned());
        self
    }

    /// Switches a feature gate, in all components that know gates.
    #[must_use]
    pub fn feature_gate(self, name: &str, is_on: bool) -> Self {
        let flag = format!("--feature-gates={name}={is_on}");
        [API_SERVER, CONTROLLER_MANAGER, SCHEDULER]
            .into_iter()
            .fold(self, |options, component| {
                options.argument(component, &flag)
            })
    }

    /// The limits of the controller manager's clients.
    #[must_use]
    pub fn client_limits(mut self, limits: ClientLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// A further flag of a component; of a flag that is given twice the last counts.
    #[must_use]
    pub fn argument(mut self, component: &str, flag: &str) -> Self {
        self.arguments.push((component.to_owned(), flag.to_owned()));
        self
    }

    /// The words that follow `up`.
    pub(crate) fn words(&self) -> Vec<String> {
        let limits = self.limits.unwrap_or(ClientLimits::LIFTED).flags();
        let limits = limits.iter().map(|flag| (CONTROLLER_MANAGER, flag));
        let given = self.arguments.iter();
        let given = given.map(|(component, flag)| (component.as_str(), flag));
        let mut words: Vec<String> = limits
            .chain(given)
            .flat_map(|(component, flag)| ["-arg".to_owned(), format!("{component}={flag}")])
            .collect();
        if !self.without.is_empty() {
            words.extend(["-without".to_owned(), self.without.join(",")]);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_flags_of_the_components_they_concern() {
        let options = Options::default()
            .without_statefulset_controller()
            .feature_gate("StatefulSetRecreateStrategy", true)
            .without(SCHEDULER);

        let words = options.words().join(" ");

        assert!(words.contains("-arg kube-controller-manager=--kube-api-qps=5000"));
        assert!(
            words.contains("-arg kube-controller-manager=--controllers=*,-statefulset-controller")
        );
        assert!(
            words.contains("-arg kube-apiserver=--feature-gates=StatefulSetRecreateStrategy=true")
        );
        assert!(words.ends_with("-without kube-scheduler"));
    }
}
