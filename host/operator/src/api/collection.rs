//! Where the objects of a kind are.

/// A kind of objects that the operator reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Collection {
    Pods,
    PodTemplates,
    Claims,
    Revisions,
    StatefulSets,
    StatefulApps,
    Plugins,
    Events,
    Secrets,
    ConfigMaps,
    Definitions,
    Budgets,
    Webhooks,
}

impl Collection {
    /// The path of the collection in a namespace, or of one object.
    pub(crate) fn path(self, namespace: &str, name: Option<&str>) -> String {
        let (prefix, plural, is_namespaced) = self.place();
        let mut path = String::from(prefix);
        if is_namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            path.push_str(namespace);
        }
        path.push('/');
        path.push_str(plural);
        if let Some(name) = name {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// The plural name, for logs and metrics.
    pub(crate) fn plural(self) -> &'static str {
        self.place().1
    }

    fn place(self) -> (&'static str, &'static str, bool) {
        match self {
            Collection::Pods => ("/api/v1", "pods", true),
            Collection::PodTemplates => ("/api/v1", "podtemplates", true),
            Collection::Claims => ("/api/v1", "persistentvolumeclaims", true),
            Collection::Revisions => ("/apis/apps/v1", "controllerrevisions", true),
            Collection::StatefulSets => ("/apis/apps/v1", "statefulsets", true),
            Collection::StatefulApps => ("/apis/stateward.dev/v1alpha1", "statefulapps", true),
            Collection::Plugins => ("/apis/stateward.dev/v1alpha1", "plugins", false),
            Collection::Events => ("/api/v1", "events", true),
            Collection::Secrets => ("/api/v1", "secrets", true),
            Collection::ConfigMaps => ("/api/v1", "configmaps", true),
            Collection::Budgets => ("/apis/policy/v1", "poddisruptionbudgets", true),
            Collection::Webhooks => (
                "/apis/admissionregistration.k8s.io/v1",
                "validatingwebhookconfigurations",
                false,
            ),
            Collection::Definitions => (
                "/apis/apiextensions.k8s.io/v1",
                "customresourcedefinitions",
                false,
            ),
        }
    }
}
