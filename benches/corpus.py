#!/usr/bin/env python3
"""How well the analyzer finds what matters, on labelled changes of public repositories.

    corpus.py measure CASES [--noise NOISE] --clones DIR [--binary PATH]
    corpus.py sample  CASES [--noise NOISE] --clones DIR > MORE
    corpus.py fit     CASES  --noise NOISE  --clones DIR [--more MORE] [--binary PATH] [--write]

A case is a line of JSON: `repo` (owner/name), `fix_commit`, `parent`, `category`, `also` (further categories),
`language`, and `files`, the lines that hold the flaw: `path`, `side` (`pre` or `post` the fix), `start_line`,
`end_line`. A noise entry has `repo`, `commit` and `parent` of an ordinary commit. DIR holds clones named
`owner+name`, `owner/name` or `name`, bare or not; a repository without one is named and passed over.

`measure` scans each case in both directions: reverse, the change that would bring the flaw in, and forward,
the fix as it was reviewed. recall: a hunk that goes along overlaps the labelled lines. cat+: and it names the
category, or one of `also`. cost50: the median share of the diff that goes along. noise: the share of ordinary
commits that earn a call.

`sample` writes up to a hundred further ordinary commits of each repository, none of them in the lists: what is
ordinary is learned from many, while the noise is still measured on those of NOISE alone.

`fit` prints the same curve for the weights of `src/classify/weights.toml` fitted anew (it needs numpy): once
as fitted on everything, and once with each repository judged by weights that were fitted on the others. Only
the second figure says what to expect of a repository that was never seen. `--write` writes the weights.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "src/classify/weights.toml"
EVIDENCE = ROOT / "src/classify/evidence.rs"


# ---- Scans

def clone_of(clones, repo):
    """The git directory of a clone, or nothing."""
    owner, name = repo.split("/", 1)
    for base in (f"{owner}+{name}/repo", f"{owner}+{name}", f"{owner}/{name}", f"{owner}/{name}.git", f"{name}.git", name):
        for folder in (clones / base, clones / base / ".git"):
            if (folder / "objects").is_dir() and (folder / "HEAD").exists():
                return folder.resolve()
    return None


def scan(binary, clone, old, new, settings=()):
    """The report of a scan, in a folder without any configuration."""
    env = dict(os.environ, GIT_DIR=str(clone), GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull)
    command = [binary, *settings, "scan", "--format", "json", f"{old}..{new}"]
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(command, cwd=empty, env=env, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} in {clone}: {done.stderr.decode(errors='replace')}")
    return json.loads(done.stdout)


def load(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


class Run:
    """A scan of one entry in one direction."""

    def __init__(self, entry, kind, report):
        self.repo, self.kind, self.entry, self.report = entry["repo"], kind, entry, report

    def hunks(self):
        """Each hunk, and whether it overlaps a labelled range."""
        for file in self.report["files"]:
            paths = {file["path"], file.get("old_path")}
            ranges = [r for r in self.entry.get("files", ()) if r["path"] in paths]
            for hunk in file["hunks"]:
                yield hunk, any(self.overlaps(hunk, r) for r in ranges)

    def overlaps(self, hunk, labelled):
        side = "new" if (labelled["side"] == "pre") == (self.kind == "reverse") else "old"
        start, lines = hunk[f"{side}_start"], hunk[f"{side}_lines"]
        end = start + lines - 1 if lines else start + 1
        return start <= labelled["end_line"] and labelled["start_line"] <= end

    def categories(self):
        return {self.entry["category"], *self.entry.get("also", ())}


def runs_of(args, settings=()):
    """All scans: each case in both directions, and the ordinary commits."""
    jobs, missing = [], set()
    for entry in load(args.cases):
        jobs.append((entry, "reverse", entry["fix_commit"], entry["parent"]))
        jobs.append((entry, "forward", entry["parent"], entry["fix_commit"]))
    for entry in load(args.noise) if args.noise else []:
        jobs.append((entry, "noise", entry["parent"], entry["commit"]))
    for entry in load(args.more) if args.more else []:
        jobs.append((entry, "more", entry["parent"], entry["commit"]))

    def one(job):
        entry, kind, old, new = job
        clone = clone_of(args.clones, entry["repo"])
        if clone is None:
            missing.add(entry["repo"])
            return None
        return Run(entry, kind, scan(args.binary, clone, old, new, settings))

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        done = [run for run in pool.map(one, jobs) if run]
    if missing:
        print("no clone of:", ", ".join(sorted(missing)))
    return done


# ---- Measure

def measure(args):
    runs = runs_of(args)
    for kind in ("reverse", "forward"):
        cases = [run for run in runs if run.kind == kind]
        if not cases:
            continue
        print(f"\n| {kind} | cases | recall | cat+ | cost50 |\n|---|---|---|---|---|")
        row("all", cases)
        for key in ("category", "language"):
            for name in sorted({run.entry[key] for run in cases}):
                row(name, [run for run in cases if run.entry[key] == name])
        if args.list_misses:
            for run in cases:
                if not found(run)[0]:
                    print("missed:", run.entry.get("id", run.entry["fix_commit"]), run.entry.get("why", ""))
    noise = [run for run in runs if run.kind == "noise"]
    if noise:
        called = [run for run in noise if any(hunk["selected"] for hunk, _ in run.hunks())]
        print(f"\nnoise: {len(called)} of {len(noise)} ordinary commits earn a call ({share(len(called), len(noise))})")


def found(run):
    """Whether a hunk that goes along is labelled, and whether it also names the category."""
    labelled = [hunk for hunk, hit in run.hunks() if hit and hunk["selected"]]
    return bool(labelled), any(run.categories() & set(hunk["categories"]) for hunk in labelled)


def row(name, runs):
    hits = [found(run) for run in runs]
    costs = [run.report["stats"]["selected_bytes"] / max(1, run.report["stats"]["diff_bytes"]) for run in runs]
    cells = [share(sum(hit), len(runs)) for hit in zip(*hits)]
    print(f"| {name} | {len(runs)} | {' | '.join(cells)} | {100 * statistics.median(costs):.0f} % |")


def share(part, whole):
    return f"{100 * part / max(1, whole):.1f} %"


# ---- Sample

# What the message of an ordinary commit does not speak of.
CLAIMS = re.compile(
    r"secur|vuln|\bcve|ghsa|attack|exploit|malicious|travers|inject|saniti[sz]|\bxss|csrf|unsafe|bypass|untrusted"
    r"|advisor|hijack|spoof|privilege|leak|disclos", re.IGNORECASE)
SOURCE = re.compile(r"\.([cm]?[jt]sx?|py|go|java|kt|rb|php|rs|c|h|cc|cpp|hpp|cs|sh|fish|pl|pm|lua|ps1|scala|swift)$")
TEST = re.compile(r"(^|/)(tests?|testdata|specs?|__tests__|fixtures|unittest)/|test_|_test\.|Tests?\.|\.(spec|test)\.")


def sample(args):
    """Ordinary commits: one parent, 1 to 30 files, one of them a source file outside of tests."""
    cases, noise = load(args.cases), load(args.noise) if args.noise else []
    taken = {case["fix_commit"] for case in cases} | {entry["commit"] for entry in noise}
    choice = random.Random(4)
    for repo in sorted({case["repo"] for case in cases}):
        clone = clone_of(args.clones, repo)
        if clone is None:
            continue

        def git(*words):
            done = subprocess.run(["git", f"--git-dir={clone}", *words], capture_output=True, check=False)
            return None if done.returncode else done.stdout.decode(errors="replace")

        log = git("log", "--min-parents=1", "--max-parents=1", "--since=2016-01-01", "--format=%H%x09%P%x09%B%x00", "HEAD")
        if log is None:
            sys.exit(f"git log fails in {clone}")
        commits = [entry.strip().split("\t", 2) for entry in log.split("\0") if entry.strip()]
        choice.shuffle(commits)
        left = 100
        for commit, parent, message in commits:
            if left == 0:
                break
            if commit in taken or CLAIMS.search(message):
                continue
            names = git("diff", "--name-only", parent, commit)
            if names is None:
                # A clone that is not complete lacks the trees of some commits.
                continue
            names = names.splitlines()
            if len(names) <= 30 and any(SOURCE.search(name) and not TEST.search(name) for name in names):
                print(json.dumps({"repo": repo, "commit": commit, "parent": parent}))
                left -= 1


# ---- Fit

# Figures that speak against a look; all others may only speak for one.
AGAINST = {
    "large", "imports-only", "heads-only", "messages-only", "renamed", "routine-words", "tooling", "moved",
    "many-hunks", "hunk-count", "line-count",
}
# How strongly weights are held near zero: smaller is stronger.
PULL = 4.0
ROUNDS = 6


def features():
    """The names of the figures, in the order of the source."""
    lines = EVIDENCE.read_text(encoding="utf-8").splitlines()
    words = (line.split() for line in lines if line.startswith("    ") and line.endswith('",'))
    return [word[1].strip('",') for word in words if len(word) == 2 and word[1].startswith('"')]


class Table:
    """A row for each hunk and category that was weighed."""

    def __init__(self, runs, names):
        import numpy

        rows, self.run, self.label = [], [], []
        for at, run in enumerate(runs):
            for hunk, hit in run.hunks():
                for category, figures in hunk.get("evidence", {}).items():
                    rows.append([figures.get(name, 0.0) for name in names])
                    self.run.append(at)
                    self.label.append(hit + (hit and category in run.categories()))
        self.x = numpy.array(rows)
        self.run, self.label = numpy.array(self.run), numpy.array(self.label)
        self.kind = numpy.array([runs[at].kind for at in self.run])
        self.repo = numpy.array([runs[at].repo for at in self.run])


ORDINARY = ("noise", "more")


def fitted(table, rows, names):
    """Weights and bias: the best row of each case against the worst row of each ordinary commit."""
    import numpy

    ordinary = numpy.isin(table.kind, ORDINARY)
    known = numpy.where(rows & (ordinary | (table.label == 2)))[0]
    weights = numpy.zeros(len(names) + 1)
    for _ in range(ROUNDS):
        chosen = best_of_each(table, known, table.x @ weights[:-1])
        y = (~ordinary[chosen]).astype(float)
        # Both sides weigh the same, and as much as a dozen commits of each repository.
        w = numpy.where(y == 1, 1 / y.sum(), 1 / (len(y) - y.sum())) * 12 * len(set(table.repo[chosen]))
        weights = regression(table.x[chosen], y, w, names, weights)
    return weights


def best_of_each(table, rows, scores):
    best = {}
    for row in rows:
        run = table.run[row]
        if run not in best or scores[row] > scores[best[run]]:
            best[run] = row
    return sorted(best.values())


def regression(x, y, w, names, start):
    """Logistic regression whose weights keep their sign, by accelerated gradient steps."""
    import numpy

    x = numpy.hstack([x, numpy.ones((len(x), 1))])
    low = numpy.array([-numpy.inf if name in AGAINST else 0.0 for name in names] + [-numpy.inf])
    high = numpy.array([0.0 if name in AGAINST else numpy.inf for name in names] + [numpy.inf])
    pull = numpy.array([1 / PULL] * len(names) + [0.0])
    step = 1 / (0.25 * numpy.linalg.norm(x * numpy.sqrt(w)[:, None], 2) ** 2 + 1 / PULL)
    at = before = start
    for turn in range(600):
        ahead = at + turn / (turn + 3) * (at - before)
        slope = x.T @ (w * (1 / (1 + numpy.exp(-(x @ ahead))) - y)) + pull * ahead
        before, at = at, numpy.clip(ahead - step * slope, low, high)
    return at


def curve(title, runs, table, scores, along):
    """What each share of called ordinary commits buys."""
    import numpy

    top, label, named = (numpy.full(len(runs), -99.0) for _ in range(3))
    numpy.maximum.at(top, table.run, scores)
    numpy.maximum.at(label, table.run[table.label > 0], scores[table.label > 0])
    numpy.maximum.at(named, table.run[table.label == 2], scores[table.label == 2])
    kind = numpy.array([run.kind for run in runs])
    noise = numpy.sort(top[kind == "noise"])[::-1]
    print(f"\n| {title}: noise | threshold | reverse recall | cat+ | forward recall | cat+ |\n|---|---|---|---|---|---|")
    for percent in (5, 10, 15, 18, 20, 22, 25, 30, 40):
        least = noise[int(percent / 100 * len(noise))]
        cells = []
        for way in ("reverse", "forward"):
            of = kind == way
            called = top[of] >= least
            cells += [share((called & (best[of] >= least - along)).sum(), of.sum()) for best in (label, named)]
        print(f"| {percent} % | {least:+.2f} | {' | '.join(cells)} |")
    return noise


def fit(args):
    import numpy

    names = features()
    runs = runs_of(args, ["--config", "select.along=0"])
    table = Table(runs, names)
    unseen = numpy.full(len(table.x), -99.0)
    for repo in sorted(set(table.repo)):
        others = fitted(table, table.repo != repo, names)
        rows = table.repo == repo
        unseen[rows] = table.x[rows] @ others[:-1] + others[-1]
    curve("repositories left out", runs, table, unseen, args.along)
    weights = fitted(table, numpy.full(len(table.x), True), names)
    scores = table.x @ weights[:-1] + weights[-1]
    noise = curve("fitted on all", runs, table, scores, args.along)
    # The bias puts the chosen point of the curve at a score of one half.
    weights[-1] -= noise[int(args.noise_share * len(noise))] + 1e-6
    if args.write:
        head = WEIGHTS.read_text(encoding="utf-8").splitlines()[0]
        lines = [f"{name} = {weight:.3f}" for name, weight in zip(["bias", *names], [weights[-1], *weights[:-1]])]
        WEIGHTS.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        print(f"\nwritten: {WEIGHTS}")
    else:
        print("\n" + "\n".join(f"{weight:+.2f} {name}" for weight, name in sorted(zip(weights, [*names, "bias"]), reverse=True)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "sample", "fit"))
    parser.add_argument("cases")
    parser.add_argument("--noise")
    parser.add_argument("--more", help="further ordinary commits to fit on")
    parser.add_argument("--clones", type=pathlib.Path, required=True)
    parser.add_argument("--binary", default=str(ROOT / "target/release/git-advisor"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list-misses", action="store_true")
    parser.add_argument("--along", type=float, default=0.4, help="how far below the call, before the curve, a hunk goes along")
    parser.add_argument("--noise-share", type=float, default=0.168, help="the point of the curve for --write")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    args.binary = os.path.abspath(args.binary)
    if args.what == "fit" and not args.noise:
        parser.error("fit needs --noise")
    {"measure": measure, "sample": sample, "fit": fit}[args.what](args)


if __name__ == "__main__":
    main()
