"""Every error that autodata raises on purpose, as a tree::

    AutodataError                 the user can mend it: problem and fix are printed, exit code 2
    ├── ConfigurationError        autodata.yaml, a switch or the environment is wrong
    │   ├── ReaderGone            nobody reads the output any more; only a run says so
    │   └── Unseated              a role was asked that no model plays
    ├── DocumentError             the corpus is empty, unreadable or too small
    ├── PluginFailed              a domain, a proposer or a function of the user's own fails
    ├── HarnessError              a harness does not load, parse, type-check or validate
    │   ├── WorkflowFailed        a workflow raised or broke a limit: data about the harness
    │   └── EditFailed            no usable edit came out; its cost is paid all the same
    ├── RepositoryError           git says no: no repository, no identity, dirty tree
    │   └── StalePromotion        the incumbent is no longer the one that was compared with
    ├── StoreError                the journal is locked, corrupt or cannot be written
    │   ├── RunLocked             another process writes this run
    │   ├── CorruptJournal        a line in the middle of the journal is damaged
    │   └── ReplayMismatch        the same code came to another record than the journal holds
    ├── BudgetSpent               a budget is used up; exit code 3, resumable with a larger one
    ├── Interrupted               SIGINT, SIGTERM or `autodata stop`; exit code 130, resumable
    └── ProviderError             a model endpoint failed; each says whether to call again
        ├── Unavailable           time-out, 429, 5xx, reset: no evidence, retried
        │   ├── Unreachable       nobody there, or nobody listens
        │   ├── Unusable          no answer of the API; perhaps another server's
        │   ├── TimedOut          no answer, or no first token, within its deadline
        │   └── RateLimited       429 or 503 with the server's own waiting time
        ├── AuthenticationFailed  the key is missing or wrong; stops the run
        │   └── NoCredit          the account has no credit left for the call
        ├── RequestRejected       the server refuses this request for good (400, unknown model)
        │   └── ContextTooLong    prompt and reply do not fit; deterministic, not retried
        ├── CallFailed            fails again and again while its endpoint answers others
        ├── Truncated             the reply hit max_tokens; never adopted as a result
        ├── Refused               the model declined to answer
        └── Malformed             the reply does not fit its schema after bounded re-asking

Everything else that escapes is a bug and keeps its traceback (exit code 1).
"""

from autodata.types import Spend


class AutodataError(Exception):
    """Base: `problem` in the user's words and the `fix` to type or edit."""

    exit_code = 2

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix
        if fix:
            self.add_note(f"fix: {fix}")  # for tracebacks

    def _render_traceback_(self) -> list[str]:
        """Return what Jupyter shows in place of a traceback, which helps nobody who made no bug."""
        return [f"error: {self.problem}", *getattr(self, "__notes__", ())]


class ConfigurationError(AutodataError):
    """autodata.yaml, a switch or the environment is wrong."""


class ReaderGone(ConfigurationError):
    """Nobody reads the output any more, as after `| head`."""


class Unseated(ConfigurationError):
    """A role was asked that no model plays; in an episode that is the harness's mistake."""


class DocumentError(AutodataError):
    """The corpus is empty, unreadable or too small for the splits."""


class PluginFailed(AutodataError):
    """A domain, a proposer or a function of the user's own raises, or returns what it must not."""


class HarnessError(AutodataError):
    """A harness does not load, parse, type-check or validate."""


class WorkflowFailed(HarnessError):
    """A workflow raised, broke a limit or took its worker down: data about the harness."""


class EditFailed(HarnessError):
    """No usable edit came out; what it cost is paid all the same."""

    def __init__(self, problem: str, spend: Spend) -> None:
        super().__init__(problem, "nothing to do")
        self.spend = spend


class RepositoryError(AutodataError):
    """Git cannot do what was asked: no repository, no identity, dirty tree, moved incumbent."""


class StalePromotion(RepositoryError):
    """The incumbent is no longer the one a candidate was compared with: compare again."""


class StoreError(AutodataError):
    """The run's files cannot be read or written."""


class RunLocked(StoreError):
    """Another process writes this run; `pid` is its process id."""

    def __init__(self, run: str, pid: int) -> None:
        super().__init__(f"{run} is locked by process {pid}", f"autodata stop {run}")
        self.pid = pid


class CorruptJournal(StoreError):
    """A complete journal line is damaged; names file and byte offset."""


class ReplayMismatch(StoreError):
    """The same code came to another record than the journal holds."""


class BudgetSpent(AutodataError):
    """A budget is used up: the run stops gracefully and resumes with a larger one.

    `bound` names it, such as `budget.usd`, and `limit` is its value. `kept` says that what the
    sealed test is expected to take is left of it: a search ends with a result then.
    """

    exit_code = 3

    def __init__(
        self, problem: str, fix: str = "", *, bound: str = "", limit: float = 0, kept: bool = False
    ) -> None:
        super().__init__(problem, fix)
        self.bound = bound
        self.limit = limit
        self.kept = kept


class Interrupted(AutodataError):
    """The user stopped the run; it resumes with the same command."""

    exit_code = 130


class ProviderError(AutodataError):
    """A model endpoint could not give a usable reply; `spend` is what it took all the same."""

    spend = Spend(calls=1)


class Unavailable(ProviderError):
    """Time-out, overload, 5xx or a broken connection: not evidence, may be tried again."""


class Unreachable(Unavailable):
    """No connection came about: nobody there, or nobody listens."""


class Unusable(Unavailable):
    """What came back is no answer of the API: it is damaged, or another server is there."""


class TimedOut(Unavailable):
    """A deadline passed without an answer, ours or the server's own."""


class RateLimited(Unavailable):
    """429 or 503; `retry_after` is the server's own waiting time in seconds (0: not said)."""

    def __init__(self, problem: str, fix: str = "", retry_after: float = 0.0) -> None:
        super().__init__(problem, fix)
        self.retry_after = retry_after


class AuthenticationFailed(ProviderError):
    """The key is missing or wrong: no call to this endpoint can succeed."""


class NoCredit(AuthenticationFailed):
    """The account has no credit left for the call; a cheaper one may still be answered."""


class RequestRejected(ProviderError):
    """The server refuses this request for good; the same call would fail again."""


class ContextTooLong(RequestRejected):
    """Prompt and reply do not fit into the model's context."""


class CallFailed(ProviderError):
    """A call that fails again and again while its endpoint answers others: its own doing.

    `tries` is how often it was sent; all of them are paid for, for all that is known.
    """

    def __init__(self, problem: str, fix: str = "", tries: int = 1) -> None:
        super().__init__(problem, fix)
        self.tries = tries


class Truncated(ProviderError):
    """The reply hit its token limit and is incomplete."""


class Refused(ProviderError):
    """The model declined to answer."""


class Malformed(ProviderError):
    """The reply does not fit its schema after bounded re-asking."""


BAD_OUTPUT = (Malformed, Truncated, Refused, ContextTooLong, CallFailed)
"""Failures that are the models' or the harness's own doing: data, never a void episode."""
