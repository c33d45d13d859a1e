//! What the parts of a hunk speak of, as figures.

use super::evidence::{Evidence, Feature};
use super::shape::{Net, ratio};
use super::vocabulary::{self, CATEGORIES, GUARD, Heard, ROUTINE};

/// What a hunk speaks of, by where the words stand.
pub(super) struct Words {
    net: Heard,
    line: Heard,
    context: Heard,
    check: Heard,
    path: Heard,
    /// Different parts of the words that really change.
    parts: usize,
    routine: f32,
}

/// What takes longer to find.
pub(super) struct Late {
    /// Of what the hunk stands under.
    pub(super) scope: Heard,
    /// Of comments and messages that change.
    pub(super) comment: Heard,
    /// Of comments around.
    pub(super) near: Heard,
}

impl Words {
    pub(super) fn of(
        net: &Net<'_>,
        line: Heard,
        context: Heard,
        check: Heard,
        path: Heard,
    ) -> Words {
        let mut words = Vec::new();
        for text in net.words() {
            words.extend_from_slice(text);
            words.push(b' ');
        }
        let (parts, routine) = vocabulary::share(&words, ROUTINE);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Words {
            net: Heard::of_all([words.as_slice()].into_iter()),
            line,
            context,
            check,
            path,
            parts,
            routine: ratio(count(routine), count(parts).max(3)),
        }
    }

    pub(super) fn tell(&self, evidence: &mut Evidence) {
        let guard = |heard: &Heard, cap: f32| within(heard, GUARD, cap);
        for (feature, value) in [
            (Feature::RoutineWords, self.routine),
            (Feature::GuardNet, guard(&self.net, 3.0)),
            (Feature::GuardLine, guard(&self.line, 3.0)),
            (Feature::GuardContext, guard(&self.context, 3.0)),
            (Feature::GuardCheck, guard(&self.check, 3.0)),
            (Feature::GuardPath, guard(&self.path, 1.5)),
        ] {
            evidence.set(feature, value);
        }
        for (subject, figures) in evidence.of.iter_mut().enumerate() {
            for (feature, value) in [
                (Feature::WordsNet, within(&self.net, subject, 3.0)),
                (Feature::WordsDensity, (self.net.of(subject) / self.parts.max(2) as f32).min(1.0)),
                (Feature::WordsLine, within(&self.line, subject, 3.0)),
                (Feature::WordsContext, within(&self.context, subject, 3.0)),
            ] {
                figures.set(feature, value);
            }
        }
        debug_assert_eq!(evidence.of.len(), CATEGORIES.len());
    }

    /// The figures that a closer look gives; `literal` is how clearly a telling literal changes.
    pub(super) fn tell_late(&self, late: &Late, literal: f32, evidence: &mut Evidence) {
        let guarded = within(&late.scope, GUARD, 3.0) + within(&self.path, GUARD, 1.5);
        evidence.set(Feature::GuardComment, within(&late.comment, GUARD, 2.0));
        evidence.set(Feature::GuardAndLiteral, guarded.min(1.0) * literal);
        for (subject, figures) in evidence.of.iter_mut().enumerate() {
            let comment = within(&late.comment, subject, 2.0);
            let surroundings = 0.5 * within(&self.context, subject, 3.0)
                + within(&late.scope, subject, 3.0)
                + 0.5 * within(&self.path, subject, 1.5)
                + 0.5 * comment;
            for (feature, value) in [
                (Feature::WordsComment, comment),
                (Feature::WordsCommentNear, within(&late.near, subject, 2.0)),
                (Feature::ContextAndLiteral, surroundings.min(1.0) * literal),
            ] {
                figures.set(feature, value);
            }
        }
    }
}

/// How strongly a subject is spoken of, as a share of what is enough.
fn within(heard: &Heard, subject: usize, enough: f32) -> f32 {
    heard.of(subject).min(enough) / enough
}

impl Heard {
    /// What all these texts speak of together.
    pub(super) fn of_all<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Heard {
        let mut heard = Heard::default();
        texts.for_each(|text| heard.read(text));
        heard
    }

    /// What comments speak of, without what only says that they are about security: a fix says so, a flaw
    /// does not.
    pub(super) fn of_comments<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Heard {
        let words = texts.flat_map(|text| text.split(|&byte| !vocabulary::continues_word(byte)));
        Heard::of_all(words.filter(|word| !is_claim(word)))
    }
}

fn is_claim(word: &[u8]) -> bool {
    let claims = ["cve", "ghsa", "security", "vulnerab", "advisory", "exploit"];
    let begins = |claim: &str| {
        word.get(..claim.len()).is_some_and(|start| start.eq_ignore_ascii_case(claim.as_bytes()))
    };
    claims.iter().any(|claim| begins(claim))
}
