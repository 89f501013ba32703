"""A data scientist that is itself optimized: makes training examples, and improves how it does.

    import autodata

    run = autodata.optimize(run="first", settings={"optimize.episodes": 400})
    run.best, run.examples().df()

Every name in `__all__` is loaded when it is first used, so that importing costs nothing; see
docs/python.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.4.0"

if TYPE_CHECKING:
    from autodata.api.ablation import Ablation, Ablations, ablate, ablate_async
    from autodata.api.comparison import Compared, Comparison, compare, compare_async
    from autodata.api.project import Project, open_project
    from autodata.api.relation import Relation
    from autodata.api.run import Report, Result, Run, open_run
    from autodata.api.upkeep import init_project, promote
    from autodata.api.work import (
        Measurement,
        certify,
        certify_async,
        estimate,
        evaluate,
        evaluate_async,
        optimize,
        optimize_async,
        replay,
    )
    from autodata.domains.base import Domain
    from autodata.errors import (
        AuthenticationFailed,
        AutodataError,
        BudgetSpent,
        CallFailed,
        ConfigurationError,
        ContextTooLong,
        CorruptJournal,
        DocumentError,
        EditFailed,
        HarnessError,
        Interrupted,
        Malformed,
        NoCredit,
        PluginFailed,
        ProviderError,
        RateLimited,
        ReaderGone,
        Refused,
        ReplayMismatch,
        RepositoryError,
        RequestRejected,
        RunLocked,
        StalePromotion,
        StoreError,
        TimedOut,
        Truncated,
        Unavailable,
        Unreachable,
        Unseated,
        Unusable,
        WorkflowFailed,
    )
    from autodata.harness.spec import Harness
    from autodata.report.display import Display
    from autodata.report.live import LiveView
    from autodata.types import Sample

__all__ = [
    "Ablation",
    "Ablations",
    "AuthenticationFailed",
    "AutodataError",
    "BudgetSpent",
    "CallFailed",
    "Compared",
    "Comparison",
    "ConfigurationError",
    "ContextTooLong",
    "CorruptJournal",
    "Display",
    "DocumentError",
    "Domain",
    "EditFailed",
    "Harness",
    "HarnessError",
    "Interrupted",
    "LiveView",
    "Malformed",
    "Measurement",
    "NoCredit",
    "PluginFailed",
    "Project",
    "ProviderError",
    "RateLimited",
    "ReaderGone",
    "Refused",
    "Relation",
    "ReplayMismatch",
    "Report",
    "RepositoryError",
    "RequestRejected",
    "Result",
    "Run",
    "RunLocked",
    "Sample",
    "StalePromotion",
    "StoreError",
    "TimedOut",
    "Truncated",
    "Unavailable",
    "Unreachable",
    "Unseated",
    "Unusable",
    "WorkflowFailed",
    "ablate",
    "ablate_async",
    "certify",
    "certify_async",
    "compare",
    "compare_async",
    "estimate",
    "evaluate",
    "evaluate_async",
    "init_project",
    "open_project",
    "open_run",
    "optimize",
    "optimize_async",
    "promote",
    "replay",
]

_HOMES = {
    "autodata.api.ablation": ("Ablation", "Ablations", "ablate", "ablate_async"),
    "autodata.api.comparison": ("Compared", "Comparison", "compare", "compare_async"),
    "autodata.api.project": ("Project", "open_project"),
    "autodata.api.relation": ("Relation",),
    "autodata.api.run": ("Report", "Result", "Run", "open_run"),
    "autodata.api.upkeep": ("init_project", "promote"),
    "autodata.api.work": (
        "Measurement",
        "certify",
        "certify_async",
        "estimate",
        "evaluate",
        "evaluate_async",
        "optimize",
        "optimize_async",
        "replay",
    ),
    "autodata.domains.base": ("Domain",),
    "autodata.harness.spec": ("Harness",),
    "autodata.report.display": ("Display",),
    "autodata.report.live": ("LiveView",),
    "autodata.types": ("Sample",),
}
"""Where the names are that are no errors."""


if not TYPE_CHECKING:  # a type checker would take every name for one of these

    def __getattr__(name: str) -> Any:
        """Load a public name when it is first used."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        homes = (home for home, names in _HOMES.items() if name in names)
        value = getattr(import_module(next(homes, "autodata.errors")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
