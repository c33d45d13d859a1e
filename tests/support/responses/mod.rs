//! A loopback server that speaks the OpenAI Responses API as far as the real Codex needs it.
//!
//! It lets the program under test make its call through the real child, without a key and without a
//! network, and it keeps every request, because what was sent is as much a promise as what came
//! back. Nothing here knows the program: replies come from a script, or from a function of the
//! request.

mod http;
mod reply;
mod request;
mod stream;

use std::io::{self, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use reply::Reply;
pub use request::Request;

use stream::Wire;

/// How long a connection sleeps on a socket before it looks whether the server is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// Listens from `start` on until it is dropped; the drop ends every stall and waits for the
/// threads.
pub struct ResponsesServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    reply: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    requests: Mutex<Vec<Request>>,
    stop: AtomicBool,
}

impl ResponsesServer {
    /// Answers one request after the other from the list. Past its end every request gets a 400
    /// that says so: giving the last reply again would let a tool call go round for ever.
    pub fn start(replies: Vec<Reply>) -> Self {
        let script = Mutex::new(replies.into_iter());
        Self::answering(move |_| {
            let next = script.lock().expect("no script panics").next();
            next.unwrap_or_else(|| {
                Reply::status(400).json(&serde_json::json!({
                    "error": {
                        "message": "the script of the loopback server has no further reply",
                        "type": "invalid_request_error", "code": null,
                    }
                }))
            })
        })
    }

    /// Answers each request with what the function makes of it.
    pub fn answering(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            reply: Box::new(reply),
            requests: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let listener = Some(thread::spawn(move || accept(&listener, &serving)));
        Self { address, shared, listener }
    }

    /// The `base_url` for a provider table.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Everything that was asked, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("no connection panics").clone()
    }

    /// The calls that a model would have answered.
    pub fn responses_requests(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_call).collect()
    }
}

impl Drop for ResponsesServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A client that goes away is its own business: the error has no reader.
        connections.push(thread::spawn(move || serve(&stream, &shared)));
    }
    for connection in connections {
        let _ = connection.join();
    }
}

/// One request and its reply; the connection is closed after it, so that a pool in the client
/// cannot mix two tests' faults into one.
fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(TICK))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(http::Patient { stream, stop: &shared.stop });
    let request = http::read_request(&mut reader, stream)?;
    shared.requests.lock().expect("no connection panics").push(request.clone());
    let reply = match () {
        () if request.is_upgrade() => Reply::status(426),
        () if request.is_call() => (shared.reply)(&request),
        () if request.is_model_list() => {
            Reply::status(200).json(&serde_json::json!({"models": []}))
        }
        () => Reply::status(404),
    };
    Wire { stream, stop: &shared.stop }.send(&reply)?;
    stream.shutdown(Shutdown::Write)
}
