//! The MySQL protocol, as far as it takes to log in and to send statements: `mysql_common` reads and writes the packets, the host carries the
//! bytes.

mod login;
mod packets;

use bytes::Buf;
use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{Column, ErrPacket};
use mysql_common::value::{TextValue, Value, ValueDeserializer};
use stateward_sdk::{Connection, Failure};

use crate::trouble::What;
use packets::Packets;

/// What the client can do. Old-style end-of-rows packets keep the reading simple.
const CAPABILITIES: CapabilityFlags = CapabilityFlags::from_bits_truncate(
    CapabilityFlags::CLIENT_LONG_PASSWORD.bits()
        | CapabilityFlags::CLIENT_LONG_FLAG.bits()
        | CapabilityFlags::CLIENT_PROTOCOL_41.bits()
        | CapabilityFlags::CLIENT_TRANSACTIONS.bits()
        | CapabilityFlags::CLIENT_SECURE_CONNECTION.bits()
        | CapabilityFlags::CLIENT_PLUGIN_AUTH.bits(),
);

const QUERY: u8 = 0x03;
const OK: u8 = 0x00;
const END_OF_ROWS: u8 = 0xFE;
const ERROR: u8 = 0xFF;

/// A logged-in connection.
pub(crate) struct Session {
    packets: Packets,
}

/// What a statement gave: no rows for one that gives none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Option<Vec<u8>>>>,
}

/// One row.
pub(crate) struct Row<'a> {
    columns: &'a [String],
    values: &'a [Option<Vec<u8>>],
}

impl Session {
    pub(crate) fn log_in(
        connection: Box<dyn Connection>,
        user: &str,
        password: &[u8],
    ) -> Result<Session, What> {
        let mut packets = Packets::over(connection);
        login::log_in(&mut packets, user, password)?;
        Ok(Session { packets })
    }

    pub(crate) fn query(&mut self, statement: &str) -> Result<Rows, What> {
        let mut packet = vec![QUERY];
        packet.extend_from_slice(statement.as_bytes());
        self.packets.begin();
        self.packets.send(&packet)?;

        let first = self.packets.receive()?;
        let mut head = ParseBuf(&first);
        match first.first() {
            Some(&OK) => return Ok(Rows::default()),
            Some(&ERROR) => return Err(server_error(&first)),
            _ => {}
        }
        let count = head
            .checked_eat_lenenc_int()
            .ok_or_else(|| What::protocol("an empty packet"))?;
        let columns = (0..count)
            .map(|_| self.receive_column())
            .collect::<Result<Vec<String>, What>>()?;
        if !is_end(&self.packets.receive()?) {
            return Err(What::protocol("more columns than announced"));
        }
        let mut rows = Vec::new();
        loop {
            let packet = self.packets.receive()?;
            if is_end(&packet) {
                return Ok(Rows { columns, rows });
            }
            if packet.first() == Some(&ERROR) {
                return Err(server_error(&packet));
            }
            rows.push(read_row(&packet, columns.len())?);
        }
    }

    fn receive_column(&mut self) -> Result<String, What> {
        let packet = self.packets.receive()?;
        let column: Column = ParseBuf(&packet).parse(()).map_err(What::protocol)?;
        Ok(column.name_str().into_owned())
    }
}

impl Rows {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row {
            columns: &self.columns,
            values,
        })
    }

    pub(crate) fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }
}

impl Row<'_> {
    /// The value in the column of this name; none for NULL, and for a column that is not there.
    pub(crate) fn text(&self, column: &str) -> Option<String> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.at(place)
    }

    /// The value in the column at this place.
    pub(crate) fn at(&self, place: usize) -> Option<String> {
        let value = self.values.get(place)?.as_ref()?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

fn read_row(packet: &[u8], columns: usize) -> Result<Vec<Option<Vec<u8>>>, What> {
    let mut buffer = ParseBuf(packet);
    let mut values = Vec::with_capacity(columns);
    for _ in 0..columns {
        let value: ValueDeserializer<TextValue> = buffer.parse(()).map_err(What::protocol)?;
        values.push(match value.0 {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        });
    }
    Ok(values)
}

/// A row can begin with the same byte, and is then longer.
fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END_OF_ROWS) && packet.len() < 9
}

fn server_error(packet: &[u8]) -> What {
    match ParseBuf(packet).parse::<ErrPacket<'_>>(CAPABILITIES) {
        Ok(ErrPacket::Error(error)) => What::Error {
            errno: error.error_code(),
            message: error.message_str().into_owned(),
        },
        Ok(ErrPacket::Progress(_)) => What::protocol("a progress report instead of an answer"),
        Err(error) => What::protocol(error),
    }
}

/// The host's end of stream means that the server hung up.
fn taken(bytes: &[u8]) -> Result<&[u8], Failure> {
    if bytes.has_remaining() {
        Ok(bytes)
    } else {
        Err(Failure::Closed)
    }
}
