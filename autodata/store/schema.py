"""The tables of `autodata sql`: names, types and meanings of their columns."""

import re
from difflib import get_close_matches

Column = tuple[str, str, str]  # name, DuckDB type, meaning

_RUN: Column = ("run_id", "VARCHAR", "the run, a folder under `runs/`")
_AT: Column = ("recorded_at", "TIMESTAMP", "when it was journaled, UTC")
_CANDIDATE: tuple[Column, ...] = (
    ("candidate_id", "VARCHAR", "`c0` is the baseline, `c<i>` came from iteration i, or is set i"),
    ("commit", "VARCHAR", "git commit of the candidate"),
)
_EPISODE: tuple[Column, ...] = (
    *_CANDIDATE,
    ("document_id", "VARCHAR", "hash of the document's content; `documents` has its file"),
    ("split", "VARCHAR", "`train`, `validation` or `test`, whose rows come when the run has ended"),
    ("repeat", "BIGINT", "which evaluation of this document by this harness; below 0: a null one"),
)
_TOKENS: tuple[Column, ...] = (
    ("prompt_tokens", "BIGINT", "tokens sent"),
    ("completion_tokens", "BIGINT", "tokens generated"),
    ("cost_usd", "DOUBLE", "dollars; 0 where a model has no price"),
    ("seconds", "DOUBLE", "model time, waiting for the server included"),
)
_SPEND: tuple[Column, ...] = (("calls", "BIGINT", "model calls"), *_TOKENS)

