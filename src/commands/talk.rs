//! A conversation with Codex: the first call, further rounds in its session, and what comes of all of them.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::accept::today;
use super::grants;
use super::news::{News, Notify};
use super::recall::{self, Kept};
use super::session::Session;
use crate::config::{Config, Judge};
use crate::consult::{self, Ask, Clock, Consulted, Failure, Outcome};
use crate::pack::Piece;
use crate::prompt::{self, Nonce, Prompt, Refused};
use crate::record::{Asked, Dialogue, KeptRound, Matter, Part, Record};
use crate::redact::Redactor;
use crate::report::{
    Answered, Consultation, Judgement, Review, Round, Scan, Status, json, markdown,
};
use crate::synthesize::{self, ContextRequest, Grounds, Reply, Subject};
use crate::{verdict, visible};

/// A round that has less time than this is not begun.
const MIN_ROUND: Duration = Duration::from_secs(10);

/// What is being talked about, and what has been said.
pub(super) struct Talk {
    pub(super) scan: Scan,
    prompt: Prompt,
    /// What came of the first call.
    first: Result<String, Failure>,
    rounds: Vec<Round>,
    dialogue: Dialogue,
    duration: Duration,
    /// When this run took it up: its calls share one deadline, since a push waits for all of them.
    begun: Instant,
    record: Option<Record>,
    /// What the first answer serves again, where it is one that may.
    asked: Option<Asked>,
    /// Whether the first answer is of an earlier review.
    cached: bool,
}

/// What is asked for the first time.
pub(super) struct Opening<'a> {
    pub(super) scan: Scan,
    pub(super) prompt: Prompt,
    pub(super) matter: Matter,
    pub(super) nonce: Nonce,
    /// What the user asked, if it was not the built-in question.
    pub(super) question: Option<&'a str>,
}

/// What a further round asks.
#[derive(Debug, Default)]
pub(super) struct Next {
    /// The user's words; without them it is about the context.
    pub(super) question: Option<String>,
    pub(super) granted: Vec<Piece>,
    pub(super) refused: Vec<Refused>,
}

impl Talk {
    /// The answer that a record holds already, else the one that Codex gives now.
    pub(super) fn open(
        session: &Session,
        opening: Opening<'_>,
        kept: Option<Kept>,
        notify: &mut Notify<'_>,
    ) -> Talk {
        match kept {
            Some(kept) => Talk::recalled(session, opening, kept, notify),
            None => Talk::begin(session, opening, notify),
        }
    }

    /// Asks for the first time. The record is begun before, so that an interruption leaves the prompt behind.
    fn begin(session: &Session, opening: Opening<'_>, notify: &mut Notify<'_>) -> Talk {
        let Opening { scan, prompt, matter, nonce, question } = opening;
        let digest = recall::digest(&session.config, &prompt, &nonce);
        let begun = Instant::now();
        let mut record = begin_record(session, &prompt, scan.patch.as_deref(), notify);
        let first = Ask { prompt: prompt.text(), session: None, stop: &session.stop };
        let consulted = ask(&session.config, &first, notify);
        // What never started leaves nothing behind that is worth a place.
        if !consulted.started
            && let Some(Err(error)) = record.take().map(Record::discard)
        {
            notify(News::Warning(&format!("an empty record is left behind: {error}")));
        }
        keep_call(record.as_ref(), 1, &consulted, notify);
        let id = record.as_ref().map(|record| record.id.clone()).unwrap_or_default();
        let asked = Asked { digest, at: Timestamp::now(), record: id };
        let dialogue = Dialogue {
            matter,
            question: question.map(str::to_owned),
            nonce,
            session_id: consulted.session_id,
            model: consulted.model,
            effort: consulted.effort,
            usage: consulted.usage,
            notes: consulted.notes,
            rounds: Vec::new(),
        };
        Talk {
            scan,
            prompt,
            first: answer(consulted.outcome),
            rounds: Vec::new(),
            dialogue,
            duration: consulted.duration,
            begun,
            record,
            asked: Some(asked),
            cached: false,
        }
    }

