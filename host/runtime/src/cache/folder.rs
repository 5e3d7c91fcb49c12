//! The cache's folder: private to this user, with the key in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::unistd::geteuid;

const KEY: &str = "key";

/// As long as a block of the hash, so that it is used as it is.
pub(super) type Key = [u8; 64];

/// Opens or makes the folder; its key.
pub(super) fn open(folder: &Path) -> io::Result<Key> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    ours(folder, true)?;
    let key = folder.join(KEY);
    if !key.exists() {
        let mut bytes = [0; size_of::<Key>()];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        create(folder, &key, &bytes)?;
    }
    ours(&key, false)?;
    let bytes = fs::read(&key)?;
    Key::try_from(bytes)
        .map_err(|_| io::Error::other(format!("{} is damaged; delete the folder", key.display())))
}

/// Writes a file so that it is there whole or not at all.
pub(super) fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = unfinished(folder, bytes)?;
    fs::rename(&new, path).inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

/// Notes that a file was used.
pub(super) fn touch(path: &Path) {
    // Without it the file is only made again sooner than need be.
    let _ = OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|file| file.set_modified(SystemTime::now()));
}

/// Deletes what was not used for so long, what a crash left unfinished included. The key stays.
pub(super) fn forget(folder: &Path, kept: Duration) {
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    let unused = |path: &Path| {
        fs::symlink_metadata(path)
            .and_then(|found| found.modified())
            .is_ok_and(|used| used.elapsed().is_ok_and(|unused| unused > kept))
    };
    for path in files.flatten().map(|file| file.path()) {
        if path.file_name().is_some_and(|name| name != KEY) && unused(&path) {
            // Another process may have been quicker.
            let _ = fs::remove_file(&path);
        }
    }
}

/// As [`write`], but what another process has put there first stays.
fn create(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = unfinished(folder, bytes)?;
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    match linked {
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

fn unfinished(folder: &Path, bytes: &[u8]) -> io::Result<std::path::PathBuf> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(io::Error::other)?;
    let new = folder.join(format!("new-{:016x}", u64::from_ne_bytes(name)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(bytes)?;
    Ok(new)
}

/// Refuses what somebody else owns or can write to or read.
fn ours(path: &Path, folder: bool) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let wrong = if found.is_dir() != folder || found.is_symlink() {
        "is of the wrong kind"
    } else if found.uid() != geteuid().as_raw() {
        "belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "is open to other users (chmod go= it)"
    } else {
        return Ok(());
    };
    Err(io::Error::other(format!("{} {wrong}", path.display())))
}
