//! What a container finds in its world.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use crate::bed::{Bed, phase};

pub(crate) const WRITER: &str = r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Mi } }
---
apiVersion: v1
kind: Pod
metadata: { name: writer-0 }
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "hostname > /data/name; touch /etc/only-here; echo said; sleep 1000"]
    readinessProbe: { exec: { command: [test, -s, /data/name] }, periodSeconds: 1 }
    volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_writes_its_hostname_into_its_claim_and_nothing_else_of_the_machine() {
    let bed = Bed::process().await;

    bed.apply(WRITER).await;
    bed.until_ready("writer-0").await;

    let claim: PersistentVolumeClaim = bed.api().get("data").await.expect("the claim");
    let volume = claim.spec.and_then(|spec| spec.volume_name).expect("bound");
    let file = bed
        .path()
        .join("volumes")
        .join(format!("default-data-{volume}/name"));
    assert_eq!(
        std::fs::read_to_string(file).expect("the file"),
        "writer-0\n"
    );
    assert!(!std::path::Path::new("/etc/only-here").exists());

    bed.api::<Pod>()
        .delete("writer-0", &Default::default())
        .await
        .expect("deleted");
    bed.until_gone::<Pod>("writer-0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_has_its_own_root_processes_and_names() {
    let bed = Bed::process().await;
    bed.apply(WRITER).await;
    bed.until_ready("writer-0").await;

    let volumes = bed.path().join("volumes").display().to_string();
    let hidden = bed.exec("writer-0", &["ls", &volumes], "").await;
    assert_ne!(
        hidden.code, 0,
        "the node's folder is not to be seen: {}",
        hidden.stdout
    );

    let processes = bed
        .exec("writer-0", &["sh", "-c", "echo /proc/[0-9]*"], "")
        .await;
    let count = processes.stdout.split_whitespace().count();
    assert!(count < 10, "only its own processes: {}", processes.stdout);

    let temporary = bed
        .exec("writer-0", &["sh", "-c", "ls /tmp /run | wc -l"], "")
        .await;
    assert_eq!(temporary.code, 0);

    bed.apply("apiVersion: v1\nkind: Pod\nmetadata: { name: other }\nspec: { terminationGracePeriodSeconds: 1, containers: [{ name: main, image: pause }] }\n")
        .await;
    bed.until_ready("other").await;
    let write =
        "mkdir /usr/mine && echo mine > /usr/mine/file && rm /usr/bin/env && cat /usr/mine/file";
    let own = bed.exec("writer-0", &["sh", "-c", write], "").await;
    assert_eq!((own.stdout.as_str(), own.stderr.as_str()), ("mine\n", ""));
    let look = "test -e /usr/bin/env && ! test -e /usr/mine && ! test -e /etc/only-here";
    let others = bed.exec("other", &["sh", "-c", look], "").await;
    assert_eq!(others.code, 0, "what one pod writes no other sees");
    assert!(!std::path::Path::new("/usr/mine").exists());

    let hosts = bed.exec("writer-0", &["cat", "/etc/hosts"], "").await;
    assert!(hosts.stdout.contains("\twriter-0\n"), "{}", hosts.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn config_maps_and_secrets_are_files_and_variables_and_a_missing_one_is_waited_for() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { a.conf: "x = 1\n" }
---
apiVersion: v1
kind: Pod
metadata: { name: reader, annotations: { example.com/id: "7" } }
spec:
  terminationGracePeriodSeconds: 2
  containers:
  - name: main
    image: alpine
    command: [sh, -c, "echo id=$(ID) $PASSWORD; sleep 1000"]
    env:
    - { name: ID, valueFrom: { fieldRef: { fieldPath: "metadata.annotations['example.com/id']" } } }
    - { name: PASSWORD, valueFrom: { secretKeyRef: { name: login, key: password } } }
    - { name: ADDRESS, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
    volumeMounts:
    - { name: settings, mountPath: /etc/app }
    - { name: settings, mountPath: /etc/one.conf, subPath: a.conf }
    - { name: both, mountPath: /both }
  volumes:
  - { name: settings, configMap: { name: settings } }
  - { name: both, projected: { sources: [{ configMap: { name: settings } }, { downwardAPI: { items: [{ path: name, fieldRef: { fieldPath: metadata.name } }] } }] } }
"#,
    )
    .await;
    let told = bed.told("reader", "Failed").await;
    assert!(told.contains("secret \"login\" not found"), "{told}");

    bed.apply(
        "apiVersion: v1\nkind: Secret\nmetadata: { name: login }\nstringData: { password: p4ss }\n",
    )
    .await;
    let pod = bed.until_ready("reader").await;

    let address = pod
        .status
        .and_then(|status| status.pod_ip)
        .expect("an address");
    let seen = bed
        .exec(
            "reader",
            &[
                "sh",
                "-c",
                "echo $ID $PASSWORD $ADDRESS; cat /etc/app/a.conf /etc/one.conf /both/*",
            ],
            "",
        )
        .await;
    assert_eq!(
        seen.stdout,
        format!("7 p4ss {address}\nx = 1\nx = 1\nx = 1\nreader")
    );
    let written = bed
        .exec("reader", &["sh", "-c", "echo > /etc/app/a.conf"], "")
        .await;
    assert_ne!(written.code, 0, "config is read-only");

    bed.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { a.conf: \"x = 2\\n\" }\n")
        .await;
    let seen = bed
        .exec(
            "reader",
            &["sh", "-c", "until grep '= 2' /etc/app/a.conf; do :; done"],
            "",
        )
        .await;
    assert_eq!(seen.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_find_each_other_by_name() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Service
metadata: { name: nginx }
spec: { clusterIP: None, selector: { app: web }, ports: [{ name: web, port: 80 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: web-0, labels: { app: web } }
spec:
  hostname: web-0
  subdomain: nginx
  terminationGracePeriodSeconds: 2
  containers: [{ name: main, image: busybox, command: [sleep, "1000"] }]
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec:
  terminationGracePeriodSeconds: 2
  containers: [{ name: main, image: busybox, command: [sleep, "1000"] }]
"#,
    )
    .await;
    let web = bed.until_ready("web-0").await;
    bed.until_ready("client").await;
    let address = web
        .status
        .and_then(|status| status.pod_ip)
        .expect("an address");

    for name in [
        "web-0.nginx",
        "nginx",
        "web-0.nginx.default.svc.cluster.local",
    ] {
        let found = bed
            .exec(
                "client",
                &[
                    "sh",
                    "-c",
                    &format!("until getent ahostsv4 {name}; do :; done"),
                ],
                "",
            )
            .await;
        assert!(
            found.stdout.starts_with(&address),
            "{name}: {}",
            found.stdout
        );
    }
    let unknown = bed
        .exec("client", &["getent", "ahostsv4", "web-9.nginx"], "")
        .await;
    assert_ne!(unknown.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn init_containers_and_sidecars_come_in_order_and_hooks_run() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: ordered }
spec:
  terminationGracePeriodSeconds: 5
  initContainers:
  - { name: first, image: busybox, command: [sh, -c, "echo first >> /shared/order"], volumeMounts: [{ name: shared, mountPath: /shared }] }
  - { name: beside, image: busybox, restartPolicy: Always, command: [sh, -c, "echo beside >> /shared/order; sleep 1000"],
      startupProbe: { exec: { command: [grep, beside, /shared/order] }, periodSeconds: 1 }, volumeMounts: [{ name: shared, mountPath: /shared }] }
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo main >> /shared/order; sleep 1000"]
    lifecycle:
      postStart: { exec: { command: [sh, -c, "until grep main /shared/order; do :; done; echo hook >> /shared/order"] } }
      preStop: { exec: { command: [sh, -c, "echo stop >> /keep/order"] } }
    volumeMounts: [{ name: shared, mountPath: /shared }, { name: keep, mountPath: /keep }]
  volumes:
  - { name: shared, emptyDir: {} }
  - { name: keep, persistentVolumeClaim: { claimName: keep } }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: keep }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
"#,
    )
    .await;
    bed.until_ready("ordered").await;

    let order = bed.exec("ordered", &["cat", "/shared/order"], "").await;
    assert_eq!(order.stdout, "first\nbeside\nmain\nhook\n");

    let claim: PersistentVolumeClaim = bed.api().get("keep").await.expect("the claim");
    let volume = claim.spec.and_then(|spec| spec.volume_name).expect("bound");
    bed.api::<Pod>()
        .delete("ordered", &Default::default())
        .await
        .expect("deleted");
    bed.until_gone::<Pod>("ordered").await;
    let kept = bed
        .path()
        .join("volumes")
        .join(format!("default-keep-{volume}/order"));
    assert_eq!(
        std::fs::read_to_string(kept).expect("the hook ran"),
        "stop\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_and_reasons_are_told_as_they_were() {
    let bed = Bed::process().await;
    let ends = [
        ("done", "[sh, -c, exit 0]", 0, "Completed"),
        ("wrong", "[sh, -c, exit 3]", 3, "Error"),
        ("killed", "[sh, -c, kill -9 $$$$]", 137, "Error"),
        ("stopped", "[sh, -c, kill -15 $$$$]", 143, "Error"),
        ("missing", "[no-such-program]", 128, "StartError"),
    ];
    let containers: String = ends
        .iter()
        .map(|(name, command, ..)| {
            format!("  - {{ name: {name}, image: busybox, command: {command} }}\n")
        })
        .collect();
    bed.apply(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: ends }}\nspec:\n  restartPolicy: Never\n  containers:\n{containers}"
    ))
    .await;

    let ended = bed
        .until("ends", "failed", |pod: &Pod| phase(pod) == Some("Failed"))
        .await;

    let statuses = ended.status.and_then(|status| status.container_statuses);
    for (status, (name, _, code, reason)) in statuses.expect("statuses").iter().zip(ends) {
        let state = status.state.as_ref();
        let end = state.and_then(|state| state.terminated.as_ref());
        let end = end.map(|end| (end.exit_code, end.reason.as_deref()));
        assert_eq!(
            (status.name.as_str(), end),
            (name, Some((code, Some(reason))))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_work_is_done_ends_its_sidecars() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: work }
spec:
  restartPolicy: Never
  initContainers: [{ name: beside, image: busybox, restartPolicy: Always, command: [sleep, "1000"] }]
  containers: [{ name: main, image: busybox, command: [sh, -c, "exit 0"] }]
"#,
    )
    .await;

    let done = bed
        .until("work", "done", |pod: &Pod| {
            let status = pod.status.as_ref();
            let init = status.and_then(|status| status.init_container_statuses.as_ref());
            let state = init.and_then(|list| list.first()?.state.as_ref());
            phase(pod) == Some("Succeeded") && state.is_some_and(|state| state.terminated.is_some())
        })
        .await;

    let init = done
        .status
        .and_then(|status| status.init_container_statuses);
    assert_eq!(init.expect("statuses")[0].restart_count, 0);
}