TABLES: dict[str, tuple[Column, ...]] = {
    "runs": (
        _RUN,
        ("created_at", "TIMESTAMP", "when the run began, UTC"),
        ("autodata", "VARCHAR", "the version of autodata that began it"),
        ("rules", "BIGINT", "version of its acceptance code: rates of two of them do not compare"),
        ("harness", "VARCHAR", "name of the harness that is optimized or measured"),
        (
            "baseline_commit",
            "VARCHAR",
            "git commit of `c0`; empty where a harness is only measured",
        ),
        ("seed", "BIGINT", "seed of every random choice"),
        ("simulated", "BOOLEAN", "true: its models are simulated, its numbers show nothing"),
        ("config", "JSON", "the configuration, without keys"),
    ),
    "documents": (
        _RUN,
        ("document_id", "VARCHAR", "hash of the document's content"),
        ("name", "VARCHAR", "its file, or `name` or line in a .jsonl; `#n` is the n-th piece"),
        ("split", "VARCHAR", "`train`, `validation` or `test`"),
        ("characters", "BIGINT", "length of its text"),
        ("span", "BIGINT[]", "where in its source the text begins and ends; NULL: it is all"),
    ),
    "candidates": (
        _RUN,
        *_CANDIDATE,
        ("tree", "VARCHAR", "hash of the harness files"),
        ("parent_id", "VARCHAR", "candidate it was edited from"),
        ("iteration", "BIGINT", "iteration it came from; 0 for the baseline"),
        ("kind", "VARCHAR", "which proposer made it"),
        ("knobs", "JSON", "its knob values"),
        ("prompt_chars", "BIGINT", "length of all its prompts"),
        ("message", "VARCHAR", "what was changed and why"),
        ("edits", "BIGINT[]", "numbers of the edits merged in it; empty in a race"),
        _AT,
    ),
    "edits": (
        _RUN,
        ("edit", "BIGINT", "number of the edit, which git and traces call `e<i>`"),
        ("message", "VARCHAR", "what it changes and why"),
        ("decision", "VARCHAR", "`admitted`, `rejected`, or `undecided` so far"),
        (
            "effect",
            "DOUBLE",
            "what it does to the pass rate: a belief after the last look, no test",
        ),
        ("low", "DOUBLE", "lower end of its 95 % interval, a belief"),
        ("high", "DOUBLE", "upper end of its 95 % interval, a belief"),
        ("good", "DOUBLE", "probability that the effect is above 0, a belief"),
        ("tokens", "DOUBLE", "what it does to the tokens per accepted example; NULL: not known"),
        ("episodes", "BIGINT", "validation episodes in whose harness it was"),
        ("reason", "VARCHAR", "why it was decided so"),
        ("kind", "VARCHAR", "which proposer made it"),
        ("parent_id", "VARCHAR", "candidate on which it was made"),
        ("look", "BIGINT", "how many looks were over when it was asked for"),
        ("entered", "BIGINT", "look at which it entered the pool"),
        ("commit", "VARCHAR", "git commit of the edit alone on that candidate"),
        ("tree", "VARCHAR", "hash of the harness files there"),
        ("diff", "VARCHAR", "the edit as a patch"),
        _AT,
    ),
    "looks": (
        _RUN,
        ("look", "BIGINT", "number of the look, from 1: a batch of episodes on sets of edits"),
        ("entered", "BIGINT[]", "edits that entered the pool before it"),
        _AT,
    ),
    "beliefs": (
        _RUN,
        ("look", "BIGINT", "the look after which this was believed"),
        ("edit", "BIGINT", "number of the edit"),
        ("effect", "DOUBLE", "what it does to the pass rate: a belief, no test"),
        ("low", "DOUBLE", "lower end of its 95 % interval"),
        ("high", "DOUBLE", "upper end of its 95 % interval"),
        ("good", "DOUBLE", "probability that the effect is above 0"),
        ("tokens", "DOUBLE", "what it does to the tokens per accepted example; NULL: not known"),
        ("episodes", "BIGINT", "validation episodes in whose harness it was"),
        ("state", "VARCHAR", "`undecided`, `admitted` or `rejected`"),
        _AT,
    ),
    "episodes": (
        _RUN,
        *_EPISODE,
        ("tree", "VARCHAR", "hash of the harness files"),
        (
            "status",
            "VARCHAR",
            "`accepted`, `rejected`, `unsuitable` (its harness gave the document up without trying "
            "an example), or `void` (infrastructure failed; run again)",
        ),
        ("score", "BIGINT", "1 accepted, 0 else, NULL void or null: its mean is the pass rate"),
        ("null_episode", "BOOLEAN", "`strong` had both seats: what passes is luck"),
        ("reason", "VARCHAR", "why it was rejected or void"),
        ("rounds", "BIGINT", "examples tried"),
        ("calls", "BIGINT", "model calls; those of a void are also in the row of its successor"),
        *_TOKENS,
        _AT,
    ),
    "rounds": (
        _RUN,
        *_EPISODE,
        ("round", "BIGINT", "number of the round in its episode"),
        ("kind", "VARCHAR", "question type"),
        ("skills", "VARCHAR[]", "reasoning skills the challenger named"),
        ("context", "VARCHAR", "what the example shows beside its question"),
        ("question", "VARCHAR", "the question"),
        ("answer", "VARCHAR", "the reference answer"),
        (
            "rubric",
            "JSON",
            "list of criterion, weight, category, capability; empty: matched with the answer",
        ),
        ("verified", "BOOLEAN", "every verification passed; NULL: there was none"),
        ("verifications", "JSON", "list of passed, feedback, frozen, checks"),
        ("probes", "JSON", "tests of its graders before it counted: list of name, held, score"),
        ("weak_mean", "DOUBLE", "mean score of the weak attempts"),
        ("strong_mean", "DOUBLE", "mean score of the strong attempts"),
        ("gap", "DOUBLE", "strong_mean - weak_mean"),
        ("confirmed", "BOOLEAN", "fresh samples confirmed it; NULL: it did not come to that"),
        ("confirmation", "BIGINT", "which confirmation of its episode it was, from 1"),
        ("fresh_weak_mean", "DOUBLE", "mean score of the fresh weak attempts"),
        ("fresh_strong_mean", "DOUBLE", "mean score of the fresh strong attempts"),
        ("accepted", "BOOLEAN", "the verdict of the acceptance rules"),
        ("reasons", "VARCHAR[]", "names of the rules that failed"),
        _AT,
    ),
    "attempts": (
        _RUN,
        *_EPISODE,
        ("round", "BIGINT", "number of the round in its episode"),
        ("role", "VARCHAR", "`weak` or `strong`"),
        ("sample", "BIGINT", "which of the independent samples"),
        ("fresh", "BOOLEAN", "true: one that confirms an example, and no harness sees"),
        ("answer", "VARCHAR", "what the solver said"),
        ("score", "DOUBLE", "0 to 1, by rubric or by match"),
        ("satisfied", "BOOLEAN[]", "per criterion of the rubric"),
        ("note", "VARCHAR", "what came up when a function of the domain scored it"),
        ("scored_by", "VARCHAR", "who scored it, where the domain has several ways"),
        _AT,
    ),
    "findings": (
        _RUN,
        *_EPISODE,
        ("round", "BIGINT", "number of the accepted round in its episode"),
        ("holds", "BOOLEAN", "the auditor objects to nothing"),
        ("leak", "BOOLEAN", "context, question or rubric give the answer away; NULL: no reply"),
        ("ambiguous", "BOOLEAN", "another answer is as right, or what is asked is unclear"),
        ("bare_number", "BOOLEAN", "tied to the document by a bare number, name or place"),
        ("rubric_fair", "BOOLEAN", "good answers score high, bad and empty ones low"),
        ("without_document", "BOOLEAN", "could be written without this document"),
        ("comment", "VARCHAR", "the gravest objection, by the auditor"),
        ("problem", "VARCHAR", "why there is no usable reply"),
        _AT,
    ),
    "gaps": (
        _RUN,
        *_EPISODE,
        ("tree", "VARCHAR", "hash of the harness files"),
        ("round", "BIGINT", "number of the round whose example was asked about once more"),
        ("weak", "DOUBLE[]", "scores of fresh weak samples; empty: they could not be had"),
        ("strong", "DOUBLE[]", "scores of fresh strong samples"),
        ("gap", "DOUBLE", "mean of the strong ones minus mean of the weak ones"),
        ("problem", "VARCHAR", "why there are no scores"),
        _AT,
    ),
    "calls": (
        _RUN,
        *_EPISODE,
        ("key", "VARCHAR", "hash of everything that decides the reply"),
        ("tree", "VARCHAR", "hash of the harness files"),
        ("role", "VARCHAR", "`challenger`, `weak`, `judge`, `analyzer` ..."),
        ("ordinal", "VARCHAR", "place in its episode or iteration, such as `r2.weak.1`"),
        ("endpoint", "VARCHAR", "name in the configuration"),
        ("provider", "VARCHAR", "who answered: its `provider` in the configuration"),
        ("model", "VARCHAR", "the model's name"),
        ("outcome", "VARCHAR", "`ok`, `Malformed` (no JSON of its schema), or an error's name"),
        ("finish", "VARCHAR", "why the model stopped"),
        ("tries", "BIGINT", "requests sent until this outcome"),
        *_TOKENS,
        ("cached_tokens", "BIGINT", "prompt tokens the server had in its cache"),
        (
            "reasoning_tokens",
            "BIGINT",
            "completion tokens that went into thinking; NULL: the server told of none",
        ),
        ("request", "JSON", "the whole request"),
        ("reply", "JSON", "the whole reply"),
        _AT,
    ),
    "iterations": (
        _RUN,
        (
            "iteration",
            "BIGINT",
            "number of the proposal, from 1; in a merging search that of edit `e<i>`",
        ),
        ("parent_id", "VARCHAR", "candidate that was selected"),
        (
            "candidate_id",
            "VARCHAR",
            "candidate or edit that was made; NULL: the proposal was refused",
        ),
        ("kind", "VARCHAR", "which proposer was asked"),
        ("analysis", "VARCHAR", "root cause of the failures, by the analyzer"),
        ("edit", "VARCHAR", "what was changed"),
        (
            "predictions",
            "JSON",
            "list of document_id, probability that the edit gets it accepted; '': raises the rate",
        ),
        ("audit", "JSON", "Brier score, hit rate and base rate of the predictions"),
        ("decision", "VARCHAR", "`admitted`, `rejected` or `refused`"),
        ("reason", "VARCHAR", "why"),
        ("evidence", "JSON", "what the decision rule looked at"),
        *_SPEND,
        _AT,
    ),
    "certifications": (
        _RUN,
        *_CANDIDATE,
        ("evidence", "JSON", "what was measured on the sealed test split"),
        _AT,
    ),
    "calibrations": (
        _RUN,
        ("labelled_by", "VARCHAR", "who labelled"),
        ("judge", "VARCHAR", "the judge's model"),
        ("answers", "BIGINT", "labelled answers"),
        ("criteria", "BIGINT", "labelled criteria of these"),
        ("agreement", "JSON", "part on which judge and labels agree, a mean over answers"),
        ("negatives", "BIGINT", "criteria that are not met by their label"),
        ("false_positives", "BIGINT", "of these, those that the judge calls met"),
        ("positives", "BIGINT", "criteria that are met by their label"),
        ("false_negatives", "BIGINT", "of these, those that the judge does not call met"),
        ("same", "BIGINT", "criteria of which the judge says the same when it is asked again"),
        ("by_criterion", "JSON", "the same counts for each criterion"),
        _AT,
    ),
    "promotions": (
        _RUN,
        *_CANDIDATE,
        ("harness", "VARCHAR", "name of the harness"),
        ("version", "VARCHAR", "the version it became"),
        ("forced", "BOOLEAN", "true: promoted with `--force`, against a missing condition"),
        ("evidence", "JSON", "everything that was recorded with it"),
        _AT,
    ),
}

