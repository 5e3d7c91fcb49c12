//! What a container wrote, kept in the format of the container runtime interface: one line of the file per line of
//! output, `<time> <stream> <F|P> <text>`, so that `logs` can tell times and streams apart.
//!
//! A log that grows past [`LARGEST`] is begun anew; the part before it is kept beside it (`1.log`, `1.log.before`) until
//! the next time, so that a talkative container takes at most twice as much.

mod line;
mod reader;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

pub(crate) use line::LogLine;
pub(crate) use reader::LogReader;

/// A line longer than this is kept in parts.
const LONGEST_LINE: usize = 16 * 1024;

/// As a kubelet's `containerLogMaxSize`.
const LARGEST: u64 = 10 * 1024 * 1024;

/// How far a log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) lines: u64,
    pub(crate) ended: bool,
}

/// The log of one start of one container.
#[derive(Debug)]
pub(crate) struct ContainerLog {
    path: PathBuf,
    largest: u64,
    part: Mutex<Part>,
    progress: watch::Sender<Progress>,
}

/// The file that is written now.
#[derive(Debug)]
struct Part {
    file: File,
    size: u64,
}

impl Part {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl ContainerLog {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        Self::of_size(path, LARGEST)
    }

    fn of_size(path: PathBuf, largest: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let part = Mutex::new(Part::open(&path)?);
        Ok(Self {
            path,
            largest,
            part,
            progress: watch::Sender::default(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn follow(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(crate) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    /// Copies one output stream into the log until it ends.
    pub(crate) async fn take(&self, stream: &str, mut output: impl AsyncRead + Unpin) {
        let mut pending = Vec::new();
        let mut chunk = vec![0; 8 * 1024];
        loop {
            match output.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(count) => pending.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            }
            let mut kept = Vec::new();
            for line in pending.split_inclusive(|byte| *byte == b'\n') {
                match line.strip_suffix(b"\n") {
                    Some(whole) => self.append(stream, 'F', whole),
                    None if line.len() > LONGEST_LINE => self.append(stream, 'P', line),
                    None => kept = line.to_vec(),
                }
            }
            pending = kept;
        }
        if !pending.is_empty() {
            self.append(stream, 'P', &pending);
        }
    }

    fn append(&self, stream: &str, tag: char, text: &[u8]) {
        let mut line = format!("{} {stream} {tag} ", Timestamp::now()).into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        let mut part = self.part.lock().unwrap_or_else(PoisonError::into_inner);
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if part.size > 0 && part.size.saturating_add(length) > self.largest {
            // Where no new part can be begun, the log goes on in the old one.
            let begun = fs::rename(&self.path, part_before(&self.path))
                .and_then(|()| Part::open(&self.path));
            if let Ok(begun) = begun {
                *part = begun;
            }
        }
        // A full disk must not end the container; its log then has a hole.
        let _hole = part.file.write_all(&line);
        part.size = part.size.saturating_add(length);
        drop(part);
        self.progress.send_modify(|progress| progress.lines += 1);
    }
}

/// Where the part before the one that is written now is kept.
fn part_before(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".before");
    PathBuf::from(name)
}

/// Takes a log away. What is left of it is only disk space, and goes with its pod.
pub(crate) fn remove(path: &Path) {
    for part in [path, &part_before(path)] {
        let _left = fs::remove_file(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &[u8]) -> Vec<String> {
        LogLine::all(bytes)
            .map(|line| {
                String::from_utf8(line.text())
                    .expect("text")
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }

    fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| format!("line {number:03}")).collect()
    }

    #[test]
    fn a_log_keeps_two_parts_of_limited_size_and_its_reader_misses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("1.log");
        let log = ContainerLog::of_size(path.clone(), 1000).expect("a log");
        let mut follower = LogReader::new(&path);
        let mut followed = Vec::new();
        for number in 0..100 {
            log.append("stdout", 'F', format!("line {number:03}").as_bytes());
            if number % 10 == 0 {
                followed.extend(texts(&follower.read()));
            }
        }
        followed.extend(texts(&follower.read()));
        assert_eq!(followed, numbers(0..100));

        let kept = texts(&LogReader::new(&path).read());
        assert!(kept.len() < 60 && kept.len() > 20, "{}", kept.len());
        assert_eq!(kept, numbers(100 - kept.len()..100));
        let size = |path: &Path| fs::metadata(path).expect("a part").len();
        assert!(size(&path) <= 1000 && size(&part_before(&path)) <= 1000);

        // The next agent goes on where this one ended.
        let again = ContainerLog::of_size(path.clone(), 1000).expect("a log");
        again.append("stdout", 'F', b"line 100");
        assert_eq!(texts(&follower.read()), ["line 100"]);
        remove(&path);
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0);
    }

    #[tokio::test]
    async fn a_line_without_its_end_and_one_that_is_too_long_are_kept_in_parts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("1.log");
        let log = ContainerLog::create(path.clone()).expect("a log");
        let long = "x".repeat(3 * LONGEST_LINE);
        log.take("stderr", format!("one\n{long}\nlast").as_bytes())
            .await;

        let text = String::from_utf8(LogReader::new(&path).read()).expect("text");
        let marks: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(' ').nth(2))
            .collect();
        assert_eq!(marks.first(), Some(&"F"));
        assert_eq!(marks.last(), Some(&"P"));
        assert!(marks.len() > 4, "{marks:?}");
        assert_eq!(texts(text.as_bytes())[1..].concat(), format!("{long}last"));
    }
}
