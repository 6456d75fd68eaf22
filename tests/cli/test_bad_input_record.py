"""Wrong input about what is recorded, as a user types it: refused with key, value, what is allowed and what to type."""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

REQUESTS = "record.requests"
CHOICES = ["not a choice", "Type none, all", '"1 %"']
RANGE = ["out of range", "Type none, all", "at most 100 %"]

# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "a word that is none": ([f"{REQUESTS}=some"], f"{REQUESTS}: some", CHOICES),
    "a word with a letter less": ([f"{REQUESTS}=al"], f"{REQUESTS}: al", CHOICES),
    "yes": ([f"{REQUESTS}=true"], f"{REQUESTS}: True", CHOICES),
    "nothing": ([f"{REQUESTS}=null"], REQUESTS, CHOICES),
    "a list": ([f"{REQUESTS}=[all]"], REQUESTS, CHOICES),
    "a group of keys": ([f"{REQUESTS}={{sample: 0.01}}"], REQUESTS, CHOICES),
    "more than all": ([f"{REQUESTS}=101 %"], f"{REQUESTS}: 101 %", RANGE),
    "one in a hundred, upside down": ([f"{REQUESTS}=100"], f"{REQUESTS}: 100", RANGE),
    "less than none": ([f"{REQUESTS}=-1 %"], f"{REQUESTS}: -1 %", RANGE),
    "a share of another unit": ([f"{REQUESTS}=5 req/s"], f"{REQUESTS}: 5 req/s", CHOICES),
    "no number": ([f"{REQUESTS}=nan"], f"{REQUESTS}: nan", CHOICES),
    "a key of the log": (["record.sample=1 %"], "record.sample", ["Allowed here: interval, requests"]),
    "a window of nothing": (["record.interval=0 s"], "record.interval: 0 s", ["more than 0"]),
}


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_record_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [("none", "none"), ("all", "all"), ("1 %", "1 %"), ("0.25", "25 %"), ("0", "none"), ("100 %", "all")],
)
def test_what_is_right_is_printed_as_it_would_be_typed(typed, printed, capsys):
    assert cli.main(["check", f"{REQUESTS}={typed}"]) == 0

    assert f"\n  requests: {printed}\n" in capsys.readouterr().out
