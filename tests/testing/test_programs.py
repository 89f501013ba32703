"""Programs that propose keep their contract, the example too; wrong ones break each rule."""

from pathlib import Path

import pytest

from autodata.testing import ContractBroken, check_program
from tests.support.command_line import ROOT


def test_the_example_keeps_the_contract() -> None:
    check_program(["python3", "propose.py"], ROOT / "examples")


@pytest.mark.parametrize(
    ("program", "broken"),
    [
        ("raise SystemExit(3)", {"ends_in_order", "edits_the_harness", "says_what_it_did"}),
        ("open('summary.txt', 'w').write('nothing')", {"edits_the_harness"}),
        (
            "open('harness/prompts/challenger.md', 'a').write('Be brief.\\n')",
            {"says_what_it_did"},
        ),
    ],
)
def test_each_rule_is_broken_by_a_wrong_program(
    tmp_path: Path, program: str, broken: set[str]
) -> None:
    (tmp_path / "propose.py").write_text(program)
    with pytest.raises(ContractBroken) as caught:
        check_program(["python3", "propose.py"], tmp_path)
    assert caught.value.rules.keys() == broken
