//! What a container wrote, kept in the format of the container runtime interface: one line of the file per line of
//! output, `<time> <stream> <F|P> <text>`, so that `logs` can tell times and streams apart.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

/// A line longer than this is kept in parts.
const LONGEST_LINE: usize = 16 * 1024;

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
    file: Mutex<File>,
    progress: watch::Sender<Progress>,
}

impl ContainerLog {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self {
            path,
            file: Mutex::new(file),
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
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not end the container; its log then has a hole.
        let _hole = file.write_all(&line);
        drop(file);
        self.progress.send_modify(|progress| progress.lines += 1);
    }
}
