//! Whole packets over a byte stream.

use std::time::Duration;

use bytes::BytesMut;
use mysql_common::proto::codec::PacketCodec;
use stateward_sdk::Connection;

use crate::protocol::taken;
use crate::trouble::What;

/// Longer than any statement here is allowed to run, see `server.rs`.
const TIMEOUT: Duration = Duration::from_secs(12);
/// No answer that the plugin asks for comes near it.
const MAX_PACKET: usize = 1024 * 1024;
const READ: u32 = 64 * 1024;

pub(super) struct Packets {
    connection: Box<dyn Connection>,
    codec: PacketCodec,
    received: BytesMut,
}

impl Packets {
    pub(super) fn over(connection: Box<dyn Connection>) -> Packets {
        let mut codec = PacketCodec::default();
        codec.max_allowed_packet = MAX_PACKET;
        Packets {
            connection,
            codec,
            received: BytesMut::new(),
        }
    }

    /// Begins a new exchange: its packets are numbered from 0.
    pub(super) fn begin(&mut self) {
        self.codec.reset_seq_id();
    }

    pub(super) fn send(&mut self, mut packet: &[u8]) -> Result<(), What> {
        let mut bytes = BytesMut::new();
        self.codec
            .encode(&mut packet, &mut bytes)
            .map_err(What::protocol)?;
        Ok(self.connection.write(&bytes, TIMEOUT)?)
    }

    pub(super) fn receive(&mut self) -> Result<Vec<u8>, What> {
        let mut packet = Vec::new();
        while !self
            .codec
            .decode(&mut self.received, &mut packet)
            .map_err(What::protocol)?
        {
            let bytes = self.connection.read(READ, TIMEOUT)?;
            self.received.extend_from_slice(taken(&bytes)?);
        }
        Ok(packet)
    }
}
