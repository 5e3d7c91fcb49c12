//! What the cluster's name server answers.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use k8s_openapi::api::core::v1::Pod;
use stateward_node::Script;
use tokio::net::UdpSocket;

use crate::bed::{Bed, PATIENCE, address, phase};

impl Bed {
    async fn ask(&self, name: &str, kind: RecordType) -> Message {
        let server = SocketAddr::from((self.name_server(), 53));
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let name = Name::from_ascii(name).expect("a name");
        let mut question = Message::query();
        question.metadata.op_code = OpCode::Query;
        question.add_query(Query::query(name, kind));
        let bytes = question.to_vec().expect("a question");
        socket.send_to(&bytes, server).await.expect("asked");
        let mut buffer = [0; 4096];
        let length = tokio::time::timeout(PATIENCE, socket.recv(&mut buffer))
            .await
            .expect("answered in time")
            .expect("answered");
        Message::from_vec(&buffer[..length]).expect("an answer")
    }

    /// Asks until there are as many addresses of the name.
    async fn addresses(&self, name: &str, count: usize) -> Vec<IpAddr> {
        let asking = async {
            loop {
                let answer = self.ask(name, RecordType::A).await;
                let found: Vec<IpAddr> = answer
                    .answers
                    .iter()
                    .filter_map(|record| match record.data {
                        RData::A(address) => Some(IpAddr::V4(address.0)),
                        _ => None,
                    })
                    .collect();
                if found.len() == count {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, asking).await;
        found.unwrap_or_else(|_| panic!("{name} has not {count} addresses"))
    }
}

fn member(name: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: {name}, labels: {{ app: web }} }}
spec:
  hostname: {name}
  subdomain: web
  containers: [{{ name: main, image: any, ports: [{{ name: http, containerPort: 8080 }}] }}]
"#
    )
}

fn service(name: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: {name} }}\nspec: {{ clusterIP: None, selector: {{ app: web }}, ports: [{{ name: http, port: 80, targetPort: http }}], {more} }}\n"
    )
}

#[tokio::test]
async fn a_headless_service_has_its_ready_pods_each_with_a_name_and_its_ports() {
    let bed = Bed::simulated().await;
    bed.apply(&service("web", "")).await;
    for name in ["web-0", "web-1"] {
        bed.apply(&member(name)).await;
    }
    let own = address(&bed.until_ready("web-0").await);
    bed.until_ready("web-1").await;

    bed.addresses("web.default.svc.cluster.local.", 2).await;
    let found = bed
        .addresses("web-0.web.default.svc.cluster.local.", 1)
        .await;
    assert_eq!(found[0].to_string(), own);

    let answer = bed
        .ask("_http._tcp.web.default.svc.cluster.local.", RecordType::SRV)
        .await;
    let mut services: Vec<(String, u16)> = answer
        .answers
        .iter()
        .map(|record| match &record.data {
            RData::SRV(service) => (service.target.to_ascii(), service.port),
            other => panic!("{other:?}"),
        })
        .collect();
    services.sort();
    let expected =
        ["web-0", "web-1"].map(|name| (format!("{name}.web.default.svc.cluster.local."), 8080));
    assert_eq!(services, expected);
    assert_eq!(answer.additionals.len(), 2);

    bed.simulation.script("web-1", Script::NotReady);
    bed.addresses("web.default.svc.cluster.local.", 1).await;
    bed.addresses("web-1.web.default.svc.cluster.local.", 0)
        .await;
    let unknown = bed
        .ask("web-9.web.default.svc.cluster.local.", RecordType::A)
        .await;
    assert_eq!(unknown.metadata.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn a_service_that_publishes_all_names_pods_before_they_are_ready_and_while_they_end() {
    let bed = Bed::simulated().await;
    bed.simulation.script("web-0", Script::NotReady);
    bed.apply(&service("web", "publishNotReadyAddresses: true"))
        .await;
    bed.apply(&service("only-ready", "")).await;
    bed.apply(&member("web-0")).await;
    bed.until("web-0", "running", |pod: &Pod| {
        phase(pod) == Some("Running")
    })
    .await;

    bed.addresses("web-0.web.default.svc.cluster.local.", 1)
        .await;
    bed.addresses("web.default.svc.cluster.local.", 1).await;
    bed.addresses("only-ready.default.svc.cluster.local.", 0)
        .await;

    bed.simulation.script("web-0", Script::Stubborn);
    bed.addresses("only-ready.default.svc.cluster.local.", 1)
        .await;
    bed.api::<Pod>()
        .delete("web-0", &Default::default())
        .await
        .expect("deleted");
    bed.addresses("only-ready.default.svc.cluster.local.", 0)
        .await;
    bed.addresses("web-0.web.default.svc.cluster.local.", 1)
        .await;
}