    /// Takes over what an earlier review was answered, under the labels of that time, in a record of its own:
    /// what follows goes on in the same session.
    fn recalled(
        session: &Session,
        opening: Opening<'_>,
        kept: Kept,
        notify: &mut Notify<'_>,
    ) -> Talk {
        let Opening { mut scan, prompt, mut matter, .. } = opening;
        let Kept { asked, dialogue, text, first, rounds } = kept;
        scan.packet.relabel(&dialogue.nonce.mark);
        if let (Matter::Pieces { pieces, .. }, Matter::Pieces { pieces: labelled, .. }) =
            (&mut matter, &dialogue.matter)
        {
            pieces.clone_from(labelled);
        }
        let prompt = prompt.as_sent(text);
        let record = begin_record(session, &prompt, scan.patch.as_deref(), notify);
        keep(record.as_ref(), 1, Part::Answer, first.as_bytes(), notify);
        for (number, round) in (2..).zip(&rounds) {
            keep(record.as_ref(), number, Part::Prompt, round.prompt.text().as_bytes(), notify);
            let said = round.outcome.as_deref().unwrap_or_default();
            keep(record.as_ref(), number, Part::Answer, said.as_bytes(), notify);
        }
        Talk {
            scan,
            prompt,
            first: Ok(first),
            rounds,
            dialogue: Dialogue { matter, ..dialogue },
            duration: Duration::ZERO,
            begun: Instant::now(),
            record,
            asked: Some(asked),
            cached: true,
        }
    }

    /// Takes a conversation up again that a record holds.
    pub(super) fn resumed(
        scan: Scan,
        prompt: Prompt,
        dialogue: Dialogue,
        record: Record,
    ) -> std::io::Result<Talk> {
        let first = Ok(recall::read_text(&record, 1, Part::Answer)?);
        let rounds = recall::rounds(&record, &dialogue)?;
        let asked = Asked::read(&record);
        let cached = asked.as_ref().is_some_and(|asked| asked.record != record.id);
        let (duration, begun, record) = (Duration::ZERO, Instant::now(), Some(record));
        Ok(Talk { scan, prompt, first, rounds, dialogue, duration, begun, record, asked, cached })
    }

    /// The characters in the labels of what was sent.
    pub(super) fn mark(&self) -> &str {
        &self.dialogue.nonce.mark
    }

    /// All context that has been granted so far.
    pub(super) fn granted(&self) -> impl Iterator<Item = &Piece> {
        self.rounds.iter().flat_map(|round| &round.granted)
    }

    /// What Codex would have to see, by the last answer that can be read.
    pub(super) fn requests(&self) -> Vec<ContextRequest> {
        synthesize::requests(&self.answers())
    }

    fn answers(&self) -> Vec<&str> {
        let first = self.first.as_ref().ok().map(String::as_str);
        let later = self.rounds.iter().filter_map(|round| round.outcome.as_deref().ok());
        first.into_iter().chain(later).collect()
    }

    /// Grants what Codex asks to see, as often as the configuration lets it.
    pub(super) fn grant_by_policy(&mut self, session: &Session, notify: &mut Notify<'_>) {
        let mut config = session.config.clone();
        for _ in self.rounds.len()..config.limits.max_context_rounds {
            let requests = self.requests();
            let deadline = session.config.limits.deadline;
            config.limits.deadline = deadline.saturating_sub(self.begun.elapsed());
            if requests.is_empty() || self.first.is_err() || config.limits.deadline < MIN_ROUND {
                return;
            }
            let next = grants::resolve(session, self, &requests);
            for refused in &next.refused {
                let note = format!("not given to Codex: {}: {}", refused.path, refused.why);
                notify(News::Note(&note));
            }
            if next.granted.is_empty() || !self.ask(session, &config, next, notify) {
                return;
            }
        }
    }

