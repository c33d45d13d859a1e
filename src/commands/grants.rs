//! Which of the files that Codex asks for are given, and why the others are not.

use super::session::Session;
use super::talk::{Next, Talk};
use crate::change::Text;
use crate::pack::Piece;
use crate::prompt::Refused;
use crate::report::Scan;
use crate::source::{self, Kind};
use crate::synthesize::ContextRequest;

/// So many requests are granted in a round, at most.
const MAX_PIECES: usize = 10;

/// Resolves requests: files tracked at the revision under review, bounded, redacted, never denied ones.
pub(super) fn resolve(session: &Session, talk: &Talk, requests: &[ContextRequest]) -> Next {
    let mut next = Next::default();
    let mut left = session.config.limits.prompt_tokens;
    let mut number = talk.granted().count();
    for (at, request) in requests.iter().enumerate() {
        let label = format!("C{}-{}", number + 1, talk.mark());
        let given = match at < MAX_PIECES {
            true => piece(session, &talk.scan, request, &label, left),
            false => Err(format!("not more than {MAX_PIECES} pieces go along in a round")),
        };
        match given {
            Ok(piece) => {
                left = left.saturating_sub(piece.tokens());
                number += 1;
                next.granted.push(piece);
            }
            Err(why) => {
                let path = request.path.chars().take(300).collect();
                next.refused.push(Refused { path, why });
            }
        }
    }
    next
}

fn piece(
    session: &Session,
    scan: &Scan,
    request: &ContextRequest,
    label: &str,
    budget: usize,
) -> Result<Piece, String> {
    let path = request.path.trim();
    let path = path.strip_prefix("./").unwrap_or(path);
    if session.config.select.exclude.is_match(path.into()) {
        return Err("it is excluded by `select.exclude`".to_owned());
    }
    let (kind, new) = (scan.source.kind, scan.source.new.as_deref());
    let tracked = source::tracked(session.repo.as_ref(), kind, new, path);
    let bytes = tracked.map_err(|withheld| withheld.to_string())?;
    // In the work tree a changed file differs from the index.
    let changed = scan.change.files.iter().find(|file| file.path == path);
    let changed = changed.filter(|file| kind == Kind::Worktree && !file.new.is_empty());
    let text = changed.map_or_else(|| Text::whole(bytes), |file| file.new.clone());
    Piece::of(label, path, &text, &request.what, budget).map_err(str::to_owned)
}
