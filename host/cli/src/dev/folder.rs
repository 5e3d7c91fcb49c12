//! The state folder of a development cluster: one process at a time has it, and `reset` takes away exactly what was put there.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

/// What a development cluster puts into its folder. The lock comes last: while it exists, the folder is ours to reset.
const CONTENTS: [&str; 8] = [
    "kubeconfig",
    "cluster",
    "node",
    "storage",
    "plugins",
    "port",
    "dev.log",
    LOCK,
];
const LOCK: &str = "lock";

/// Why a folder cannot be used or reset.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error(
        "{path} is in use by another `stateward dev`{}; stop that one, or choose another folder with --folder",
        by(holder)
    )]
    InUse { path: PathBuf, holder: String },
    #[error("{path} holds no development cluster: there is nothing to reset")]
    NotOurs { path: PathBuf },
    #[error(
        "{path} still has something mounted at {mounted}: unmount it first, it would be deleted otherwise"
    )]
    Mounted { path: PathBuf, mounted: String },
    #[error("cannot {doing} {path}: {source}")]
    Unusable {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

fn by(holder: &str) -> String {
    match holder {
        "" => String::new(),
        process => format!(" (process {process})"),
    }
}

/// A folder that this process alone uses, as long as the value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes the folder; makes it where it does not exist.
    pub(crate) fn take(path: &Path) -> Result<Folder, FolderError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable("create", path))?;
        // Pods see their volumes under this path, and users copy it: it must not depend on where they stand.
        let path = path.canonicalize().map_err(unusable("find", path))?;
        let file = path.join(LOCK);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .map_err(unusable("open", &file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&file).unwrap_or_default();
                return Err(FolderError::InUse {
                    path,
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable("lock", &file)(source)),
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(unusable("write", &file))?;
        Ok(Folder { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A folder in it, made where it does not exist.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf, FolderError> {
        let path = self.join(name);
        match DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(unusable("create", &path)(source)),
        }
    }

    /// Writes a file that only this user can read. Readers see the old or the new text, never half of it.
    pub(crate) fn write_private(&self, name: &str, text: &str) -> Result<PathBuf, FolderError> {
        let path = self.path.join(name);
        let fresh = self.path.join(format!("{name}.new"));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&fresh, &path));
        written.map_err(unusable("write", &path))?;
        Ok(path)
    }

    /// Lets the person behind `sudo` read a file of the folder.
    pub(crate) fn hand_over(&self, file: &Path) -> Result<(), FolderError> {
        let number = |name| std::env::var(name).ok()?.parse().ok();
        if let (Some(user), Some(group)) = (number("SUDO_UID"), number("SUDO_GID")) {
            for path in [self.path(), file] {
                chown(path, Some(user), Some(group)).map_err(unusable("hand over", path))?;
            }
        }
        Ok(())
    }

    /// An empty log file.
    pub(crate) fn log(&self) -> Result<File, FolderError> {
        let path = self.join("dev.log");
        File::create(&path).map_err(unusable("write", &path))
    }
}

/// Deletes the state of a development cluster that does not run; what else lies in the folder stays.
pub(crate) fn reset(path: &Path) -> Result<(), FolderError> {
    if !path.join(LOCK).is_file() {
        return Err(FolderError::NotOurs {
            path: path.to_owned(),
        });
    }
    let folder = Folder::take(path)?;
    if let Some(mounted) = mount_below(folder.path()) {
        return Err(FolderError::Mounted {
            path: folder.path.clone(),
            mounted,
        });
    }
    for name in CONTENTS {
        let path = folder.join(name);
        remove(&path).map_err(unusable("delete", &path))?;
    }
    // Stays when the user keeps other things in it.
    let _ = fs::remove_dir(folder.path());
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The first mount point below the folder: deleting would go through it.
fn mount_below(folder: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .find(|point| Path::new(point).starts_with(folder) && Path::new(point) != folder)
        .map(str::to_owned)
}

fn unusable(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Unusable {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_in_use_is_refused_and_free_again_afterwards() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("dev");
        let first = Folder::take(&path).unwrap();
        let error = Folder::take(&path).unwrap_err();
        assert!(
            matches!(&error, FolderError::InUse { holder, .. } if *holder == std::process::id().to_string()),
            "{error}"
        );
        assert!(matches!(reset(&path), Err(FolderError::InUse { .. })));
        drop(first);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn a_private_file_is_for_its_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::take(&place.path().join("dev")).unwrap();
        let path = folder.write_private("kubeconfig", "secret").unwrap();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn reset_deletes_the_state_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("dev");
        let folder = Folder::take(&path).unwrap();
        fs::create_dir_all(folder.join("node/pods")).unwrap();
        fs::write(folder.join("mine.txt"), "mine").unwrap();
        drop(folder);
        reset(&path).unwrap();
        let left: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["mine.txt"]);
    }

    #[test]
    fn a_folder_without_a_development_cluster_is_not_touched() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("node")).unwrap();
        assert!(matches!(
            reset(place.path()),
            Err(FolderError::NotOurs { .. })
        ));
        assert!(place.path().join("node").is_dir());
    }
}
