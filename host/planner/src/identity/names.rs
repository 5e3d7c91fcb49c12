//! Names made from an app's name and an ordinal, and back.

/// `web-3`.
pub fn pod_name(app: &str, ordinal: u32) -> String {
    format!("{app}-{ordinal}")
}

/// `data-web-3`. The scheduler's spreading of volumes over zones depends on this suffix (item 45).
pub fn claim_name(template: &str, app: &str, ordinal: u32) -> String {
    format!("{template}-{app}-{ordinal}")
}

/// The ordinal in this pod's name, if it is a name of this app. Only the one spelling counts: `web-01` is nobody's pod (better than item 34).
pub fn ordinal_of(app: &str, pod: &str) -> Option<u32> {
    let (name, ordinal) = parts(pod)?;
    (name == app).then_some(ordinal)
}

/// The app and the ordinal in the name of a pod, if it can be one; of a claim the template and the app, and the ordinal.
pub(crate) fn parts(name: &str) -> Option<(&str, u32)> {
    let (front, digits) = name.rsplit_once('-')?;
    let is_canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    if !is_canonical {
        return None;
    }
    let ordinal: u32 = digits.parse().ok()?;
    (ordinal <= i32::MAX as u32).then_some((front, ordinal))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Upstream's GetParentNameAndOrdinal and IsMemberOf.
    #[test]
    fn only_the_app_and_its_number_make_a_member() {
        let cases = [
            ("web", "web-0", Some(0)),
            ("web", "web-12", Some(12)),
            ("web-a", "web-a-3", Some(3)),
            ("web", "web-a-3", None),
            ("web", "web", None),
            ("web", "web-", None),
            ("web", "web--1", None),
            ("web", "web-1a", None),
            ("web", "web-+1", None),
            ("web", "db-1", None),
            ("web", "web-01", None),
            ("web", "web-2147483648", None),
            ("web", "web-99999999999", None),
        ];
        for (app, pod, expected) in cases {
            assert_eq!(ordinal_of(app, pod), expected, "{pod} of {app}");
        }
    }
}
