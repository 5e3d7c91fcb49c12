//! Fields of a pod by path, as the downward API names them.

use k8s_openapi::api::core::v1::Pod;
use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "field {0:?} is not one that the downward API gives; it gives metadata.name, .namespace, .uid, .labels, .annotations, spec.nodeName, spec.serviceAccountName, status.podIP, status.podIPs, status.hostIP, status.hostIPs"
)]
pub(crate) struct UnknownField(String);

/// The value of a field; a label or annotation that is not there is empty.
pub(crate) fn field(pod: &Pod, path: &str) -> Result<String, UnknownField> {
    let (metadata, spec, status) = (&pod.metadata, pod.spec.as_ref(), pod.status.as_ref());
    if let Some((map, key)) = path
        .strip_suffix("']")
        .and_then(|path| path.split_once("['"))
        .or_else(|| {
            path.strip_suffix("\"]")
                .and_then(|path| path.split_once("[\""))
        })
    {
        let map = match map {
            "metadata.labels" => &metadata.labels,
            "metadata.annotations" => &metadata.annotations,
            _ => return Err(UnknownField(path.to_owned())),
        };
        let value = map.as_ref().and_then(|map| map.get(key));
        return Ok(value.cloned().unwrap_or_default());
    }
    let value = match path {
        "metadata.name" => metadata.name.clone(),
        "metadata.namespace" => metadata.namespace.clone(),
        "metadata.uid" => metadata.uid.clone(),
        "metadata.labels" => return Ok(lines(metadata.labels.iter().flatten())),
        "metadata.annotations" => return Ok(lines(metadata.annotations.iter().flatten())),
        "spec.nodeName" => spec.and_then(|spec| spec.node_name.clone()),
        "spec.serviceAccountName" => spec.and_then(|spec| spec.service_account_name.clone()),
        "status.podIP" | "status.podIPs" => status.and_then(|status| status.pod_ip.clone()),
        "status.hostIP" | "status.hostIPs" => status.and_then(|status| status.host_ip.clone()),
        _ => return Err(UnknownField(path.to_owned())),
    };
    Ok(value.unwrap_or_default())
}

fn lines<'a>(map: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    map.map(|(key, value)| format!("{key}={value:?}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_annotations_are_given_by_key_and_missing_ones_are_empty() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "web-0", "labels": { "a.b/c": "1" }, "annotations": { "d": "2" } },
        }))
        .expect("a pod");

        assert_eq!(field(&pod, "metadata.name").as_deref(), Ok("web-0"));
        assert_eq!(field(&pod, "metadata.labels['a.b/c']").as_deref(), Ok("1"));
        assert_eq!(field(&pod, "metadata.annotations['d']").as_deref(), Ok("2"));
        assert_eq!(
            field(&pod, "metadata.annotations['none']").as_deref(),
            Ok("")
        );
        assert!(field(&pod, "spec.hostname").is_err());
    }
}
