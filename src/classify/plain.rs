//! The figures of a hunk as one plain sentence.

use super::HunkScore;
use super::evidence::{Feature, Figures};

/// What changes, from what tells most to what tells least.
const WHAT: [(Feature, &str); 12] = [
    (Feature::GuardLost, "a check and its refusal go away"),
    (Feature::GuardNew, "a check with a refusal comes in"),
    (Feature::GuardRewritten, "a check with a refusal is rewritten"),
    (Feature::GuardCall, "a call of something that checks comes or goes"),
    (Feature::ConditionLost, "a condition goes away"),
    (Feature::ComparisonLost, "a comparison goes away"),
    (Feature::MarkedLiteral, "a path, an option or a scheme in quotes is another one"),
    (Feature::Pattern, "a regular expression changes"),
    (Feature::ContextAndLiteral, "an entry of a list or a telling literal changes"),
    (Feature::ConditionsBoth, "a condition is rewritten"),
    (Feature::GuardCheck, "lines that ask or refuse change"),
    (Feature::Tiny, "hardly more than one word changes"),
];

/// Where the words of the category stand.
const WHERE: [(Feature, &str); 4] = [
    (Feature::WordsLine, "on lines that speak of"),
    (Feature::WordsNet, "in words about"),
    (Feature::WordsContext, "beside lines that speak of"),
    (Feature::WordsComment, "under comments that speak of"),
];

/// What speaks against a look.
const AGAINST: [(Feature, &str); 8] = [
    (Feature::Moved, "though most of it merely moved"),
    (Feature::Large, "though many lines change at once"),
    (Feature::ManyHunks, "though the whole change sweeps over many places"),
    (Feature::Renamed, "though much of it is one name for another"),
    (Feature::MessagesOnly, "though only messages differ"),
    (Feature::HeadsOnly, "though only heads of definitions differ"),
    (Feature::RoutineWords, "though its words are of the routine"),
    (Feature::Tooling, "though the file is a tool of the developers"),
];

/// What adds or takes less than this is not worth a word.
const LEAST: f32 = 0.3;

impl HunkScore {
    /// Why the hunk was picked beyond the rules, in words for people: `a check and its refusal go away, on lines
    /// that speak of files and paths`. Nothing where its strongest category was not weighed.
    pub fn why(&self) -> Option<String> {
        let (category, _) = self.categories.first()?;
        let (_, figures) = self.figures.iter().find(|(known, _)| known == category)?;
        let what = strongest(figures, &WHAT).unwrap_or("code changes");
        let place = strongest(figures, &WHERE).unwrap_or("in a file about");
        let against = strongest(figures, &AGAINST).map(|text| format!(", {text}"));
        Some(format!("{what}, {place} {}{}", subject(category), against.unwrap_or_default()))
    }
}

/// The words of the figure that adds or takes most, if it is worth a word.
fn strongest(figures: &Figures, told: &[(Feature, &'static str)]) -> Option<&'static str> {
    let adds = |feature: Feature| {
        figures
            .parts()
            .find(|(known, _, _)| *known == feature)
            .map_or(0.0, |(_, _, adds)| adds.abs())
    };
    let worth = told.iter().map(|(feature, text)| (adds(*feature), *text));
    let worth = worth.filter(|(adds, _)| *adds >= LEAST);
    worth.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, text)| text)
}

fn subject(category: &str) -> &str {
    match category {
        "auth" => "logins and permissions",
        "crypto" => "ciphers and certificates",
        "shell" => "commands and their arguments",
        "deserialization" => "objects made of text",
        "path" => "files and paths",
        other => other,
    }
}