    /// Asks on in the same session, or where it is gone in a new one; whether there is an answer.
    pub(super) fn ask(
        &mut self,
        session: &Session,
        config: &Config,
        next: Next,
        notify: &mut Notify<'_>,
    ) -> bool {
        let Next { question, granted, refused } = next;
        let nonce = Nonce::random().unwrap_or_else(|_| self.dialogue.nonce.clone());
        let mut prompt = prompt::follow_up(question.as_deref(), &granted, &refused, &nonce);
        let number = self.rounds.len() + 2;
        keep(self.record.as_ref(), number, Part::Prompt, prompt.text().as_bytes(), notify);
        let pinned = self.pinned(config);
        let (resumed, stop) = (self.dialogue.session_id.as_deref(), &session.stop);
        let on = Ask { prompt: prompt.text(), session: resumed, stop };
        let mut consulted = ask(&pinned, &on, notify);
        let gone = |consulted: &Consulted| match &consulted.outcome {
            Outcome::Unavailable(failure) => failure.class == "session-gone",
            Outcome::Answered(_) => false,
        };
        let anew = self.dialogue.session_id.is_none() || gone(&consulted);
        if gone(&consulted) {
            notify(News::Note("Codex's session is gone; a new one begins with all that was said"));
            prompt = self.everything(&prompt, &nonce);
            keep(self.record.as_ref(), number, Part::Prompt, prompt.text().as_bytes(), notify);
            let anew = Ask { prompt: prompt.text(), session: None, stop };
            consulted = ask(&pinned, &anew, notify);
        }
        keep_call(self.record.as_ref(), number, &consulted, notify);
        let before = self.dialogue.usage.take().filter(|_| !anew);
        let usage = consulted.usage.as_ref().map(|total| since(total, before.as_ref()));
        self.dialogue.usage = consulted.usage.or(before);
        if consulted.session_id.is_some() {
            self.dialogue.session_id = consulted.session_id;
        }
        self.dialogue.notes.extend(consulted.notes);
        let outcome = answer(consulted.outcome);
        let answered = outcome.is_ok();
        let duration = consulted.duration;
        self.rounds.push(Round { prompt, granted, refused, anew, outcome, usage, duration });
        answered
    }

    /// The configuration with the model and the effort of the first round: another model would have the whole
    /// conversation summed up first.
    fn pinned(&self, config: &Config) -> Config {
        let mut config = config.clone();
        if let (Some(model), Some(effort)) = (&self.dialogue.model, &self.dialogue.effort) {
            (config.codex.model, config.codex.effort) = (model.clone(), effort.clone());
        }
        config
    }

    /// All that was said and is asked now, as one prompt.
    fn everything(&self, next: &Prompt, nonce: &Nonce) -> Prompt {
        let first = self.first.as_deref().map(|answer| (None, answer));
        let later = self.rounds.iter().filter_map(|round| {
            round.outcome.as_deref().ok().map(|answer| (Some(&round.prompt), answer))
        });
        let earlier: Vec<(Option<&Prompt>, &str)> = first.into_iter().chain(later).collect();
        prompt::anew(self.prompt.text(), &earlier, next, nonce)
    }

