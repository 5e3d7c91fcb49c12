//! Compiled components on disk are taken only as this host wrote them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use stateward_runtime::{Options, Plugin, Runtime};

use crate::fixture::component;

fn runtime(folder: &Path) -> Result<Runtime, stateward_runtime::RuntimeError> {
    Runtime::new(Options {
        cache: Some(folder.to_owned()),
        concurrent_calls: 1,
        ..Options::default()
    })
}

async fn load(folder: &Path, name: &str) -> Plugin {
    let runtime = runtime(folder).expect("an engine");
    let loaded = runtime.load(component(name), None).await;
    loaded.expect("it loads")
}

fn artifacts(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "cwasm"))
        .collect()
}

#[tokio::test]
async fn a_second_start_takes_the_compiled_file_and_a_changed_one_is_compiled_anew() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    load(&folder, "hostile").await;
    let [artifact] = artifacts(&folder).try_into().expect("one file");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&artifact), 0o600);
    let written = fs::read(&artifact).unwrap();

    // Taken as it is: not written again.
    let file = |path: &Path| fs::metadata(path).unwrap().ino();
    let before = file(&artifact);
    load(&folder, "hostile").await;
    assert_eq!(file(&artifact), before);

    // One bit of the code is another: compiled again, and the file is whole again.
    let mut tampered = written.clone();
    *tampered.last_mut().unwrap() ^= 1;
    fs::write(&artifact, &tampered).unwrap();
    load(&folder, "hostile").await;
    let healed = fs::read(&artifact).unwrap();
    assert_eq!(healed.len(), written.len());
    assert_ne!(healed, tampered);

    // Somebody else's key did not sign it.
    fs::write(folder.join("key"), [7; 64]).unwrap();
    load(&folder, "hostile").await;
    assert_ne!(fs::read(&artifact).unwrap(), healed);
}

#[tokio::test]
async fn a_folder_that_others_can_write_to_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let error = runtime(&folder).err().expect("it is refused");
    assert_eq!(error.reason(), "CacheUnusable");
    assert!(error.to_string().contains("open to other users"), "{error}");
}

#[tokio::test]
async fn what_nobody_loads_is_forgotten_and_the_key_stays() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    runtime(&folder).unwrap();
    let age = |name: &str, days: u64| {
        let file = fs::File::create(folder.join(name)).unwrap();
        let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        file.set_modified(then).unwrap();
    };
    let year = Duration::from_secs(365 * 24 * 3600);
    let key = fs::File::options().append(true).open(folder.join("key"));
    key.unwrap().set_modified(SystemTime::now() - year).unwrap();
    age("old.cwasm", 31);
    age("new-1234", 31);
    age("recent.cwasm", 29);
    runtime(&folder).unwrap();
    let mut left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["key", "recent.cwasm"]);
}

#[tokio::test]
async fn what_was_loaded_once_is_loaded_again_by_its_digest_as_long_as_its_bytes_are_those() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache");
    let digest = *load(&folder, "hostile").await.digest();
    let next = runtime(&folder).unwrap();
    let again = next.load_again(&digest).await.unwrap();
    assert_eq!(*again.digest(), digest);
    assert!(!again.loading().compiled);

    let kept = folder.join(format!("{}.wasm", digest.hex()));
    let mut bytes = fs::read(&kept).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&kept, bytes).unwrap();
    let error = next.load_again(&digest).await.err().unwrap();
    assert_eq!(error.reason(), "NotKept");
    assert!(!kept.exists());
    // Whoever has the bytes brings them back.
    load(&folder, "hostile").await;
    assert!(next.load_again(&digest).await.is_ok());

    let without = Runtime::new(Options {
        concurrent_calls: 1,
        ..Options::default()
    })
    .unwrap();
    assert_eq!(
        without.load_again(&digest).await.err().unwrap().reason(),
        "NotKept"
    );
}
