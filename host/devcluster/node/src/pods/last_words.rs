//! What a container says about its end: the file of its `terminationMessagePath`, or the end of its log.

use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Container;

use super::worker::Worker;
use crate::runtime::Mount;
use crate::runtime::process::log::{LogLine, LogReader};

const DEFAULT_PATH: &str = "/dev/termination-log";
const LONGEST: usize = 4096;
/// Of a log that stands in for the file.
const LONGEST_OF_LOG: usize = 2048;
const LINES_OF_LOG: usize = 80;

/// The file that the container may write; it is outside of the container's folder, which goes when it ends.
pub(super) fn mount(container: &Container, source: &Path) -> std::io::Result<Mount> {
    fs::write(source, "")?;
    let path = container.termination_message_path.as_deref();
    Ok(Mount {
        source: source.to_owned(),
        target: PathBuf::from(path.filter(|path| !path.is_empty()).unwrap_or(DEFAULT_PATH)),
        read_only: false,
    })
}

impl Worker {
    pub(super) fn last_words_path(&self, container: &str, start_number: u64) -> PathBuf {
        self.log_folder(container)
            .join(format!("{start_number}.message"))
    }

    pub(super) fn last_words(&self, at: usize, code: i32) -> Option<String> {
        let container = self.container_spec(at)?;
        let record = self.containers.get(at)?;
        let path = self.last_words_path(&container.name, record.start_number);
        let said = fs::read(&path).unwrap_or_default();
        let _gone = fs::remove_file(&path);
        let said = String::from_utf8_lossy(said.get(..LONGEST).unwrap_or(&said)).into_owned();
        if !said.is_empty() {
            return Some(said);
        }
        let falls_back = container.termination_message_policy.as_deref()
            == Some("FallbackToLogsOnError")
            && code != 0;
        if !falls_back {
            return None;
        }
        let log = LogReader::new(record.log.as_ref()?.path()).read();
        Some(end_of_log(&log)).filter(|end| !end.is_empty())
    }
}

/// The last lines of a log file, without their marks.
fn end_of_log(log: &[u8]) -> String {
    let mut lines: Vec<Vec<u8>> = LogLine::all(log)
        .rev()
        .take(LINES_OF_LOG)
        .map(|line| line.text())
        .collect();
    lines.reverse();
    let text = String::from_utf8_lossy(&lines.concat()).into_owned();
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let cut = text.len().saturating_sub(LONGEST_OF_LOG);
    let cut = (cut..=text.len()).find(|at| text.is_char_boundary(*at));
    text.get(cut.unwrap_or_default()..)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::end_of_log;

    #[test]
    fn the_end_of_a_log_is_cut_by_lines_and_by_length() {
        let log: String = (0..100)
            .map(|number| format!("2026-01-01T00:00:00Z stdout F line {number}\n"))
            .collect();
        let end = end_of_log(log.as_bytes());
        assert!(
            end.starts_with("line 20\n") && end.ends_with("line 99"),
            "{end}"
        );

        let long = format!("2026-01-01T00:00:00Z stdout F {}é\n", "x".repeat(3000));
        assert!(end_of_log(long.as_bytes()).len() <= 2048);
        assert_eq!(end_of_log(b""), "");
    }
}
