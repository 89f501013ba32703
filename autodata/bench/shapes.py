"""The numbers of the simulated landscapes; docs/benchmarks.md says where they come from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """All numbers of a landscape. Effects are in logits of one episode's acceptance.

    There are `ideas` good ideas, each helping once by its own exponential amount of mean
    `good_size`; a share `good` of all edits carries one of them. `harmful` edits hurt by an
    exponential amount of mean `harmful_size`, the rest change next to nothing (standard deviation
    `neutral_size`). Every edit besides moves single documents up and down (`tilt`: standard
    deviation over documents). `sites` > 0: an edit replaces what was at its site, and any two
    sites' contents interact with standard deviation `interaction`. `memorized`: share of edits
    that lift training documents by `memorized_train` and everything else by `memorized_rest`.
    `hacks`: share of edits that let the judge accept bad examples, lifting the measured rate
    alone, by an exponential amount of mean `hack_size`: the number of tricks in a harness that
    work on a bad example is Poisson with the sum of these as mean. `auditor` None: nobody else
    looks. Else as many tricks work on the auditor, and the two numbers have this correlation
    (bivariate Poisson: a share of the tricks works on both). `alarms`: share of good examples to
    which the auditor objects. Any two edits in a harness add `pair_mean` to its ability, give or
    take `pair_sd`, besides their own effects (contradictions, sheer length). `clashes`: share of
    pairs of edits whose diffs touch the same lines, so that they do not merge unless one was
    written on top of the other; edits at one site always touch the same lines.
    """

    start: float = 0.62
    hardness: float = 1.2
    ideas: int = 4
    good: float = 0.2
    good_size: float = 0.3
    harmful: float = 0.38
    harmful_size: float = 0.3
    neutral_size: float = 0.05
    tilt: float = 0.25
    sites: int = 0
    interaction: float = 0.0
    memorized: float = 0.0
    memorized_train: float = 0.0
    memorized_rest: float = 0.0
    hacks: float = 0.0
    hack_size: float = 0.0
    auditor: float | None = None
    alarms: float = 0.0
    pair_mean: float = 0.0
    pair_sd: float = 0.0
    clashes: float = 0.0
    train: int = 50
    validation: int = 100
    test: int = 150


SHAPES: dict[str, Shape] = {
    "null": Shape(good=0.0, harmful=0.0, neutral_size=0.0, tilt=0.0),
    "gentle": Shape(),
    "rugged": Shape(sites=6, interaction=0.06),
    "many-small": Shape(ideas=10, good_size=0.2, good=0.12),
    "crowded": Shape(pair_mean=-0.05, pair_sd=0.06),
    "deceptive": Shape(memorized=0.3, memorized_train=0.6, memorized_rest=-0.3),
    "hacks": Shape(hacks=0.15, hack_size=0.15),
    "hacks-audited-0": Shape(hacks=0.15, hack_size=0.15, auditor=0.0),
    "hacks-audited-.3": Shape(hacks=0.15, hack_size=0.15, auditor=0.3),
    "hacks-audited-.6": Shape(hacks=0.15, hack_size=0.15, auditor=0.6),
}