_BELIEVED = ("decision", "effect", "low", "high", "good", "tokens", "episodes", "reason", "entered")
EDITS = f"""
SELECT {", ".join(f'"{name}"' for name, _, _ in TABLES["edits"])} FROM
  (SELECT *, coalesce(decided, 'undecided') AS decision FROM ($stored) AS stored
   LEFT JOIN (SELECT run_id, iteration AS edit, decision AS decided, reason FROM iterations)
     USING (run_id, edit)
   LEFT JOIN (SELECT run_id, unnest(entered) AS edit, look AS entered FROM looks)
     USING (run_id, edit)
   LEFT JOIN (SELECT run_id, edit, effect, low, high, good, tokens, episodes FROM beliefs
              QUALIFY row_number() OVER (PARTITION BY run_id, edit ORDER BY look DESC) = 1)
     USING (run_id, edit))
"""
"""The table `edits` as a query of `$stored`, the edits as they were made, and of other tables."""
SCHEMA: dict[str, tuple[Column, ...]] = {
    table: tuple(column for column in columns if table != "edits" or column[0] not in _BELIEVED)
    for table, columns in TABLES.items()
}
"""What is stored of each table, a row a fact: what is believed of an edit comes from later ones."""


def describe() -> str:
    """Return all tables and columns as Markdown."""
    parts = []
    for table, columns in TABLES.items():
        lines = [f"## `{table}`", "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in columns]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def suggestion(message: str) -> str:
    """Name the table or column nearest to the one that DuckDB does not find, or all tables."""
    columns = {name for table in TABLES.values() for name, _, _ in table}
    missing = re.search(r'Table with name "?(\w+)|column "(\w+)"|column named "(\w+)"', message)
    if missing:
        names = list(TABLES) if missing[1] else sorted(columns)
        near = get_close_matches(next(filter(None, missing.groups())), names, 1)
        if near and missing[1]:
            return f"did you mean {near[0]}? tables: {', '.join(TABLES)}"
        if near:
            owners = [t for t, table in TABLES.items() if near[0] in {name for name, _, _ in table}]
            return f"did you mean {near[0]} (in {', '.join(owners)})? columns: DESCRIBE {owners[0]}"
    return f"tables: {', '.join(TABLES)}; columns of one: DESCRIBE {next(iter(TABLES))}"
