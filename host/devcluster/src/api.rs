//! One request, from its head to its response.

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::collector;
use crate::discovery;
use crate::failure::Failure;
use crate::media;
use crate::openapi;
use crate::options;
use crate::representation::Representation;
use crate::request::{Options, Target};
use crate::reviews;
use crate::state::{Answer, Shape, State};
use crate::tunnel;
use crate::verbs::delete::DeleteOptions;
use crate::verbs::patch::PatchType;
use crate::verbs::{self, Context};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The largest body that is read, as upstream.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// Answers a request; every refusal is a `Status`.
pub(crate) async fn answer<B>(cluster: &Cluster, request: Request<B>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    match route(cluster, request).await {
        Ok(response) => response,
        Err(failure) => refusal(&failure),
    }
}

async fn route<B>(cluster: &Cluster, request: Request<B>) -> Result<Response<Body>, Failure>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if path.starts_with("/openapi/") {
        let accept = header_text(&head.headers, &header::ACCEPT);
        if path == "/openapi/v2" && !accept.contains("json") && accept.contains("protobuf") {
            return Ok(response(
                200,
                openapi::V2_PROTOBUF_TYPE,
                Bytes::from_static(openapi::V2_PROTOBUF),
            ));
        }
        let document = openapi::document(path, &cluster.state().kinds)?;
        // Upstream names no type for its index.
        return Ok(match path {
            "/openapi/v3" => response(
                200,
                "text/plain; charset=utf-8",
                Bytes::from(document.to_string()),
            ),
            _ => json(200, &document),
        });
    }
    if matches!(path, "/healthz" | "/livez" | "/readyz") {
        return Ok(response(200, "text/plain", Bytes::from_static(b"ok")));
    }
    let accept = header_text(&head.headers, &header::ACCEPT);
    media::check_accept(accept)?;
    let content_type = header_text(&head.headers, &header::CONTENT_TYPE);
    if let Some(kind) = reviews::kind_of(path) {
        let body = media::decode(content_type, &read_body(body).await?)?;
        return reviews::answer(kind, &head.method, body.value).map(|review| json(201, &review));
    }
    let target = {
        let state = cluster.state();
        if let Some(document) = discovery::document(path, &state.kinds) {
            return match head.method {
                Method::GET | Method::HEAD => Ok(json(200, &document)),
                _ => Err(Failure::method_not_allowed(
                    "the server does not allow this method on the requested resource",
                )),
            };
        }
        Target::parse(path, &state.kinds)?
    };
    let options = Options::parse(head.uri.query().unwrap_or_default());
    let verb = Verb::of(&head.method, &target, &options)?;
    cluster.count(verb.name(), &target.counted_as());
    let user_agent = header_text(&head.headers, &header::USER_AGENT);
    if tunnel::is_for_the_node(&target) {
        return tunnel::pass_on(cluster, &target, &options, head).await;
    }
    let mut context = Context::new(options, user_agent, cluster.clock().now());
    let representation = Representation::of(accept, &context.options);

    match verb {
        Verb::Watch => {
            verb.check_options("", &context.options)?;
            let mut state = cluster.state();
            let lines =
                verbs::watch::watch(cluster, &mut state, &target, &context, representation)?;
            let frames = lines.map(|line| Ok::<_, BoxError>(Frame::data(line)));
            let body = BodyExt::boxed_unsync(StreamBody::new(frames));
            Ok(with_type(200, "application/json", body))
        }
        Verb::Get | Verb::List => {
            verb.check_options("", &context.options)?;
            let answer = read(&cluster.state(), verb, &target, &context)?;
            Ok(render(&target, &representation, answer))
        }
        Verb::Create | Verb::Update | Verb::Patch | Verb::Delete | Verb::DeleteCollection => {
            verb.check_write(&target, content_type)?;
            let body = read_body(body).await?;
            verb.check_options(content_type, &context.options)?;
            let body = media::decode(content_type, &body)?;
            context.duplicates = body.duplicates;
            let answer = {
                let mut state = cluster.state();
                let answer = write(&mut state, verb, &target, context, content_type, body.value);
                answer?
            };
            cluster.persisted().await?;
            Ok(render(&target, &representation, answer))
        }
    }
}

