//! A listener on loopback that takes what Codex would send to the service, and answers as a model that
//! has nothing to say.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request larger than this, in bytes, is no question of ours.
const MAX_BODY: usize = 4 << 20;

/// The events of a turn that is complete.
const ANSWER: &str = concat!(
    "event: response.created\n",
    "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_proof\"}}\n\n",
    "event: response.output_item.done\n",
    "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"message\",",
    "\"id\":\"msg_proof\",\"role\":\"assistant\",\"status\":\"completed\",",
    "\"content\":[{\"type\":\"output_text\",\"text\":\"proven\",\"annotations\":[]}]}}\n\n",
    "event: response.completed\n",
    "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_proof\",\"status\":\"completed\",",
    "\"usage\":{\"input_tokens\":0,\"input_tokens_details\":null,\"output_tokens\":0,",
    "\"output_tokens_details\":null,\"total_tokens\":0}}}\n\n",
);

/// Something that was sent.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// Path of the request.
    pub(super) path: String,
    /// Its body as it came.
    pub(super) body: Bytes,
}

impl Heard {
    /// Whether it is a question to a model.
    pub(super) fn is_question(&self) -> bool {
        self.path.ends_with("/responses")
    }
}

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    address: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    serving: JoinHandle<()>,
}

impl Listener {
    /// Listens at a free port. Only what comes under a path that nobody else knows is heard, so no
    /// other process of the machine can speak for Codex.
    pub(super) async fn start(secret: &str) -> io::Result<Listener> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let prefix = format!("/{secret}/");
        let address = format!("http://{}{prefix}v1", socket.local_addr()?);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (sink, prefix) = (Arc::clone(&sink), prefix.clone());
                let service = service_fn(move |request| {
                    let (sink, prefix) = (Arc::clone(&sink), prefix.clone());
                    async move { Ok::<_, Infallible>(answer(request, &prefix, &sink).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // Whoever goes away has seen what it wanted.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Ok(Listener { address, heard, serving })
    }

    /// The base address to give to Codex.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Everything that has been sent since this was last asked, in the order of arrival.
    pub(super) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    prefix: &str,
    heard: &Mutex<Vec<Heard>>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let upgrade = request.headers().contains_key("upgrade");
    let sends = request.method() != Method::GET;
    if !path.starts_with(prefix) {
        return response(StatusCode::NOT_FOUND, "text/plain", "");
    }
    if upgrade {
        // Codex then asks in the ordinary way.
        return response(StatusCode::UPGRADE_REQUIRED, "text/plain", "");
    }
    if !sends {
        return response(StatusCode::NOT_FOUND, "application/json", "{}");
    }
    // A body that cannot be read is heard as an empty one, which is no honest question.
    let body = match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let question = Heard { path, body };
    let known = question.is_question();
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(question);
    if known {
        response(StatusCode::OK, "text/event-stream", ANSWER)
    } else {
        response(StatusCode::NOT_FOUND, "application/json", "{}")
    }
}

fn response(status: StatusCode, kind: &'static str, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}
