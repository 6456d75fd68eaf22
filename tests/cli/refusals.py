"""What every test of wrong input asks: refused with exit code 2, each problem in a line of its own, nothing written."""

from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path

from sim import cli


def refused(capsys, folder: Path, code: int, before: Iterable[Path] = ()) -> list[str]:
    """The problems' lines, of a command that must have written nothing but them; before: what the folder held."""
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    *lines, last = err.splitlines()
    assert last == f"{len(lines)} problem{'s' if len(lines) > 1 else ''}; nothing was written."
    assert set(folder.rglob("*")) == set(before), "nothing may be written"
    return lines


def assert_said(lines: list[str], begins: str, words: list[str]) -> None:
    """Some line begins so, and those that do say every one of the words."""
    said = [line for line in lines if line.startswith(begins)]
    assert said, (begins, lines)
    for word in words:
        assert any(word in line for line in said), (word, said)


def assert_check_refuses(typed: list[str], begins: str, words: list[str], capsys, folder: Path) -> None:
    """`check`, typed in an empty folder, refuses it in lines that begin so and say every one of the words."""
    with chdir(folder):
        code = cli.main(["check", *typed])
    assert_said(refused(capsys, folder, code), begins, words)
