//! `__files --listen ADDRESS --root FOLDER [--default PATH=TEXT]…`: the built-in web server for a folder, for images
//! whose own server is not installed. `--default` gives what is answered while a path has no file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[derive(Debug, PartialEq, Eq)]
struct Site {
    listen: SocketAddr,
    root: PathBuf,
    defaults: BTreeMap<String, String>,
}

pub(crate) fn entry(args: &[OsString]) -> ExitCode {
    let outcome = parse(args).and_then(|site| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .and_then(|runtime| runtime.block_on(serve(site)))
            .map_err(|error| error.to_string())
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("file server: {message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[OsString]) -> Result<Site, String> {
    let (mut listen, mut root, mut defaults) = (None, None, BTreeMap::new());
    let mut words = args.iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
        match word.as_str() {
            "--listen" => {
                listen = Some(value.parse().map_err(|error| format!("{value}: {error}"))?)
            }
            "--root" => root = Some(PathBuf::from(value)),
            "--default" => {
                let (path, text) = value.split_once('=').ok_or("--default is not PATH=TEXT")?;
                defaults.insert(path.to_owned(), text.to_owned());
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(Site {
        listen: listen.ok_or("--listen is missing")?,
        root: root.ok_or("--root is missing")?,
        defaults,
    })
}

async fn serve(site: Site) -> std::io::Result<()> {
    let listener = TcpListener::bind(site.listen).await?;
    println!("serving {} on {}", site.root.display(), site.listen);
    let site = Arc::new(site);
    loop {
        let (stream, _peer) = listener.accept().await?;
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer(&site, request.method(), request.uri().path());
                async move { answer }
            });
            // A peer that hangs up ends its own connection only.
            let _closed = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(site: &Site, method: &Method, path: &str) -> Result<Response<Full<Bytes>>, http::Error> {
    let mut path = path.to_owned();
    if path.ends_with('/') {
        path.push_str("index.html");
    }
    let (status, kind, body) = match read(site, method, &path) {
        Ok(body) => (StatusCode::OK, kind_of(&path), body),
        Err(status) => (
            status,
            "text/plain; charset=utf-8",
            Bytes::from(format!("{status}\n")),
        ),
    };
    println!("{method} {path} {}", status.as_u16());
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .body(Full::new(body))
}

fn read(site: &Site, method: &Method, path: &str) -> Result<Bytes, StatusCode> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let relative = Path::new(path.trim_start_matches('/'));
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return Err(StatusCode::FORBIDDEN);
    }
    match std::fs::read(site.root.join(relative)) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(_) => site
            .defaults
            .get(path)
            .map(|text| Bytes::from(text.clone()))
            .ok_or(StatusCode::NOT_FOUND),
    }
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