    /// What comes of the conversation: checked, weighed, recorded.
    pub(super) fn conclude(mut self, session: &Session, notify: &mut Notify<'_>) -> Review {
        self.scan.packet.context = self.granted().cloned().collect();
        let threshold = session.config.gate.fail_on;
        let answers = self.answers();
        let reply = match &self.first {
            Ok(_) => Reply::Answered(&answers),
            Err(failure) => Reply::Unavailable(failure),
        };
        let consultation = self.consultation();
        let cached = consultation.cached();
        let notes: Vec<String> = self.dialogue.notes.iter().cloned().chain(cached).collect();
        let grounds = Grounds {
            change: &self.scan.change,
            classified: &self.scan.classified,
            packet: &self.scan.packet,
            notes: &notes,
            threshold,
            subject: match self.dialogue.matter {
                Matter::Change { .. } => Subject::Change,
                Matter::Pieces { .. } => Subject::Given,
            },
            accepts: &session.config.accepts,
            today: today(),
        };
        let checked = synthesize::synthesize(&grounds, reply);
        let verdict = verdict::decide(&checked, threshold);
        let is_whole = checked.answer.is_some() && checked.coverage.not_judged.is_empty();
        let Talk { scan, prompt, first, rounds, dialogue, begun, record, asked, .. } = self;
        let kept = Dialogue { rounds: rounds.iter().map(kept).collect(), ..dialogue };
        let id = record.as_ref().map(|record| record.id.clone());
        let prompt = Some(prompt);
        let answer = first.ok();
        let judgement = None;
        let mut review = Review {
            scan,
            prompt,
            consultation,
            answer,
            rounds,
            checked,
            verdict,
            judgement,
            record: id,
        };
        let state = serde_json::to_vec(&kept).unwrap_or_default();
        keep(record.as_ref(), 1, Part::Dialogue, &state, notify);
        keep_report(record.as_ref(), &review, notify);
        if let Some(judge) = session.config.judge.as_ref().filter(|_| review.answer.is_some()) {
            let left = session.config.limits.deadline.saturating_sub(begun.elapsed());
            let clock = Clock { deadline: left, ..Clock::of(&session.config) };
            review.judgement = Some(judged(judge, &review, clock, notify));
            keep_report(record.as_ref(), &review, notify);
        }
        // Last of all, so that a record that serves again is complete. What another model said, or what could
        // not be read in full, serves nobody again.
        let serves = asked.filter(|_| is_whole && kept.notes.is_empty());
        if let Some(asked) = serves {
            let asked = serde_json::to_vec(&asked).unwrap_or_default();
            keep(record.as_ref(), 1, Part::Asked, &asked, notify);
        } else if let Some(Err(error)) = record.as_ref().map(|record| record.forget(Part::Asked)) {
            notify(News::Warning(&format!("the record of the review is not complete: {error}")));
        }
        review
    }

    /// What became of the question.
    fn consultation(&self) -> Consultation {
        let now = Timestamp::now();
        let asked = self.asked.as_ref().filter(|_| self.first.is_ok());
        let answered = asked.map(|asked| Answered {
            at: asked.at,
            age: asked.age(now).filter(|_| self.cached).unwrap_or_default(),
            by: self.cached.then(|| asked.record.clone()),
        });
        Consultation {
            status: match &self.first {
                Ok(_) if self.cached => Status::Cached,
                Ok(_) => Status::Answered,
                Err(_) => Status::Unavailable,
            },
            failure: self.first.as_ref().err().cloned(),
            answered,
            session_id: self.dialogue.session_id.clone(),
            model: self.dialogue.model.clone(),
            effort: self.dialogue.effort.clone(),
            // What an earlier review has cost is not counted twice.
            usage: self.dialogue.usage.clone().filter(|_| !self.cached),
            duration: self.duration,
        }
    }
}

/// Makes a call, and tells how far it is and what is to be known of it.
fn ask(config: &Config, ask: &Ask<'_>, notify: &mut Notify<'_>) -> Consulted {
    let consulted = consult::consult(ask, config, Clock::of(config), &mut |progress| {
        notify(News::Progress(progress));
    });
    if let Outcome::Unavailable(failure) = &consulted.outcome
        && failure.class != "session-gone"
    {
        notify(News::Warning(&format!("no second opinion: {}", failure.line())));
    }
    for note in &consulted.notes {
        notify(News::Warning(note));
    }
    consulted
}

