"""What every test of wrong input asks: refused with exit code 2, each problem in a line of its own, nothing written."""

from pathlib import Path


def refused(capsys, folder: Path, code: int) -> list[str]:
    """The problems' lines, of a command that must have written nothing but them."""
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    *lines, last = err.splitlines()
    assert last.endswith("nothing was written.")
    assert last.startswith(f"{len(lines)} problem")
    assert list(folder.iterdir()) == []
    return lines


def assert_said(lines: list[str], begins: str, words: list[str]) -> None:
    """Some line begins so, and those that do say every one of the words."""
    said = [line for line in lines if line.startswith(begins)]
    assert said, (begins, lines)
    for word in words:
        assert any(word in line for line in said), (word, said)
