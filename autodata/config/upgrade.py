"""Settings that were elsewhere in an earlier version, in what runs have recorded."""

import copy

from autodata.config import plugins
from autodata.config.schema import Protocol
from autodata.types import Json

MOVED: dict[tuple[str, ...], tuple[str, str]] = {
    ("protocol", "min_context_chars"): ("domain", "min_context_chars")
}
"""From where to where; what a domain has no use for is left out, as it never had any."""


def upgraded(recorded: Json) -> Json:
    """Return a recorded configuration with its settings where they are now."""
    data = copy.deepcopy(recorded)
    name = data.get("protocol", {}).get("domain", Protocol().domain)
    for place, (new, named) in MOVED.items():
        old, key = place
        if key not in data.get(old, {}):
            continue
        value = data[old].pop(key)
        if named in plugins.find("domain", name).made.settings_type.model_fields:
            data.setdefault(new, {}).setdefault(named, value)
    if "optimize" in data:
        data["optimize"].setdefault("search", "race")  # there was nothing else
    return data
