//! Reading a log that grows and is begun anew meanwhile.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::part_before;

/// Gives whole lines, from the part before on, each once.
pub(crate) struct LogReader {
    path: PathBuf,
    part: Option<Part>,
    /// The beginning of a line whose end is still to be written.
    unfinished: Vec<u8>,
}

struct Part {
    file: File,
    /// What tells the file from its successor of the same name.
    inode: u64,
}

impl Part {
    fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let inode = file.metadata().ok()?.ino();
        Some(Self { file, inode })
    }
}

impl LogReader {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            part: Part::open(&part_before(path)),
            unfinished: Vec::new(),
        }
    }

    /// The lines that were written since the last time.
    pub(crate) fn read(&mut self) -> Vec<u8> {
        let mut lines = std::mem::take(&mut self.unfinished);
        loop {
            self.append_to(&mut lines);
            let current = fs::metadata(&self.path).ok().map(|file| file.ino());
            let known = self.part.as_ref().map(|part| part.inode);
            if current.is_none() || current == known {
                break;
            }
            // Nobody writes to a part any more once there is a newer one.
            self.append_to(&mut lines);
            match Part::open(&self.path) {
                Some(newer) => self.part = Some(newer),
                None => break,
            }
        }
        let whole = lines.iter().rposition(|byte| *byte == b'\n');
        self.unfinished = lines.split_off(whole.map_or(0, |at| at + 1));
        lines
    }

    fn append_to(&mut self, lines: &mut Vec<u8>) {
        if let Some(part) = &mut self.part {
            // What cannot be read is a hole in the log.
            let _hole = part.file.read_to_end(lines);
        }
    }
}
