//! The headers of SPDY/3.1 streams: names and values, compressed with zlib and a dictionary that both sides know. All
//! blocks of one direction are one compressed stream.

use bytes::{Buf, Bytes};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::spdy::Malformed;

/// The window of the compression: how far back a reference may lead.
const WINDOW: usize = 32 * 1024;

/// Nobody's headers are longer; what claims to be is not read on.
const LONGEST: usize = 64 * 1024;

/// In the second byte of a zlib stream: the number of a dictionary follows.
const HAS_DICTIONARY: u8 = 0x20;

/// Begins a zlib stream with [`dictionary`], whose Adler-32 checksum ends it.
const BEGIN: [u8; 6] = [0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2];

/// The dictionary of the SPDY/3 specification: names with their length before them, then a text.
const NAMES: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges \
age allow authorization cache-control connection content-base content-encoding content-language content-length \
content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since \
if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate \
proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning \
www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";
const TEXT: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505\
203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden\
404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable\
Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT\
chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public\
privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

fn dictionary() -> Vec<u8> {
    let names = NAMES.split(' ').map(|name| name.replace('_', " "));
    let mut words: Vec<u8> = names.fold(Vec::new(), |mut words, name| {
        words.extend(u32::try_from(name.len()).unwrap_or_default().to_be_bytes());
        words.extend(name.into_bytes());
        words
    });
    words.extend(TEXT.as_bytes());
    words
}

/// Reads the header blocks of one peer, in their order.
pub(super) struct Reader {
    state: Box<DecompressorOxide>,
    window: Vec<u8>,
    at: usize,
    has_begun: bool,
}

impl Default for Reader {
    fn default() -> Self {
        let mut window = dictionary();
        let at = window.len();
        window.resize(WINDOW, 0);
        Self {
            state: Box::default(),
            window,
            at,
            has_begun: false,
        }
    }
}

impl Reader {
    /// Names (in lower case) and values.
    pub(super) fn read(&mut self, block: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
        let compressed = if self.has_begun {
            block
        } else {
            match block {
                [_, flags, _, _, _, _, rest @ ..] if flags & HAS_DICTIONARY != 0 => rest,
                _ => return Err(Malformed::Headers),
            }
        };
        self.has_begun = true;
        parsed(Bytes::from(self.inflate(compressed)?)).ok_or(Malformed::Headers)
    }

    fn inflate(&mut self, mut compressed: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut plain = Vec::new();
        loop {
            let flags = TINFL_FLAG_HAS_MORE_INPUT;
            let (status, read, written) = decompress(
                &mut self.state,
                compressed,
                &mut self.window,
                self.at,
                flags,
            );
            let new = self.window.get(self.at..self.at + written);
            plain.extend_from_slice(new.unwrap_or_default());
            self.at = (self.at + written) % WINDOW;
            compressed = compressed.get(read..).unwrap_or_default();
            match status {
                TINFLStatus::NeedsMoreInput => return Ok(plain),
                TINFLStatus::HasMoreOutput if plain.len() <= LONGEST => {}
                _ => return Err(Malformed::Headers),
            }
        }
    }
}

fn parsed(mut plain: Bytes) -> Option<Vec<(String, String)>> {
    let count = plain.try_get_u32().ok()?;
    (0..count)
        .map(|_| Some((word(&mut plain)?.to_lowercase(), word(&mut plain)?)))
        .collect()
}

fn word(plain: &mut Bytes) -> Option<String> {
    let length = usize::try_from(plain.try_get_u32().ok()?).ok()?;
    let bytes = (length <= plain.len()).then(|| plain.split_to(length))?;
    String::from_utf8(bytes.to_vec()).ok()
}

/// Writes blocks without any header, which is all that a server of ports has to say: stored, not compressed.
#[derive(Default)]
pub(super) struct Writer {
    has_begun: bool,
}

impl Writer {
    pub(super) fn empty(&mut self) -> Vec<u8> {
        let begin: &[u8] = if self.has_begun { &[] } else { &BEGIN };
        self.has_begun = true;
        // A stored block of four bytes, which are a count of zero, and an empty one: the end of what is sent at once.
        // Without it, Go's reader looks for more in vain and gives the stream up.
        [
            begin,
            &[0, 4, 0, 0xfb, 0xff],
            &[0; 4],
            &[0, 0, 0, 0xff, 0xff],
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adler32(bytes: &[u8]) -> u32 {
        let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65521;
            (a, (b + a) % 65521)
        });
        (b << 16) | a
    }

    #[test]
    fn the_dictionary_is_that_of_the_specification() {
        assert_eq!(dictionary().len(), 1423);
        assert_eq!(adler32(&dictionary()).to_be_bytes(), BEGIN[2..]);
    }

    #[test]
    fn blocks_of_a_peer_are_read_one_after_the_other() {
        // Written by Python's zlib with the dictionary, flushed after each block.
        let first = hex(
            "78f9e3c6a7c202253a48f95b044aab4c16064092b308125b99a054cc68004e872545a989b9d0a2863515141100000000ffff",
        );
        let second = hex("224b2ba8944a04000000ffff");
        let mut reader = Reader::default();

        let headers = |kind: &str| {
            [("port", "80"), ("requestid", "0"), ("streamtype", kind)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec()
        };
        assert_eq!(reader.read(&first).expect("headers"), headers("error"));
        assert_eq!(reader.read(&second).expect("headers"), headers("data"));
        assert_eq!(reader.read(b"garbage"), Err(Malformed::Headers));
        assert_eq!(Reader::default().read(b"garbage"), Err(Malformed::Headers));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let (mut writer, mut reader) = (Writer::default(), Reader::default());
        for _ in 0..2 {
            assert_eq!(reader.read(&writer.empty()), Ok(Vec::new()));
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
            .collect()
    }
}
