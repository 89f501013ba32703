"""The faults that `doctor` tells, and a project whose models are one at a server."""

from tests.support.command_line import Done, Place

KEY = "sk-planted-0123456789"


def bad(done: Done) -> list[str]:
    """The problems that doctor found, each with its fix."""
    assert "Traceback" not in done.err
    lines = done.out.splitlines()
    found = [number for number, line in enumerate(lines) if line.startswith("BAD  ")]
    assert done.code == (2 if found else 0), done.out
    fixes = [next((x for x in lines[n + 1 :] if not x.startswith("      ")), "") for n in found]
    assert all(fix.startswith("     fix: ") for fix in fixes), done.out
    return [f"{lines[n][5:]} | {fix[10:]}" for n, fix in zip(found, fixes, strict=True)]


def openai(place: Place, address: str, name: str = "m", more: str = "") -> None:
    """Let the project's models be one at an OpenAI-compatible server."""
    place.write(
        "http.yaml",
        f"models: {{one: {{provider: openai, model: '{name}', base_url: '{address}', "
        f"api_key_env: TEST_KEY{more}}}}}\n"
        "roles: {weak: {model: one}, strong: {model: one, mode: privileged}}\n",
    )
