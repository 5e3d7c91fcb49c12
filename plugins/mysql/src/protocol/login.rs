//! Logging in with `mysql_native_password`, MariaDB's own.

use mysql_common::auth::plugins::mysql_native_password::scramble_native;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse};
use mysql_common::proto::MySerialize;

use crate::protocol::packets::Packets;
use crate::protocol::{CAPABILITIES, END_OF_ROWS, ERROR, OK, server_error};
use crate::trouble::What;

/// Only chooses the collation that is proposed. Reading the real one takes a regular expression, which would make up most of the component.
const SERVER_VERSION: (u16, u16, u16) = (10, 11, 0);
const MAX_PACKET: u32 = 16 * 1024 * 1024;

pub(super) fn log_in(packets: &mut Packets, user: &str, password: &[u8]) -> Result<(), What> {
    let greeting = packets.receive()?;
    if greeting.first() == Some(&ERROR) {
        return Err(server_error(&greeting));
    }
    let greeting: HandshakePacket<'_> = ParseBuf(&greeting).parse(()).map_err(What::protocol)?;
    let response = HandshakeResponse::new(
        Some(scrambled(&greeting.nonce(), password)),
        SERVER_VERSION,
        Some(user.as_bytes()),
        None::<&[u8]>,
        Some(AuthPlugin::MysqlNativePassword),
        CAPABILITIES,
        None,
        MAX_PACKET,
    );
    let mut packet = Vec::new();
    response.serialize(&mut packet);
    packets.send(&packet)?;

    let answer = packets.receive()?;
    match answer.first() {
        Some(&END_OF_ROWS) => switch(packets, &answer, password),
        _ => accepted(&answer),
    }
}

/// The server wants the password in another form, or with another nonce.
fn switch(packets: &mut Packets, request: &[u8], password: &[u8]) -> Result<(), What> {
    let request: AuthSwitchRequest<'_> = ParseBuf(request).parse(()).map_err(What::protocol)?;
    if request.auth_plugin() != AuthPlugin::MysqlNativePassword {
        let plugin = request.auth_plugin().into_owned();
        return Err(What::Protocol(format!(
            "the account logs in by {}, this plugin can mysql_native_password",
            String::from_utf8_lossy(plugin.as_bytes())
        )));
    }
    packets.send(&scrambled(request.plugin_data(), password))?;
    accepted(&packets.receive()?)
}

fn accepted(answer: &[u8]) -> Result<(), What> {
    match answer.first() {
        Some(&OK) => Ok(()),
        Some(&ERROR) => Err(server_error(answer)),
        _ => Err(What::protocol("neither yes nor no to the login")),
    }
}

fn scrambled(nonce: &[u8], password: &[u8]) -> Vec<u8> {
    scramble_native(nonce, password).map_or_else(Vec::new, |hash| hash.to_vec())
}
