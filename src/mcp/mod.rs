//! `git advisor mcp`: the same commands for agents, over the Model Context Protocol on stdio.
//!
//! stdout belongs to the protocol, and nothing here prints. A tool reads its arguments ([`arguments`]), finds the
//! repository that it may read ([`places`]), does what the command of the same name does on a thread of its own
//! ([`tools`]), and tells how far it is meanwhile ([`progress`]). A call ends when the client cancels it, when the
//! client is gone, and at its deadline; Codex ends with it, and the record is written.

mod arguments;
mod places;
mod progress;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError};
use rmcp::{ServerHandler, ServiceExt};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::consult::Stop;
use crate::exit::Exit;
use crate::visible;

use arguments::Request;
use places::Places;
use tools::{Answer, Tool, Work};

/// What a client is told about the server as a whole.
const INSTRUCTIONS: &str = include_str!("instructions.md");

/// So many calls to Codex run at once; one more is refused and not queued, so that each keeps its deadline.
const MAX_CALLS: usize = 4;

/// How long calls that were ended may take to write their records.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Serves a client on stdin and stdout until it goes away or a signal comes.
///
/// # Errors
/// When what comes on stdin is no client.
pub(crate) fn serve(flags: &[(String, String)]) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("the system gives no event loop")?;
    let exit = runtime.block_on(served(Server::new(flags)));
    // A read of stdin that is pending never ends by itself.
    runtime.shutdown_background();
    exit
}

async fn served(server: Server) -> Result<Exit> {
    let (calls, end) = (server.calls.clone(), CancellationToken::new());
    let serving = async {
        let running = server.serve_with_ct(rmcp::transport::stdio(), end.clone()).await;
        match running {
            Ok(running) => {
                drop(running.waiting().await);
                Ok(Exit::Clean)
            }
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(Exit::Clean),
            Err(error) => {
                let said = visible::line(error.to_string()).into_string();
                let said: String = said.chars().take(200).collect();
                bail!("no MCP client is on stdin: {said}; an agent starts this command itself")
            }
        }
    };
    let exit = tokio::select! {
        exit = serving => exit,
        stopped = Stop::Signal.stopped() => Ok(stopped.exit().unwrap_or(Exit::Interrupted)),
    };
    end.cancel();
    calls.close();
    drop(tokio::time::timeout(LAST_WORDS, calls.wait()).await);
    exit
}

/// The server: what all calls share.
struct Server {
    flags: Vec<(String, String)>,
    places: Places,
    calls: TaskTracker,
    free: Arc<Semaphore>,
}

impl Server {
    fn new(flags: &[(String, String)]) -> Server {
        Server {
            flags: flags.to_vec(),
            places: Places::here(),
            calls: TaskTracker::new(),
            free: Arc::new(Semaphore::new(MAX_CALLS)),
        }
    }

    /// Arguments to answer, told about meanwhile.
    async fn answer(
        &self,
        tool: Tool,
        params: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Answer> {
        let request = Request::read(tool, params.arguments.unwrap_or_default())?;
        let permit = match tool.asks_codex() {
            true => Some(self.free.clone().try_acquire_owned().with_context(|| {
                format!("{MAX_CALLS} calls run already; ask again when one of them has ended")
            })?),
            false => None,
        };
        let repository = request.repository().map(str::to_owned);
        let place = self.places.find(repository.as_deref(), context).await?;
        let (flags, stop) = (self.flags.clone(), Stop::Token(context.ct.clone()));
        let (say, said) = tokio::sync::watch::channel("begun".to_owned());
        let work = self.calls.spawn_blocking(move || {
            let _permit = permit;
            tools::answer(tool, request, Work { place, flags, stop, say })
        });
        let done = progress::told(work, context, said).await;
        done.context("git-advisor itself has failed; please report it")?
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> InitializeResult {
        let tools = ServerCapabilities::builder().enable_tools().build();
        let name = Implementation::new("git-advisor", env!("CARGO_PKG_VERSION"));
        InitializeResult::new(tools).with_server_info(name).with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = Tool::ALL.into_iter().map(Tool::listed).collect::<Result<_>>();
        let tools = tools.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = Tool::named(&params.name) else {
            let name: String = params.name.chars().take(80).collect();
            let message = format!("there is no tool `{}`", visible::line(name));
            return Err(ErrorData::invalid_params(message, None));
        };
        let result = match self.answer(tool, params, &context).await {
            Ok(answer) => answered(answer),
            Err(error) => refused(&error),
        };
        Ok(result.into())
    }
}

/// An outage is an answer too: the report says what it is.
fn answered(answer: Answer) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(answer.text)]);
    result.structured_content = Some(answer.report);
    result
}

/// A request that is wrong, in the one line that the command line prints.
fn refused(error: &Error) -> CallToolResult {
    let line = visible::line(format!("{error:#}")).into_string();
    CallToolResult::error(vec![ContentBlock::text(line)])
}
