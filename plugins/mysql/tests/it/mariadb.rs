//! Real MariaDB servers on loopback addresses of their own, gone when the test ends.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const ROOT_PASSWORD: &str = "r00t's \"pass\\word\"";
pub(crate) const REPLICATION_PASSWORD: &str = "repl's pass";
const PORT: u16 = 3306;
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with its own data, address and server id.
pub(crate) struct Mariadb {
    folder: TempDir,
    address: Ipv4Addr,
    server_id: u32,
    process: Option<Child>,
}

impl Mariadb {
    /// A fresh server: read-only, following nobody, as the example's pods boot.
    pub(crate) fn boot(server_id: u32) -> Mariadb {
        let folder = TempDir::new().unwrap();
        copy(template(), &folder.path().join("data"));
        let mut server = Mariadb {
            folder,
            address: next_address(),
            server_id,
            process: None,
        };
        server.start();
        server
    }

    pub(crate) fn socket_address(&self) -> SocketAddr {
        SocketAddr::from((self.address, PORT))
    }

    /// Starts it again with the data that it has.
    pub(crate) fn start(&mut self) {
        let folder = self.folder.path();
        let init = folder.join("init.sql");
        // As the image does it. Not logged: the accounts are each member's own.
        let password = ROOT_PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        let statements = format!(
            "SET SESSION sql_log_bin=0;\n\
             CREATE OR REPLACE USER root@'127.%' IDENTIFIED BY '{password}';\n\
             GRANT ALL ON *.* TO root@'127.%' WITH GRANT OPTION;\n\
             DELETE FROM mysql.global_priv WHERE User='' OR (User='root' AND Host<>'127.%');\n\
             FLUSH PRIVILEGES;\n"
        );
        fs::write(&init, statements).unwrap();
        let log = fs::File::create(folder.join("server.log")).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let process = Command::new("mariadbd")
            .args(["--no-defaults", "--user=root"])
            .args([
                format!("--datadir={}", path("data")),
                format!("--socket={}", path("s.sock")),
                format!("--pid-file={}", path("s.pid")),
                format!("--init-file={}", init.display()),
                format!("--bind-address={}", self.address),
                format!("--port={PORT}"),
                format!("--server-id={}", self.server_id),
            ])
            .args([
                "--read-only=ON",
                "--skip-slave-start",
                "--log-bin=binlog",
                "--log-slave-updates=ON",
                "--binlog-format=ROW",
                "--gtid-strict-mode=ON",
                "--sync-binlog=1",
                "--innodb-flush-log-at-trx-commit=1",
                "--relay-log=relay",
                "--skip-name-resolve",
                "--innodb-buffer-pool-size=16M",
            ])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mariadbd starts (apt-get install mariadb-server)");
        self.process = Some(process);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.socket_address()).is_err() {
            assert!(Instant::now() < until, "no server: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// As a power failure would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }

    /// What a client sees; panics with what the server says when it refuses.
    pub(crate) fn sql(&self, statement: &str) -> String {
        self.try_sql(statement)
            .unwrap_or_else(|said| panic!("{statement}: {said}"))
    }

    pub(crate) fn try_sql(&self, statement: &str) -> Result<String, String> {
        self.try_sql_as("root", ROOT_PASSWORD, statement)
    }

    pub(crate) fn try_sql_as(
        &self,
        user: &str,
        password: &str,
        statement: &str,
    ) -> Result<String, String> {
        let output = Command::new("mariadb")
            .args(["--no-defaults", "--protocol=tcp", "-N", "-B"])
            .arg(format!("-u{user}"))
            .arg(format!("-h{}", self.address))
            .arg(format!("-p{password}"))
            .args(["-e", statement])
            .output()
            .expect("the mariadb client runs (apt-get install mariadb-client)");
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A data folder as `mariadb-install-db` makes it. Made once, and kept among the build's files.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mariadb-data");
        if kept.exists() {
            return kept;
        }
        let made = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let output = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--user=root", "--skip-test-db"])
            .arg("--auth-root-authentication-method=normal")
            .arg(format!("--datadir={}", made.path().display()))
            .output()
            .expect("mariadb-install-db runs (apt-get install mariadb-server)");
        assert!(output.status.success(), "{output:?}");
        // Another test process may have been faster; then its folder is as good.
        fs::rename(made.keep(), &kept).ok();
        kept
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The whole of 127.0.0.0/8 is this machine, so each server of each test process gets its own.
fn next_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high | 0x80, low, NEXT.fetch_add(1, Ordering::Relaxed))
}