/// Lets the user's own program have its say. That it has none is worth a warning and no more.
fn judged(judge: &Judge, review: &Review, clock: Clock, notify: &mut Notify<'_>) -> Judgement {
    let program = visible::line(&judge.program);
    notify(News::Note(&format!("the second judge reads the review: {program}")));
    let begun = Instant::now();
    let outcome = match consult::judge(judge, &json::brief(review), clock) {
        Ok(prose) => Ok(visible::text(Redactor::default().text(&prose))),
        Err(why) => {
            notify(News::Warning(&format!("the second judge gives nothing: {why}")));
            Err(why.to_string())
        }
    };
    Judgement { program, outcome, duration: begun.elapsed() }
}

fn answer(outcome: Outcome) -> Result<String, Failure> {
    match outcome {
        Outcome::Answered(text) => Ok(text),
        Outcome::Unavailable(failure) => Err(failure),
    }
}

fn kept(round: &Round) -> KeptRound {
    KeptRound {
        question: round.prompt.question.clone(),
        granted: round.granted.clone(),
        refused: round.refused.clone(),
        anew: round.anew,
        failure: round
            .outcome
            .as_ref()
            .err()
            .map(|failure| (failure.class.to_owned(), failure.message.clone())),
        usage: round.usage.clone(),
        duration_ms: u64::try_from(round.duration.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The token counts of a round: Codex counts the whole session.
fn since(total: &Value, before: Option<&Value>) -> Value {
    match (total, before) {
        (Value::Object(total), Some(Value::Object(before))) => Value::Object(
            total.iter().map(|(key, value)| (key.clone(), since(value, before.get(key)))).collect(),
        ),
        (total, Some(before)) => match (total.as_u64(), before.as_u64()) {
            (Some(total), Some(before)) => total.saturating_sub(before).into(),
            _ => total.clone(),
        },
        (total, None) => total.clone(),
    }
}

fn begin_record(
    session: &Session,
    prompt: &Prompt,
    patch: Option<&[u8]>,
    notify: &mut Notify<'_>,
) -> Option<Record> {
    let begin = || -> std::io::Result<Option<Record>> {
        let Some(records) = &session.records else {
            return Ok(None);
        };
        let record = records.begin(Timestamp::now())?;
        record.write(Part::Prompt, prompt.text().as_bytes())?;
        if let Some(patch) = patch {
            record.write(Part::Patch, patch)?;
        }
        Ok(Some(record))
    };
    begin().unwrap_or_else(|error| {
        notify(News::Warning(&format!("the review is not recorded: {error}")));
        None
    })
}

/// Writes what a call gave.
fn keep_call(
    record: Option<&Record>,
    round: usize,
    consulted: &Consulted,
    notify: &mut Notify<'_>,
) {
    keep(record, round, Part::Events, &consulted.events, notify);
    keep(record, round, Part::Stderr, &consulted.stderr, notify);
    if let Outcome::Answered(text) = &consulted.outcome {
        keep(record, round, Part::Answer, text.as_bytes(), notify);
    }
}

fn keep_report(record: Option<&Record>, review: &Review, notify: &mut Notify<'_>) {
    keep(record, 1, Part::Json, json::review(review).as_bytes(), notify);
    keep(record, 1, Part::Markdown, markdown::review(review).as_bytes(), notify);
}

/// Writes a part. A full disk costs the record, not the review.
fn keep(
    record: Option<&Record>,
    round: usize,
    part: Part,
    content: &[u8],
    notify: &mut Notify<'_>,
) {
    if let Some(record) = record.filter(|_| !content.is_empty())
        && let Err(error) = record.write_round(round, part, content)
        && record.is_spoilt_now()
    {
        notify(News::Warning(&format!("the record of the review is not complete: {error}")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::since;

    #[test]
    fn a_rounds_usage_is_what_the_session_has_grown_by() {
        let before = json!({"input_tokens": 10, "details": {"cached": 2}});
        let total = json!({"input_tokens": 25, "details": {"cached": 12}, "new": 3});
        let round = json!({"input_tokens": 15, "details": {"cached": 10}, "new": 3});
        assert_eq!(since(&total, Some(&before)), round);
        assert_eq!(since(&total, None), total);
    }
}
