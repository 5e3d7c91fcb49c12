//! Cluster DNS: names of services and of their pods, over UDP and TCP. It knows only the cluster's domain; everything
//! else is refused.

mod zone;

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType, rdata};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::cache::Cache;
use crate::errors::NodeError;
use zone::{Answer, Data, Question, Zone};

/// Seconds for which an answer may be remembered; pods move quickly.
const TTL: u32 = 1;
const SMALLEST_PAYLOAD: u16 = 512;
/// A TCP peer that says nothing for so long is hung up on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sockets that are bound but not served yet.
pub(crate) struct Server {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl Server {
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, NodeError> {
        let failed = |source| NodeError::Listen { address, source };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let udp = UdpSocket::bind(tcp.local_addr().map_err(failed)?)
            .await
            .map_err(failed)?;
        Ok(Self { udp, tcp })
    }

    /// Answers until it is aborted.
    pub(crate) async fn run(self, services: Cache<Service>, slices: Cache<EndpointSlice>) {
        services.complete().await;
        slices.complete().await;
        let resolver = Resolver { services, slices };
        tokio::join!(
            serve_udp(self.udp, resolver.clone()),
            serve_tcp(self.tcp, resolver)
        );
    }
}

#[derive(Clone)]
struct Resolver {
    services: Cache<Service>,
    slices: Cache<EndpointSlice>,
}

async fn serve_udp(socket: UdpSocket, resolver: Resolver) {
    let mut buffer = vec![0; 4096];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else {
            // Such an error belongs to an earlier answer whose asker is gone.
            continue;
        };
        let query = buffer.get(..length).unwrap_or_default();
        if let Some(answer) = resolver.respond(query, true) {
            let _asker_is_gone = socket.send_to(&answer, peer).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, resolver: Resolver) {
    loop {
        let Ok((stream, _peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let resolver = resolver.clone();
        tokio::spawn(async move {
            // A peer that hangs up ends its own connection only.
            let _closed = converse(stream, resolver).await;
        });
    }
}

async fn converse(mut stream: TcpStream, resolver: Resolver) -> std::io::Result<()> {
    loop {
        let length = tokio::time::timeout(PATIENCE, stream.read_u16()).await??;
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await?;
        let Some(answer) = resolver.respond(&query, false) else {
            return Ok(());
        };
        stream
            .write_u16(u16::try_from(answer.len()).unwrap_or(u16::MAX))
            .await?;
        stream.write_all(&answer).await?;
    }
}

impl Resolver {
    /// `None` for what is not a question at all.
    fn respond(&self, query: &[u8], is_datagram: bool) -> Option<Vec<u8>> {
        let query = Message::from_vec(query).ok()?;
        if query.metadata.message_type != MessageType::Query {
            return None;
        }
        let mut response = Message::response(query.metadata.id, query.metadata.op_code);
        response.metadata.recursion_desired = query.metadata.recursion_desired;
        response.add_queries(query.queries.iter().cloned());
        match query.queries.first() {
            Some(question) if query.metadata.op_code == OpCode::Query => {
                self.fill(&mut response, question.name(), question.query_type());
            }
            _ => response.metadata.response_code = ResponseCode::NotImp,
        }
        let bytes = response.to_vec().ok()?;
        let payload = query.max_payload().max(SMALLEST_PAYLOAD);
        if is_datagram && bytes.len() > usize::from(payload) {
            return response.truncate().to_vec().ok();
        }
        Some(bytes)
    }

    fn fill(&self, response: &mut Message, name: &Name, record_type: RecordType) {
        let question = match record_type {
            RecordType::A => Question::Addresses,
            RecordType::SRV => Question::Services,
            RecordType::ANY => Question::Anything,
            _ => Question::Other,
        };
        let zone = Zone {
            services: &self.services.all(),
            slices: &self.slices.all(),
        };
        let code = match zone.answer(&name.to_ascii().to_ascii_lowercase(), question) {
            Answer::Refused => ResponseCode::Refused,
            Answer::NoSuchName => ResponseCode::NXDomain,
            Answer::Records(records) => {
                for data in records {
                    add(response, name, data);
                }
                ResponseCode::NoError
            }
        };
        response.metadata.authoritative = code != ResponseCode::Refused;
        response.metadata.response_code = code;
    }
}

fn add(response: &mut Message, name: &Name, data: Data) {
    match data {
        Data::Address(address) => {
            response.add_answer(Record::from_rdata(
                name.clone(),
                TTL,
                RData::A(rdata::A(address)),
            ));
        }
        Data::Alias(target) => {
            if let Ok(target) = Name::from_ascii(target) {
                let alias = RData::CNAME(rdata::CNAME(target));
                response.add_answer(Record::from_rdata(name.clone(), TTL, alias));
            }
        }
        Data::Service {
            target,
            port,
            address,
        } => {
            if let Ok(target) = Name::from_ascii(target) {
                let service = RData::SRV(rdata::SRV::new(0, 100, port, target.clone()));
                response.add_answer(Record::from_rdata(name.clone(), TTL, service));
                response.add_additional(Record::from_rdata(
                    target,
                    TTL,
                    RData::A(rdata::A(address)),
                ));
            }
        }
    }
}
