"""Storms that the scenario's end cuts off are remarked on, with the length of scenario that they take."""

from sim.scenario import load, remarks

SMALL = ("phases=production", "learning=none")


def test_a_storm_that_is_not_over_says_how_long_the_scenario_must_be() -> None:
    # half-way in 4 d, for 2 d + 1 d + 1 h; half of the scenario is at least as long from 2 x 73 h on
    (said,) = remarks(load("document_assistant", *SMALL, "disturbance=slow_drip", "horizon=4 d"))

    assert said.startswith("disturbances.slow_drip: it lasts 73 h from 2 d after")
    assert "ends after 4 d" in said
    assert "a horizon of at least 146 h" in said


def test_a_scenario_of_that_length_is_long_enough() -> None:
    assert remarks(load("document_assistant", *SMALL, "disturbance=slow_drip", "horizon=146 h")) == []


def test_a_storm_at_a_time_takes_as_long_as_from_there() -> None:
    typed = ("disturbance=slow_drip", "disturbances.slow_drip.start=3 d")

    (said,) = remarks(load("document_assistant", *SMALL, *typed, "horizon=4 d"))

    assert "a horizon of at least 145 h" in said
    assert remarks(load("document_assistant", *SMALL, *typed, "horizon=145 h")) == []


def test_a_job_that_is_not_over_is_said_too() -> None:
    job = "+disturbances.nightly={kind: batch, requests: 10, hour: 2, duration: 3 h}"

    (said,) = remarks(load("document_assistant", *SMALL, job, "horizon=4 h"))

    assert "disturbances.nightly: it lasts 3 h from 2 h after" in said
    assert "a horizon of at least 5 h" in said
