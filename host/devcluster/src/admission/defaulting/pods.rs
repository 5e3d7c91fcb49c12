//! Pods and pod templates.

use serde_json::{Map, Value, json};

use crate::object::{self, default, text, with_map};

pub(super) fn complete_pod(pod: &mut Value) {
    complete_spec(pod, "spec");
    with_map(pod, &["spec"], |spec| {
        default(spec, "enableServiceLinks", true);
        default(spec, "serviceAccountName", "default");
        let account = spec.get("serviceAccountName").cloned().unwrap_or_default();
        default(spec, "serviceAccount", account);
        default(spec, "preemptionPolicy", "PreemptLowerPriority");
        default(spec, "priority", 0);
        default(spec, "tolerations", json!([]));
        if let Some(Value::Array(tolerations)) = spec.get_mut("tolerations") {
            for taint in [
                "node.kubernetes.io/not-ready",
                "node.kubernetes.io/unreachable",
            ] {
                tolerate(tolerations, taint);
            }
        }
    });
    let class = quality(pod);
    with_map(pod, &["status"], |status| {
        default(status, "phase", "Pending");
        default(status, "qosClass", class);
    });
}

/// How long a pod stays on a node that is lost, unless it says otherwise.
fn tolerate(tolerations: &mut Vec<Value>, taint: &str) {
    let is_tolerated = tolerations.iter().any(|toleration| {
        matches!(text(toleration, "/key"), key if key == taint || key.is_empty())
            && matches!(text(toleration, "/effect"), "" | "NoExecute")
    });
    if !is_tolerated {
        tolerations.push(json!({
            "key": taint,
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }));
    }
}

/// A PodTemplate, which is completed as templates of other kinds are.
pub(super) fn complete_template_of(object: &mut Value) {
    with_map(object, &["template"], |_| ());
    if let Some(template) = object.get_mut("template") {
        complete_template(template);
    }
}

pub(super) fn complete_template(template: &mut Value) {
    with_map(template, &["metadata"], |_| ());
    complete_spec(template, "spec");
}

fn complete_spec(holder: &mut Value, field: &str) {
    with_map(holder, &[field], |spec| {
        default(spec, "restartPolicy", "Always");
        default(spec, "dnsPolicy", "ClusterFirst");
        default(spec, "schedulerName", "default-scheduler");
        default(spec, "securityContext", json!({}));
        default(spec, "terminationGracePeriodSeconds", 30);
        let is_on_host = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
        for group in ["initContainers", "containers"] {
            for container in maps(spec, group) {
                complete_container(container, is_on_host);
            }
        }
        for volume in maps(spec, "volumes") {
            complete_volume(volume);
        }
    });
}

fn maps<'a>(
    holder: &'a mut Map<String, Value>,
    field: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    holder
        .get_mut(field)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

fn complete_container(container: &mut Map<String, Value>, is_on_host: bool) {
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    default(container, "resources", json!({}));
    let policy = pull_policy(
        container
            .get("image")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    );
    default(container, "imagePullPolicy", policy);
    complete_requests(container);
    for port in maps(container, "ports") {
        default(port, "protocol", "TCP");
        if is_on_host {
            let number = port.get("containerPort").cloned().unwrap_or_default();
            default(port, "hostPort", number);
        }
    }
    for variable in maps(container, "env") {
        if let Some(Value::Object(source)) = variable.get_mut("valueFrom") {
            complete_source(source);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(Value::Object(probe)) = container.get_mut(probe) {
            complete_probe(probe);
        }
    }
    if let Some(Value::Object(lifecycle)) = container.get_mut("lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(Value::Object(handler)) = lifecycle.get_mut(hook) {
                complete_handler(handler);
            }
        }
    }
}

/// What a variable or a file of the downward API shows.
fn complete_source(source: &mut Map<String, Value>) {
    if let Some(Value::Object(field)) = source.get_mut("fieldRef") {
        default(field, "apiVersion", "v1");
    }
    if let Some(Value::Object(resource)) = source.get_mut("resourceFieldRef") {
        default(resource, "divisor", "0");
    }
}

/// A limit without a request is a request too.
fn complete_requests(container: &mut Map<String, Value>) {
    let Some(Value::Object(resources)) = container.get_mut("resources") else {
        return;
    };
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else {
        return;
    };
    let requests = resources
        .entry("requests")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(requests) = requests {
        for (resource, limit) in limits {
            requests.entry(resource).or_insert(limit);
        }
    }
}

/// Images without a tag or under `latest` may change under their name.
fn pull_policy(image: &str) -> &'static str {
    if image.contains('@') {
        return "IfNotPresent";
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        None | Some((_, "latest")) => "Always",
        Some(_) => "IfNotPresent",
    }
}

fn complete_probe(probe: &mut Map<String, Value>) {
    default(probe, "timeoutSeconds", 1);
    default(probe, "periodSeconds", 10);
    default(probe, "successThreshold", 1);
    default(probe, "failureThreshold", 3);
    complete_handler(probe);
}

fn complete_handler(handler: &mut Map<String, Value>) {
    if let Some(Value::Object(request)) = handler.get_mut("httpGet") {
        default(request, "path", "/");
        default(request, "scheme", "HTTP");
    }
    if let Some(Value::Object(call)) = handler.get_mut("grpc") {
        default(call, "service", "");
    }
}

fn complete_volume(volume: &mut Map<String, Value>) {
    const READABLE: i64 = 0o644;
    for source in ["configMap", "secret", "downwardAPI", "projected"] {
        if let Some(Value::Object(source)) = volume.get_mut(source) {
            default(source, "defaultMode", READABLE);
        }
    }
    if let Some(Value::Object(files)) = volume.get_mut("downwardAPI") {
        maps(files, "items").for_each(complete_source);
    }
    if let Some(Value::Object(projected)) = volume.get_mut("projected") {
        for source in maps(projected, "sources") {
            if let Some(Value::Object(token)) = source.get_mut("serviceAccountToken") {
                default(token, "expirationSeconds", 3600);
            }
            if let Some(Value::Object(files)) = source.get_mut("downwardAPI") {
                maps(files, "items").for_each(complete_source);
            }
        }
    }
    if let Some(Value::Object(host_path)) = volume.get_mut("hostPath") {
        default(host_path, "type", "");
    }
    if volume.len() == 1 && volume.contains_key("name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
}

/// The quality of service class: by what every container requests of cpu and memory, and whether that is its limit.
fn quality(pod: &Value) -> &'static str {
    let mut asks_for_something = false;
    let mut is_guaranteed = true;
    for container in object::list(pod, "/spec/containers") {
        for resource in ["cpu", "memory"] {
            let request = text(container, &format!("/resources/requests/{resource}"));
            let limit = text(container, &format!("/resources/limits/{resource}"));
            asks_for_something |= !request.is_empty() || !limit.is_empty();
            is_guaranteed &= !limit.is_empty() && (request.is_empty() || request == limit);
        }
    }
    match (asks_for_something, is_guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
