"""Three-way merges in memory: as git merges, deterministic, and knobs by name."""

import subprocess
from pathlib import Path
from random import Random

import pytest

from autodata.harness.merging import MOST_COMPARISONS, Patch, hunks, merged_text, patched
from autodata.harness.spec import load_files, with_knobs
from autodata.types import KnobValue
from tests.support.harnesses import FILES, MANIFEST
from tests.support.repositories import CLEAN

RULES = "".join(f"rule {number}\n" for number in range(9))
PROMPT = "prompts/challenger.md"


def changed(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after)


def git_merges(folder: Path, before: str, ours: str, theirs: str) -> str | None:
    """What `git merge-file` makes of the three; None where it finds a conflict."""
    names = ("ours", "before", "theirs")
    for name, text in zip(names, (ours, before, theirs), strict=True):
        (folder / name).write_text(text, newline="")
    done = subprocess.run(
        ["git", "merge-file", "-p", "-q", *names],
        cwd=folder,
        env=CLEAN,
        capture_output=True,
        check=False,
    )
    return None if done.returncode else done.stdout.decode()


def edited(lines: list[str], rng: Random, name: str) -> list[str]:
    """Lines with a few changes: replaced, removed, inserted."""
    result = list(lines)
    for change in range(rng.randint(1, 3)):
        place = rng.randrange(len(result) + 1)
        removed = rng.randint(0, 2)
        added = [f"{rng.choice([name, 'both'])} {change}\n" for _ in range(rng.randint(0, 2))]
        result[place : place + removed] = added
    if rng.random() < 0.1 and result:
        result[-1] = result[-1].rstrip("\n")
    return result


def test_a_merge_is_what_git_makes_of_it(tmp_path: Path) -> None:
    rng, merged, clashed = Random(13), 0, 0
    for _ in range(60):
        lines = [f"line {number}\n" for number in range(rng.randint(0, 12))]
        before = "".join(lines)
        ours, theirs = ("".join(edited(lines, rng, name)) for name in ("ours", "theirs"))
        found = merged_text(before, ours, theirs)
        assert found == git_merges(tmp_path, before, ours, theirs), (before, ours, theirs)
        merged += found is not None
        clashed += found is None
    assert min(merged, clashed) > 10


def test_what_merges_among_lines_that_repeat_is_in_neither_order_lost(tmp_path: Path) -> None:
    """Where lines repeat there are several alignments; a merge still has every new line once."""
    rng, merged = Random(14), 0
    for _ in range(40):
        lines = [rng.choice(["\n", "a\n", "b\n"]) for _ in range(rng.randint(4, 30))]
        one, two = list(lines), list(lines)
        one.insert(rng.randrange(len(one) + 1), "ours\n")
        two.insert(rng.randrange(len(two) + 1), "theirs\n")
        texts = ["".join(text) for text in (lines, one, two)]
        found = merged_text(*texts)
        assert found == merged_text(texts[0], texts[2], texts[1])
        if found is not None:
            merged += 1
            assert sorted(found.splitlines()) == sorted(
                [*"".join(lines).splitlines(), "ours", "theirs"]
            )
            assert found == git_merges(tmp_path, *texts)
    assert merged > 25


def test_changes_that_touch_clash_and_others_do_not() -> None:
    third = changed(RULES, "rule 3\n", "rule 3, sharper\n")
    assert merged_text(RULES, third, changed(RULES, "rule 4\n", "rule 4, too\n")) is None
    assert merged_text(RULES, third, changed(RULES, "rule 4\n", "between\nrule 4\n")) is None
    assert merged_text(RULES, third, changed(RULES, "rule 3\n", "rule 3, milder\n")) is None
    fifth = changed(RULES, "rule 5\n", "rule 5, too\n")
    assert merged_text(RULES, third, fifth) == changed(fifth, "rule 3\n", "rule 3, sharper\n")


def test_the_same_change_of_both_is_made_once() -> None:
    added = changed(RULES, "rule 3\n", "rule 3\nask why\n")
    more = changed(added, "rule 7\n", "")
    assert merged_text(RULES, added, added) == added
    assert merged_text(RULES, added, more) == merged_text(RULES, more, added) == more


def test_two_rules_at_the_end_of_a_list_clash() -> None:
    assert merged_text(RULES, RULES + "one\n", RULES + "two\n") is None


def test_a_text_that_was_made_to_be_slow_to_compare_is_one_change() -> None:
    before = "\n" * 7_000 + "x\n" + "\n" * 7_000
    after = "y\n" + "\n" * 6_000 + "z\n" + "\n" * 7_000 + "w\n"
    assert MOST_COMPARISONS < 6_000 * 14_000
    (only,) = hunks(before, after)
    assert (only.low, only.high) == (0, 14_001)
    assert "".join(only.lines) == after


def manifest(**values: KnobValue) -> dict[str, str]:
    return dict(with_knobs(load_files(FILES), values).files)


def test_knobs_merge_by_name() -> None:
    ours = patched(manifest(rounds=7), Patch(FILES, manifest(share=0.25)))
    assert ours == manifest(rounds=7, share=0.25)
    assert patched(manifest(rounds=7), Patch(FILES, manifest(rounds=7, careful=False))) == manifest(
        rounds=7, careful=False
    )


def test_two_values_of_one_knob_exclude_each_other() -> None:
    assert patched(manifest(rounds=7), Patch(FILES, manifest(rounds=6))) is None
    moved_on = patched(manifest(rounds=7), Patch(manifest(rounds=7), manifest(rounds=8)))
    assert moved_on == manifest(rounds=8)
    assert patched(FILES, Patch(manifest(rounds=7), manifest(rounds=8))) is None


def test_layout_of_the_manifest_is_nobodys_edit() -> None:
    relaid = {**manifest(rounds=7), "harness.yaml": MANIFEST.replace("value: 4", "value:  7")}
    relaid["harness.yaml"] = "# another comment\n" + relaid["harness.yaml"]
    assert patched(manifest(share=0.25), Patch(FILES, relaid)) == manifest(rounds=7, share=0.25)


def test_a_patch_applies_where_what_it_was_made_on_is_missing_but_not_needed() -> None:
    first = {**FILES, PROMPT: FILES[PROMPT] + "\nAsk why.\n"}
    elsewhere = {**first, "prompts/verifier.md": "Check {{example}} twice.\n"}
    upon = {**first, PROMPT: changed(first[PROMPT], "Ask why.", "Ask why, never how.")}
    assert patched(FILES, Patch(first, elsewhere)) == {
        **FILES,
        "prompts/verifier.md": "Check {{example}} twice.\n",
    }
    assert patched(FILES, Patch(first, upon)) is None
    assert patched(first, Patch(first, upon)) == upon


@pytest.mark.parametrize("theirs", ["Plan.\n", None])
def test_a_file_that_both_add_is_one_only_where_it_is_the_same(theirs: str | None) -> None:
    ours = {**FILES, "prompts/main.md": "Plan.\n"}
    patch = Patch(FILES, {**FILES, "prompts/main.md": theirs or "Plan {{document}}.\n"})
    assert patched(ours, patch) == (ours if theirs else None)
    assert patched(FILES, patch) == patch.after
