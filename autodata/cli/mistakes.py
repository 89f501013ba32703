"""Translation of Typer's usage errors to problem and fix.

Typer's own errors have no public types: they are told apart by what they carry, and one that
carries nothing known keeps its message.
"""

import re
from difflib import get_close_matches
from typing import Any

from autodata.errors import ConfigurationError
from autodata.report.settings import all_settings

_SAID = {
    "int_parsing": "not a whole number",
    "greater_than_equal": "at least {ge} is needed",
    "less_than_equal": "at most {le} is possible",
}
"""What pydantic calls a fault, in our words."""


def explained(error: Any) -> ConfigurationError:
    """Return an error of Typer as ours, with what comes nearest to what was meant."""
    context = getattr(error, "ctx", None)
    if hasattr(error, "option_name") and not hasattr(error, "possibilities"):
        return _half_an_option(error.option_name, error.message)
    if context is None:
        return ConfigurationError(str(error.format_message()), "see autodata -h")
    if hasattr(error, "possibilities"):
        return _unknown_option(context, error.option_name)
    if (parameter := getattr(error, "param", None)) is not None:
        if hasattr(error, "param_type"):
            name = parameter.display_name_raw
            return ConfigurationError(f"{context.command_path} needs {name}", _usage(context))
        return _bad_value(context, parameter, error)
    if hasattr(context.command, "commands"):
        return _unknown_command(context, error.message)
    if extra := re.fullmatch(r"Got unexpected extra argument\(s\) \((.*)\)", error.message):
        hint = "; what has blanks goes into quotes" if " " in extra[1] else ""
        return ConfigurationError(
            f"{context.command_path} takes no {extra[1]!r} there", _usage(context) + hint
        )
    return ConfigurationError(error.message, _usage(context))


def _unknown_option(context: Any, name: str) -> ConfigurationError:
    path = context.command_path
    problem = f"{path} has no option {name}"
    group = context.command if hasattr(context.command, "commands") else None
    if group and any(name in _options(command) for command in group.commands.values()):
        return ConfigurationError(problem, f"write it behind the command: {path} COMMAND {name}")
    own = _options(context.command)
    near = get_close_matches(name, [*own, *context.help_option_names], 1)
    if near:
        return ConfigurationError(problem, f"did you mean {near[0]}? see {path} -h")
    root = context.find_root()
    if name in _options(root.command):
        return ConfigurationError(
            problem, f"write it before the command: autodata {name} ... {context.info_name}"
        )
    if "--set" in own and (field := _field(name)):
        return ConfigurationError(problem, f"it is a setting: --set {field}=VALUE")
    return ConfigurationError(problem, f"it has {', '.join(own)}; see {path} -h")


def _half_an_option(name: str, message: str) -> ConfigurationError:
    if "does not take" in message:
        return ConfigurationError(f"{name} takes no value", f"write {name} alone")
    return ConfigurationError(f"{name} needs a value", f"write one behind {name}; -h says which")


def _bad_value(context: Any, parameter: Any, error: Any) -> ConfigurationError:
    name = parameter.opts[-1] if parameter.param_type_name == "option" else parameter.metavar
    fault = error.__cause__.errors()[0] if hasattr(error.__cause__, "errors") else {}
    message = str(fault.get("msg", error.message)).removeprefix("Value error, ")
    given = "" if fault.get("input") is None else f" {fault['input']}"
    choices = re.findall(r"'([^']*)'", message.partition("is not one of")[2])
    if choices:
        near = get_close_matches(str(fault.get("input")), choices, 1)
        fix = f"did you mean {near[0]}?" if near else f"choose {' or '.join(choices)}"
        return ConfigurationError(f"{name}{given}: there is no such {name.lstrip('-')}", fix)
    problem = _SAID.get(str(fault.get("type")), message).format(**fault.get("ctx", {}))
    return ConfigurationError(
        f"{name}{given}: {problem}", f"give another value; see {context.command_path} -h"
    )


def _unknown_command(context: Any, message: str) -> ConfigurationError:
    path, commands = context.command_path, list(context.command.commands)
    match = re.fullmatch(r"No such command '(.*?)'\..*", message)
    if match is None:
        return ConfigurationError(f"{path} needs a command", f"one of: {', '.join(commands)}")
    near = get_close_matches(match[1], commands, 1)
    fix = f"did you mean {path} {near[0]}?" if near else f"there is {', '.join(commands)};"
    return ConfigurationError(f"{path} has no command {match[1]!r}", f"{fix} see {path} -h")


def _options(command: Any) -> list[str]:
    return [name for parameter in command.params for name in parameter.opts if name[:1] == "-"]


def _usage(context: Any) -> str:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    arguments = pieces.removeprefix("[OPTIONS]").replace("{", "").replace("}", "").strip()
    return f"write it like: {context.command_path} {arguments}".rstrip()


def _field(option: str) -> str | None:
    """Return the setting that an option such as `--parallel` may mean."""
    name = option.lstrip("-").replace("-", "_")
    keys = [setting.path for setting in all_settings() if "<" not in setting.path]
    return next((key for key in keys if key == name or key.endswith(f".{name}")), None)
