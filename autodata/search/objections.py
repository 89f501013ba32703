"""Objections to edits of a merging search: they cost too much, or their calls fail."""

from autodata.search.bounds import CLEARLY, FEWEST_EPISODES, blamed
from autodata.search.pool import Pool


def objections(pool: Pool) -> dict[int, str]:
    """Return which undecided edits cost too much, or fail calls, and why."""
    found = {}
    gone = {id(o) for e in pool.entries.values() if e.state == "rejected" for o in e.outcomes}
    others = {e.number: [o for o in e.outcomes if id(o) not in gone] for e in pool.open}
    for number, failed in blamed(others).items():
        found[number] = f"{failed} calls with it failed while their endpoints answered others"
    bound = pool.plan.cost_bound
    for entry in pool.open if bound and pool.unit != "episodes" else ():
        if len(entry.outcomes) < FEWEST_EPISODES or entry.number in found:
            continue
        weights = pool.costs.weights(pool.columns_of(pool.base))
        usual = max(0.1, float(pool.costs.mean[0]) + pool.costs.of(weights)[0])
        more, sd = pool.gain(entry, pool.costs)
        if more - CLEARLY * sd > (bound - 1) * usual:
            times = 1 + more / usual
            found[entry.number] = (
                f"an episode costs {times:.1f} times its parent's; {bound:g} are allowed"
            )
    return found
