"""Wrong input about cascades by confidence: refused with key, value, what is allowed and what to type; the remark."""

import pytest

from sim import cli
from tests.cli.refusals import assert_check_refuses

SMALL = "workload.stages.small"
NEXT, BETA = "next: {large: {confidence_below: 0.8}}", "confidence: {alpha: 6, beta: 2}"
MEASURED = "confidence: {measured: [{threshold: 50 %, share: 5 %}, {threshold: 90 %, share: 65 %}]}"


def cascade(*small):
    """What a user types for a small stage before a large one and another one."""
    stages = f"{{small: {{pool: small, {', '.join(small)}}}, large: {{pool: large}}, other: {{}}}}"
    if not any("other" in part for part in small):
        stages = stages.replace(", other: {}", "")
    return ["pools={small: {}, large: {}}", "workload.pool=large", f"workload.stages={stages}"]


# (what is typed, how the line that names it begins, words that the line must say)
SAID = {
    "a threshold over one": (
        cascade("next: {large: {confidence_below: 130 %}}", BETA), f"{SMALL}.next.large.confidence_below: 130 %",
        ["at most 100 %"],
    ),
    "a threshold of nobody": (
        cascade("next: {large: {confidence_below: 0}}", BETA), f"{SMALL}.next.large.confidence_below: 0",
        ["no request has so little confidence", "Type a higher one, or leave large out"],
    ),
    "a threshold in words": (
        cascade("next: {large: {confidence_below: much}}", BETA), f"{SMALL}.next.large.confidence_below: much",
        ["not a share", '"3 %"'],
    ),
    "a key that is none": (
        cascade("next: {large: {confidence_belw: 0.8}}", BETA), f"{SMALL}.next.large.confidence_belw: unknown key",
        [f"Did you mean {SMALL}.next.large.confidence_below?"],
    ),
    "a threshold on nothing": (
        cascade(NEXT), f"{SMALL}.next.large.confidence_below: 0.8: of which confidence?", ["{alpha: 6, beta: 2}"],
    ),
    "confidence that nobody asks for": (
        cascade("next: {large: 0.3}", BETA), f"{SMALL}.confidence: no stage follows by confidence",
        ["{confidence_below: 0.8}", "leave it out"],
    ),
    "half a beta": (cascade(NEXT, "confidence: {alpha: 6}"), f"{SMALL}.confidence: confidence is either", ["beta: 2"]),
    "a beta and a table": (
        cascade(NEXT, MEASURED.replace("measured", "alpha: 6, beta: 2, measured")),
        f"{SMALL}.confidence: confidence is either", ["{alpha: 6, beta: 2}", "{measured:"],
    ),
    "a shape below zero": (
        cascade(NEXT, "confidence: {alpha: -1, beta: 2}"), f"{SMALL}.confidence.alpha: -1", ["more than 0"],
    ),
    "a shape beyond all": (
        cascade(NEXT, "confidence: {alpha: 1e9, beta: 2}"), f"{SMALL}.confidence.alpha", ["at most 10,000"],
    ),
    "a table out of order": (
        cascade(NEXT, "confidence: {measured: [{threshold: 90 %, share: 65 %}, {threshold: 50 %, share: 5 %}]}"),
        f"{SMALL}.confidence: a threshold of 0.5", ["stands after 0.9", "Type rising thresholds"],
    ),
    "beyond what was measured": (
        cascade("next: {large: {confidence_below: 0.95}}", MEASURED), f"{SMALL}.next.large.confidence_below: 0.95",
        ["beyond what was measured, 0.5 to 0.9", "Type a threshold between them"],
    ),
    "shares and confidence": (
        cascade("next: {large: {confidence_below: 0.8}, other: 0.1}", BETA), f"{SMALL}.next: both shares and",
        ["Type one or the other"],
    ),
    "the same threshold twice": (
        cascade("next: {large: {confidence_below: 0.8}, other: {confidence_below: 0.8}}", BETA),
        f"{SMALL}.next: the same confidence twice", ["Type different thresholds"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("typed", "begins", "words"), SAID.values(), ids=SAID.keys())
def test_a_wrong_cascade_is_refused_and_named(typed, begins, words, capsys, tmp_path):
    assert_check_refuses(typed, begins, words, capsys, tmp_path)


TAKEN = {
    "a beta distribution": (cascade(NEXT, BETA), ["57.7 % of its requests on to large", "confidence below 0.8"]),
    "a table": (cascade(NEXT, MEASURED), ["50 % of its requests on to large", "measured at 2 thresholds"]),
    "two thresholds, the higher one first": (
        cascade("next: {other: {confidence_below: 0.8}, large: {confidence_below: 0.5}}", BETA),
        ["6.25 % of its requests on to large", "51.4 % of its requests on to other", "confidence from 0.5 to 0.8"],
    ),
}


@pytest.mark.parametrize(("typed", "said"), TAKEN.values(), ids=TAKEN.keys())
def test_the_share_that_goes_on_is_remarked_and_what_is_printed_runs_again(typed, said, capsys, tmp_path):
    assert cli.main(["check", *typed]) == 0
    printed = capsys.readouterr().out
    (tmp_path / "again.yaml").write_text(printed)

    assert cli.main(["check", f"scenario={tmp_path / 'again.yaml'}"]) == 0

    assert capsys.readouterr().out == printed
    for words in said:
        assert words in printed
