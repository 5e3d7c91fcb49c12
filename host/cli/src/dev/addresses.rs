//! Loopback addresses for the pods and the name server of one development cluster, apart from those of another on the same machine.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use stateward_node::PodRange;

use crate::failure::Failure;

/// The second byte of the first block: 127.77.0.0/16.
const FIRST: u8 = 77;
const LAST: u8 = 250;

/// Whoever listens here has the block. The system frees it however the process ends.
const CLAIM_PORT: u16 = 7797;

const DNS_PORT: u16 = 53;

/// Third bytes of each node's addresses: 2046 pods on each of 16 nodes.
const PER_NODE: u8 = 8;

/// One block of 127.0.0.0/8, ours as long as this value lives.
#[derive(Debug)]
pub(crate) struct Addresses {
    block: u8,
    /// Ports below 1024 are not for everybody; names do not resolve then.
    has_dns: bool,
    _claim: TcpListener,
}

impl Addresses {
    /// Takes the first block that is free.
    pub(crate) fn claim() -> Result<Addresses, Failure> {
        for block in FIRST..=LAST {
            match TcpListener::bind((Ipv4Addr::new(127, block, 255, 254), CLAIM_PORT)) {
                Ok(claim) => {
                    return Ok(Addresses {
                        block,
                        has_dns: can_serve_names(name_server(block)),
                        _claim: claim,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                Err(source) => {
                    return Err(Failure::Machine {
                        what: format!("taking addresses 127.{block}.0.0/16 for pods"),
                        source,
                    });
                }
            }
        }
        Err(Failure::Wrong(format!(
            "no loopback addresses are left: {} development clusters run on this machine",
            LAST - FIRST
        )))
    }

    /// The addresses of one node's pods; the second half of the block is for the cluster itself.
    pub(crate) fn pods(&self, node: u8) -> PodRange {
        PodRange {
            base: Ipv4Addr::new(127, self.block, node.saturating_mul(PER_NODE), 0),
            prefix: 21,
        }
    }

    /// The name server that pods are told.
    pub(crate) fn dns(&self) -> Option<Ipv4Addr> {
        self.has_dns.then(|| name_server(self.block))
    }

    /// Where names are served.
    pub(crate) fn dns_server(&self) -> Option<SocketAddr> {
        Some(SocketAddr::from((self.dns()?, DNS_PORT)))
    }
}

fn name_server(block: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, block, 255, 53)
}

fn can_serve_names(address: Ipv4Addr) -> bool {
    UdpSocket::bind((address, DNS_PORT)).is_ok() && TcpListener::bind((address, DNS_PORT)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clusters_have_different_addresses() {
        let one = Addresses::claim().unwrap();
        let other = Addresses::claim().unwrap();
        assert_ne!(one.pods(0).base, other.pods(0).base);
        assert_ne!(one.pods(0).base, one.pods(1).base);
        assert_ne!(one.block, other.block);
    }
}
