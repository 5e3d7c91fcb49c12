//! The server's side of the protocol.

use mysql_common::auth::plugins::mysql_native_password::scramble_native;

use super::{ROOT_PASSWORD, Simulation};
use crate::simulation::statements::{Answer, Table};

const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";

/// One connection to a simulated server.
pub(crate) struct Session {
    simulation: Simulation,
    address: String,
    is_logged_in: bool,
}

impl Session {
    pub(crate) fn with(simulation: Simulation, address: String) -> Session {
        Session {
            simulation,
            address,
            is_logged_in: false,
        }
    }

    fn log_in(&mut self, response: &[u8]) -> Vec<u8> {
        let expected = scramble_native(NONCE, ROOT_PASSWORD.as_bytes()).unwrap();
        let is_right = response.windows(20).any(|window| window == expected);
        self.is_logged_in = is_right;
        if is_right {
            packet(2, &ok())
        } else {
            packet(2, &error(1045, "Access denied for user 'root'"))
        }
    }
}

impl stateward_sdk::testing::Session for Session {
    fn greeting(&mut self) -> Vec<u8> {
        let mut body = vec![10];
        body.extend(b"10.11.19-MariaDB\0");
        body.extend(7_u32.to_le_bytes());
        body.extend(&NONCE[..8]);
        body.push(0);
        let capabilities: u32 = 0x0008_8201;
        body.extend(&capabilities.to_le_bytes()[..2]);
        body.push(45);
        body.extend([2, 0]);
        body.extend(&capabilities.to_le_bytes()[2..]);
        body.push(21);
        body.extend([0; 10]);
        body.extend(&NONCE[8..]);
        body.push(0);
        body.extend(b"mysql_native_password\0");
        packet(0, &body)
    }

    fn answer(&mut self, received: &[u8]) -> Option<Vec<u8>> {
        let body = &received[4..];
        if !self.is_logged_in {
            return Some(self.log_in(body));
        }
        let statement = std::str::from_utf8(&body[1..]).unwrap();
        Some(match self.simulation.execute(&self.address, statement)? {
            Answer::Ok => packet(1, &ok()),
            Answer::Error(errno, text) => packet(1, &error(errno, &text)),
            Answer::Table(table) => rows(&table),
        })
    }
}

fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = u32::try_from(body.len()).unwrap().to_le_bytes()[..3].to_vec();
    packet.push(number);
    packet.extend(body);
    packet
}

fn ok() -> Vec<u8> {
    vec![0, 0, 0, 2, 0, 0, 0]
}

fn error(errno: u16, text: &str) -> Vec<u8> {
    let mut body = vec![0xFF];
    body.extend(errno.to_le_bytes());
    body.extend(b"#HY000");
    body.extend(text.as_bytes());
    body
}

fn rows(table: &Table) -> Vec<u8> {
    let end = [0xFE, 0, 0, 2, 0];
    let mut number = 1;
    let mut bytes = Vec::new();
    let mut put = |body: &[u8]| {
        bytes.extend(packet(number, body));
        number += 1;
    };
    put(&[u8::try_from(table.columns.len()).unwrap()]);
    for name in &table.columns {
        let mut body = Vec::new();
        for text in ["def", "", "", "", name.as_str(), ""] {
            body.extend(text_with_length(text));
        }
        body.push(12);
        body.extend([45, 0, 255, 0, 0, 0, 253, 0, 0, 0, 0, 0]);
        put(&body);
    }
    put(&end);
    for row in &table.rows {
        let value = |value: &Option<String>| match value {
            Some(text) => text_with_length(text),
            None => vec![0xFB],
        };
        put(&row.iter().flat_map(value).collect::<Vec<u8>>());
    }
    put(&end);
    bytes
}

fn text_with_length(text: &str) -> Vec<u8> {
    let mut bytes = match u8::try_from(text.len()) {
        Ok(length) if length < 251 => vec![length],
        _ => {
            let mut bytes = vec![0xFC];
            bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
            bytes
        }
    };
    bytes.extend(text.as_bytes());
    bytes
}
