//! Images as local programs.

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bed::{Bed, address, is_ready, phase, restarts, waiting};

pub(crate) fn pod(name: &str, image: &str, port: u16, more: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: {name} }}
spec:
  terminationGracePeriodSeconds: 10
  containers:
  - name: main
    image: {image}
    readinessProbe: {{ tcpSocket: {{ port: {port} }}, periodSeconds: 1, failureThreshold: 100 }}
{more}
"#
    )
}

/// Status line, headers and body of an answer.
pub(crate) async fn http(address: &str, port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(format!("{address}:{port}"))
        .await
        .expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

pub(crate) async fn get(address: &str, port: u16, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    http(address, port, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn web_servers_serve_their_folder() {
    let bed = Bed::process().await;
    for (name, image, folder) in [
        ("httpd-0", "httpd", "/usr/local/apache2/htdocs"),
        (
            "nginx-0",
            "registry.example.com/example/nginx:1.0",
            "/usr/share/nginx/html",
        ),
        ("myapp-0", "ikubernetes/myapp:v1", "/usr/share/nginx/html"),
    ] {
        let mounts = format!(
            "    volumeMounts: [{{ name: www, mountPath: {folder} }}]\n  volumes: [{{ name: www, emptyDir: {{}} }}]"
        );
        bed.apply(&pod(name, image, 80, &mounts)).await;
        let address = address(&bed.until_ready(name).await);
        if name == "myapp-0" {
            let page = get(&address, 80, "/").await;
            assert!(page.contains("Version: v1"), "{page}");
            let page = get(&address, 80, "/hostname.html").await;
            assert!(page.contains("myapp-0"), "{page}");
        }
        let write = format!("echo page of {name} > {folder}/index.html");
        assert_eq!(bed.exec(name, &["sh", "-c", &write], "").await.code, 0);
        let page = get(&address, 80, "/").await;
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.ends_with(&format!("page of {name}\n")), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_keeps_what_it_is_sent() {
    let bed = Bed::process().await;
    let mounts = "    volumeMounts: [{ name: data, mountPath: /var/data }]\n  volumes: [{ name: data, emptyDir: {} }]";
    bed.apply(&pod("kubia-0", "kubia-stored", 8080, mounts))
        .await;
    let address = address(&bed.until_ready("kubia-0").await);

    let before = get(&address, 8080, "/").await;
    assert!(
        before.contains("You've hit kubia-0\nData stored on this pod: No data posted yet\n"),
        "{before}"
    );
    let posted = http(
        &address,
        8080,
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    )
    .await;
    assert!(posted.contains("Data stored on pod kubia-0\n"), "{posted}");
    let after = get(&address, 8080, "/").await;
    assert!(
        after.contains("Data stored on this pod: hello\n"),
        "{after}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_listens_on_the_pods_address() {
    let bed = Bed::process().await;
    bed.apply(&pod("redis-0", "redis:7", 6379, "")).await;
    let address = address(&bed.until_ready("redis-0").await);

    let answer = bed
        .exec("redis-0", &["redis-cli", "-h", &address, "ping"], "")
        .await;

    assert_eq!(answer.stdout, "PONG\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_starts_with_the_pods_arguments_and_keeps_its_data() {
    let bed = Bed::process().await;
    bed.apply("apiVersion: v1\nkind: Secret\nmetadata: { name: root }\nstringData: { password: \"it's \\\\secret\" }\n")
        .await;
    bed.apply(&pod(
        "db-0",
        "mariadb:10.11",
        3306,
        r#"    args: ["--server-id=$(SERVER_ID)", "--log-bin=binlog"]
    env:
    - { name: SERVER_ID, value: "13" }
    - { name: MARIADB_ROOT_PASSWORD, valueFrom: { secretKeyRef: { name: root, key: password } } }
    volumeMounts: [{ name: data, mountPath: /var/lib/mysql }]
  volumes: [{ name: data, emptyDir: {} }]"#,
    ))
    .await;
    let address = address(&bed.until_ready("db-0").await);

    let sql = |statement: &str| {
        format!(
            "MYSQL_PWD=\"$MARIADB_ROOT_PASSWORD\" mariadb --no-defaults -h {address} -u root -N -e \"{statement}\""
        )
    };
    let ask = async |statement: &str| bed.exec("db-0", &["sh", "-c", &sql(statement)], "").await;
    let written = ask("CREATE DATABASE shop; CREATE TABLE shop.t (id INT); INSERT INTO shop.t VALUES (5); SELECT @@server_id").await;
    assert_eq!(
        (written.stdout.as_str(), written.stderr.as_str()),
        ("13\n", "")
    );
    let users =
        ask("SELECT User, Host FROM mysql.global_priv WHERE User IN ('', 'root') ORDER BY Host")
            .await;
    assert_eq!(users.stdout, "root\t127.%\nroot\tlocalhost\n");

    assert_eq!(
        bed.exec("db-0", &["sh", "-c", "kill $(pidof mariadbd)"], "")
            .await
            .code,
        0
    );
    bed.until("db-0", "restarted and ready", |pod: &Pod| {
        restarts(pod) == 1 && is_ready(pod)
    })
    .await;
    assert_eq!(ask("SELECT id FROM shop.t").await.stdout, "5\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_image_is_told_with_the_file_to_extend() {
    let bed = Bed::process().await;
    bed.apply(&pod("odd", "acme/unheard-of:3", 80, "")).await;

    let told = bed.told("odd", "Failed").await;
    assert!(
        told.contains("acme/unheard-of:3") && told.contains("recipes.yaml"),
        "{told}"
    );
    let pod = bed
        .until("odd", "waiting for its image", |pod: &Pod| {
            waiting(pod) == Some("ImagePullBackOff")
        })
        .await;
    assert_eq!(phase(&pod), Some("Pending"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_pull_secret_is_named_and_the_pod_starts_all_the_same() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: plain }
spec:
  terminationGracePeriodSeconds: 2
  imagePullSecrets: [{ name: registry-secret }]
  containers: [{ name: main, image: busybox, command: [sleep, "1000"] }]
"#,
    )
    .await;

    bed.until_ready("plain").await;

    let told = bed.told("plain", "FailedToRetrieveImagePullSecret").await;
    assert!(told.contains("registry-secret"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_of_ones_own_wins_over_the_built_in_ones() {
    let bed = Bed::process().await;
    let recipes = r#"
recipes:
- images: ["acme/greeter", nginx]
  variants:
  - needs: [sh]
    setup: echo "hello from $HOSTNAME of ${IMAGE_TAG}"
    command: [sleep, infinity]
"#;
    std::fs::write(bed.path().join("recipes.yaml"), recipes).expect("written");
    for (name, image, said) in [
        (
            "own",
            "registry.example/acme/greeter:2",
            "hello from own of 2\n",
        ),
        ("other", "nginx", "hello from other of latest\n"),
    ] {
        bed.apply(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {name} }}\nspec: {{ terminationGracePeriodSeconds: 1, containers: [{{ name: main, image: \"{image}\" }}] }}\n"
        ))
        .await;
        bed.until_ready(name).await;
        let follow = LogParams {
            follow: true,
            limit_bytes: i64::try_from(said.len()).ok(),
            ..LogParams::default()
        };
        let mut log = bed
            .api::<Pod>()
            .log_stream(name, &follow)
            .await
            .expect("a log");
        let mut text = String::new();
        futures::AsyncReadExt::read_to_string(&mut log, &mut text)
            .await
            .expect("it is read");
        assert_eq!(text, said);
    }
}
