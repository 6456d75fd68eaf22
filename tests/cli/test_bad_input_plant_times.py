"""Wrong times of what befalls a pool, as a user types them: lost zones and spot waves, at times, at a share, at peak.

Each is refused with its key, its value, what is allowed and what to type; exit code 2; nothing written.
"""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

LOSS, HERD, WAVE = "disturbance=zone_loss", "disturbance=herd_after_outage", "disturbance=spot_wave"
AT, WAVES = "pool.failures.zone_losses", "pool.spot.waves"

# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "the same time twice": ([LOSS, f"{AT}.at=[3 d,5 d,3 d]"], f"{AT}.at: ", ["3 d stands there twice", "[30 d, 60 d]"]),
    "the same time in other words": ([HERD, f"{AT}.at=[2 d,48 h]"], f"{AT}.at: ", ["2 d stands there twice"]),
    "a wave twice": ([WAVE, f"{WAVES}.at=[3 h,3 h]"], f"{WAVES}.at: ", ["3 h stands there twice", "each time once"]),
    "at the end": ([HERD, f"{AT}.at_share=100 %"], f"{AT}.at_share: 100 %", ["not before the scenario's end", "50 %"]),
    "beyond the end": ([HERD, f"{AT}.at_share=130 %"], f"{AT}.at_share: 130 %", ["at most 100 %"]),
    "before the start": ([WAVE, f"{WAVES}.at_share=-1 %"], f"{WAVES}.at_share: -1 %", ["at least 0"]),
    "a time for a share": ([HERD, f"{AT}.at_share=3 h"], f"{AT}.at_share: 3 h", ["not a unit of a share", '"3 %"']),
    "a share and the peak": (
        [LOSS, f"{AT}.at_share=50 %"], f"{AT}: ", ["at_share and at_peak", "Type at_peak: false", "at_share: null"],
    ),
    "the peak and a share": ([HERD, f"{AT}.at_peak=true"], f"{AT}: ", ["Type at_peak: false, or at_share: null"]),
    "a wave at a share and the peak": ([WAVE, f"{WAVES}.at_peak=true"], f"{WAVES}: ", ["two times, and one is meant"]),
    "a peak of so much": ([LOSS, f"{AT}.at_peak=50 %"], f"{AT}.at_peak: 50 %", ["true", "false"]),
    "no time left": (
        [LOSS, f"{AT}.at_peak=false"], f"{AT}: ", ["no zone is ever lost", "at_share: 50 %", "at_peak: true"],
    ),
    "a wave after the end": (
        ["scenario=realtime_vision", WAVE, f"{WAVES}.at=[3 d,300 d]"], f"{WAVES}.at.1: 300 d",
        ["not before the scenario's end", "Type an earlier time"],
    ),
    "a loss after a shorter end": (
        [LOSS, "horizon=2 h", "phases=production", "record.interval=1 min", "workload.launches=[]", f"{AT}.at=[3 h]"],
        f"{AT}.at.0: 0.125 d", ["not before the scenario's end"],
    ),
    "misspelt": ([LOSS, f"{AT}.at_peek=true"], f"{AT}.at_peek", ["Did you mean", "at_peak"]),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_time_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


TYPED = {
    "at times": [LOSS, f"{AT}.at=[3 h,30 d]"],
    "at a share": [LOSS, f"{AT}.at_peak=false", f"{AT}.at_share=30 %"],
    "a herd at peak": [HERD, f"{AT}.at_share=null", f"{AT}.at_peak=true"],
    "waves at random alone": [WAVE, f"{WAVES}.at_share=null"],
    "waves at peak": [WAVE, f"{WAVES}.at_share=null", f"{WAVES}.at_peak=true"],
}


@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED.keys())
def test_what_the_page_says_can_be_typed_and_what_is_printed_loads_again(typed, capsys, tmp_path):
    assert cli.main(["check", "scenario=realtime_vision", *typed]) == 0
    whole = tmp_path / "whole.yaml"
    whole.write_text(capsys.readouterr().out)
    assert cli.main(["check", f"scenario={whole}"]) == 0
    assert capsys.readouterr().out == whole.read_text()
