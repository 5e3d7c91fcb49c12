//! What no HTTP library sends: broken handshakes, broken requests, broken frames, strangers. Both servers hear the same
//! bytes; what they answer is compared, and afterwards both still serve.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::caller::{Caller, Heard, Who};
use super::difference::{Difference, Place};

/// How the differences name this part of the conversation.
const TOPIC: &str = "13-connections";

const HTTP1: &str = "http/1.1";
const HTTP2: &str = "h2";

struct Case {
    say: &'static str,
    how: How,
}

enum How {
    /// Bytes without TLS.
    InTheOpen(Vec<u8>),
    /// A handshake with somebody who trusts nobody.
    Distrust,
    /// Bytes over TLS, in a protocol.
    Over(Who, &'static str, Vec<u8>),
    /// The same in HTTP/1, and the client hangs up.
    Cut(Vec<u8>),
}

fn text(say: &'static str, who: Who, request: &str) -> Case {
    bytes(say, who, request.replace('\n', "\r\n").into_bytes())
}

fn bytes(say: &'static str, who: Who, request: Vec<u8>) -> Case {
    let how = How::Over(who, HTTP1, request);
    Case { say, how }
}

/// HTTP/2: what follows the greeting.
fn frames(say: &'static str, frames: &[Vec<u8>]) -> Case {
    let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let all = [&[greeting, frame(4, 0, 0, &[])], frames].concat().concat();
    let how = How::Over(Who::Known, HTTP2, all);
    Case { say, how }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    let head = [0, length[0], length[1], kind, flags, 0, 0, 0, stream];
    [&head, payload].concat()
}

fn in_the_open(say: &'static str, bytes: &[u8]) -> Case {
    let how = How::InTheOpen(bytes.to_vec());
    Case { say, how }
}

fn handshakes() -> Vec<Case> {
    vec![
        in_the_open(
            "HTTP without TLS",
            b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        in_the_open("no TLS at all", b"\x00\x01\x02 nonsense\r\n\r\n"),
        in_the_open(
            "half a greeting",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ),
        in_the_open("a record of a wrong type", b"\x17\x03\x03\x00\x05hello"),
        in_the_open("a record that is too long", b"\x16\x03\x01\xff\xff\x01"),
        in_the_open("nothing", b""),
        Case {
            say: "a client that trusts nobody",
            how: How::Distrust,
        },
        Case {
            say: "a protocol that is not spoken",
            how: How::Over(Who::Known, "spdy/3", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        },
    ]
}

fn strangers() -> Vec<Case> {
    let ask = |header: &str| {
        format!("GET /api/v1/namespaces HTTP/1.1\nHost: a\n{header}Connection: close\n\n")
    };
    vec![
        text("nobody", Who::Nobody, &ask("")),
        text(
            "a guessed token",
            Who::Nobody,
            &ask("Authorization: Bearer guessed\n"),
        ),
        text(
            "an empty token",
            Who::Nobody,
            &ask("Authorization: Bearer \n"),
        ),
        text(
            "a token of two words",
            Who::Nobody,
            &ask("Authorization: Bearer a b\n"),
        ),
        text(
            "a name and a password",
            Who::Nobody,
            &ask("Authorization: Basic YTpi\n"),
        ),
        text(
            "no scheme at all",
            Who::Nobody,
            &ask("Authorization: guessed\n"),
        ),
        text("a certificate of nobody's", Who::Forger, &ask("")),
        text(
            "a header in somebody's name",
            Who::Nobody,
            &ask("X-Remote-User: admin\nX-Remote-Group: system:masters\n"),
        ),
        text("somebody who is known", Who::Known, &ask("$auth")),
        text(
            "a known one in another's name",
            Who::Known,
            &ask("$authX-Remote-User: nobody\n"),
        ),
    ]
}

fn requests() -> Vec<Case> {
    let maps = "/api/v1/namespaces/default/configmaps";
    let known = |say, request: &str| text(say, Who::Known, request);
    let post = |headers: &str, body: &str| {
        format!(
            "POST {maps} HTTP/1.1\nHost: a\n$authContent-Type: application/json\nConnection: close\n{headers}\n{body}"
        )
    };
    let ask = |line: &str| format!("{line}\nHost: a\n$authConnection: close\n\n");
    let long = "x".repeat(2 * 1024 * 1024);
    let chunks = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(64);
    vec![
        known("no request", "NONSENSE\n\n"),
        known("a version of tomorrow", &ask("GET /version HTTP/9.9")),
        known("a version of yesterday", "GET /version HTTP/1.0\n$auth\n"),
        known("a verb in small letters", &ask("get /version HTTP/1.1")),
        known("a verb that is none", &ask("BREW /api/v1/nodes HTTP/1.1")),
        known("a verb with a blank", &ask("GE T /version HTTP/1.1")),
        known("TRACE", &ask("TRACE /api/v1/nodes HTTP/1.1")),
        known("CONNECT", &ask("CONNECT example.com:443 HTTP/1.1")),
        known("HEAD", &ask("HEAD /api/v1/nodes HTTP/1.1")),
        known(
            "a header without a colon",
            &ask("GET /version HTTP/1.1\nnonsense"),
        ),
        known(
            "a header with a blank in its name",
            &ask("GET /version HTTP/1.1\na b: c"),
        ),
        known(
            "no host",
            "GET /version HTTP/1.1\n$authConnection: close\n\n",
        ),
        known("two hosts", &ask("GET /version HTTP/1.1\nHost: b")),
        known("a path with a bad escape", &ask("GET /api/v1/%zz HTTP/1.1")),
        known(
            "a path with half an escape",
            &ask("GET /api/v1/nodes/% HTTP/1.1"),
        ),
        known(
            "a query with a bad escape",
            &ask("GET /api/v1/nodes?limit=%zz HTTP/1.1"),
        ),
        known(
            "a whole address for a path",
            &ask("GET https://a/version HTTP/1.1"),
        ),
        known("a path without its beginning", &ask("GET version HTTP/1.1")),
        known(
            "a path of dots",
            &ask("GET /api/../../../etc/passwd HTTP/1.1"),
        ),
        known(
            "a name that leads elsewhere",
            &ask(&format!("GET {maps}/%2e%2e%2fsecrets HTTP/1.1")),
        ),
        known(
            "a path with two strokes",
            &ask("GET //api/v1/nodes HTTP/1.1"),
        ),
        known(
            "a path with a zero",
            &ask("GET /api/v1/nodes/a%00b HTTP/1.1"),
        ),
        known(
            "a header that is too long",
            &ask(&format!("GET /version HTTP/1.1\nlong: {long}")),
        ),
        known(
            "an address that is too long",
            &ask(&format!("GET /version?{long} HTTP/1.1")),
        ),
        known("a length below nothing", &post("Content-Length: -1\n", "")),
        known(
            "two lengths",
            &post("Content-Length: 2\nContent-Length: 3\n", "{}"),
        ),
        Case {
            say: "a body that ends early",
            how: How::Cut(
                post("Content-Length: 100\n", "{}")
                    .replace('\n', "\r\n")
                    .into_bytes(),
            ),
        },
        known(
            "chunks that are none",
            &post("Transfer-Encoding: chunked\n", "zz\n{}\n0\n\n"),
        ),
        known(
            "an encoding that is none",
            &post("Transfer-Encoding: brewed\n", "{}"),
        ),
        bytes(
            "more chunks than are read",
            Who::Known,
            [
                post("Transfer-Encoding: chunked\n", "")
                    .replace('\n', "\r\n")
                    .into_bytes(),
                chunks.into_bytes(),
                b"0\r\n\r\n".to_vec(),
            ]
            .concat(),
        ),
        known(
            "an upgrade to nothing",
            &ask(&format!(
                "GET {maps}?watch=true&timeoutSeconds=1 HTTP/1.1\nUpgrade: tea"
            )),
        ),
    ]
}

fn broken_frames() -> Vec<Case> {
    let ping = frame(6, 0, 0, &[0; 8]);
    vec![
        Case {
            say: "HTTP/1 where HTTP/2 was agreed on",
            how: How::Over(
                Who::Known,
                HTTP2,
                b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            ),
        },
        frames(
            "a frame that is too long",
            &[vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]],
        ),
        frames(
            "a frame of no known type",
            &[frame(0xee, 0, 0, b"?"), frame(0, 0, 0, b"x")],
        ),
        frames("headers on no stream", &[frame(1, 4, 0, &[0x82])]),
        frames("headers on the server's stream", &[frame(1, 4, 2, &[0x82])]),
        frames(
            "headers that cannot be unpacked",
            &[frame(1, 5, 1, &[0xff; 16])],
        ),
        frames("a continuation of nothing", &[frame(9, 4, 1, &[0x82])]),
        frames(
            "headers that are not continued",
            &[frame(1, 0, 1, &[0x82]), ping.clone()],
        ),
        frames("data on a stream that is not open", &[frame(0, 0, 1, b"x")]),
        frames("settings of a wrong length", &[frame(4, 0, 0, b"x")]),
        frames("a window that does not grow", &[frame(8, 0, 0, &[0; 4])]),
        frames(
            "a window that grows too far",
            &[
                frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
                frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
            ],
        ),
        frames("a ping of a wrong length", &[frame(6, 0, 0, b"x")]),
    ]
}

/// Says everything to both and tells where they do not answer alike.
pub(super) async fn differences(ours: &str, theirs: &str) -> Result<Vec<Difference>> {
    let (ours, theirs) = (Caller::new(ours).await?, Caller::new(theirs).await?);
    let mut differences = Vec::new();
    let cases = [handshakes(), strangers(), requests(), broken_frames()];
    for case in cases.iter().flatten() {
        let told = |who: &str| format!("{who}: {TOPIC}/{}", case.say);
        let (ours, theirs) = tokio::join!(hear(&ours, &case.how), hear(&theirs, &case.how));
        let (ours, theirs) = (
            ours.with_context(|| told("embedded"))?,
            theirs.with_context(|| told("real"))?,
        );
        if ours != theirs {
            let shown = |heard: &Heard| Some(json!(format!("{heard:?}")));
            let place: Place = ("answer".to_owned(), shown(&ours), shown(&theirs));
            differences.push(Difference::new(TOPIC, case.say, place));
        }
    }
    let again = b"GET /version HTTP/1.1\r\nHost: a\r\n$authConnection: close\r\n\r\n";
    for (name, server) in [("embedded", &ours), ("real", &theirs)] {
        let heard = server.send(Who::Known, HTTP1, again, false).await?;
        ensure!(
            matches!(heard, Heard::Answer { code: 200, .. }),
            "afterwards the {name} server answers {heard:?}"
        );
    }
    Ok(differences)
}

async fn hear(server: &Caller, how: &How) -> Result<Heard> {
    match how {
        How::InTheOpen(bytes) => server.in_the_open(bytes).await,
        How::Distrust => server.distrusts().await,
        How::Over(who, protocol, bytes) => server.send(*who, protocol, bytes, false).await,
        How::Cut(bytes) => server.send(Who::Known, HTTP1, bytes, true).await,
    }
}