/// The verbs as Kubernetes names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    fn of(method: &Method, target: &Target, options: &Options) -> Result<Self, Failure> {
        let has_name = target.name.is_some();
        match (method, has_name) {
            (&Method::GET, true) => Ok(Self::Get),
            (&Method::GET, _) if options.is_set("watch") => Ok(Self::Watch),
            (&Method::GET, _) => Ok(Self::List),
            (&Method::POST, false) => Ok(Self::Create),
            (&Method::POST, true) if target.subresource.is_some() => Ok(Self::Create),
            (&Method::PUT, true) => Ok(Self::Update),
            (&Method::PATCH, true) => Ok(Self::Patch),
            (&Method::DELETE, true) => Ok(Self::Delete),
            (&Method::DELETE, false) => Ok(Self::DeleteCollection),
            _ => Err(Failure::method_not_allowed(
                "the server does not allow this method on the requested resource",
            )),
        }
    }

    /// Refuses bodies of types that are not read, and objects of a namespace that are made outside of one.
    fn check_write(self, target: &Target, content_type: &str) -> Result<(), Failure> {
        let is_outside = target.kind.is_namespaced && target.namespace.is_none();
        match self {
            Self::Create | Self::DeleteCollection if is_outside => {
                Err(Failure::method_not_allowed(
                    "the server does not allow this method on the requested resource",
                ))
            }
            Self::Patch => PatchType::of(content_type).map(|_| ()),
            _ => media::check_body_type(content_type, &target.kind),
        }
    }

    fn check_options(self, content_type: &str, options: &Options) -> Result<(), Failure> {
        match self {
            Self::Create => options::check_write("CreateOptions", options),
            Self::Update => options::check_write("UpdateOptions", options),
            Self::Patch => options::check_patch(options, PatchType::of(content_type)?),
            Self::List => options::check_list(options),
            Self::Watch => options::check_watch(options),
            Self::Get | Self::Delete | Self::DeleteCollection => Ok(()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

fn read(state: &State, verb: Verb, target: &Target, context: &Context) -> Result<Answer, Failure> {
    match (verb, target.subresource.as_deref()) {
        (Verb::List, _) => verbs::list::list(state, target, context),
        (_, None | Some("status")) => verbs::get::get(state, target),
        (_, Some("scale")) => verbs::scale::get(state, target),
        (_, Some(_)) => Err(Failure::nothing_here()),
    }
}

fn write(
    state: &mut State,
    verb: Verb,
    target: &Target,
    mut context: Context,
    content_type: &str,
    body: Value,
) -> Result<Answer, Failure> {
    let answer = match (verb, target.subresource.as_deref()) {
        (Verb::Create, None) => verbs::create::create(state, target, &context, body),
        (Verb::Create, Some("eviction")) => verbs::evict::evict(state, target, &context, &body),
        (Verb::Create, Some("binding")) => verbs::bind::bind(state, target, &context, &body),
        (Verb::Update, Some("scale")) => verbs::scale::update(state, target, &context, &body),
        (Verb::Update, _) => verbs::update::update(state, target, &context, body),
        (Verb::Patch, Some("scale")) => {
            let patch_type = PatchType::of(content_type)?;
            verbs::scale::patch(state, target, &context, patch_type, &body)
        }
        (Verb::Patch, _) => {
            let patch_type = PatchType::of(content_type)?;
            verbs::patch::patch(state, target, &context, patch_type, &body)
        }
        (Verb::Delete, None) => {
            let options = DeleteOptions::parse(&body, &mut context)?;
            verbs::delete::delete(state, target, &context, &options)
        }
        (Verb::DeleteCollection, None) => {
            let options = DeleteOptions::parse(&body, &mut context)?;
            verbs::delete::delete_collection(state, target, &context, &options)
        }
        _ => Err(Failure::nothing_here()),
    };
    collector::settle(state, &context);
    answer
}

async fn read_body<B>(body: B) -> Result<Bytes, Failure>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Failure::too_large(LARGEST_BODY))
        }
        Err(error) => Err(Failure::without_reason(format!(
            "the body of the request cannot be read: {error}"
        ))),
    }
}

fn render(target: &Target, representation: &Representation, answer: Answer) -> Response<Body> {
    let Target { kind, version, .. } = target;
    let bytes = match answer.shape {
        Shape::Plain(value) => value.to_string().into_bytes(),
        Shape::Object(object) => representation
            .of_object(kind, version, &object)
            .to_string()
            .into_bytes(),
        Shape::List { items, metadata } => representation.of_list(kind, version, &items, metadata),
    };
    let mut response = response(answer.code, "application/json", Bytes::from(bytes));
    for warning in answer.warnings {
        let quoted = format!("299 - {}", Value::from(warning));
        if let Ok(value) = HeaderValue::from_str(&quoted) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

pub(crate) fn refusal(failure: &Failure) -> Response<Body> {
    let mut refused = json(failure.code, &failure.body());
    if failure.code == 504 {
        refused
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    refused
}

/// An answer of the door, before anything knows of Kubernetes: a sentence, as upstream's HTTP server says it.
pub(crate) fn malformed(sentence: &'static str) -> Response<Body> {
    response(
        400,
        "text/plain; charset=utf-8",
        Bytes::from_static(sentence.as_bytes()),
    )
}

pub(crate) fn json(code: u16, value: &Value) -> Response<Body> {
    response(code, "application/json", Bytes::from(value.to_string()))
}

fn response(code: u16, content_type: &'static str, bytes: Bytes) -> Response<Body> {
    let body = Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync();
    with_type(code, content_type, body)
}

fn with_type(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
