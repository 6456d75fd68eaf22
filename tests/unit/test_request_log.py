"""The request log: what goes in comes out, whether it stayed in memory or grew on disk; nothing is left behind."""

import gc
import os
import pickle
import stat
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from sim.record.request_log import RequestLog
from sim.serving.kernels.state import COMPLETED, LOG, OUTCOMES, TIMED_OUT

NAMES = ["web", "app"]


def entries(first, count, workload=0):
    made = np.zeros(count, LOG)
    made["request"], made["workload"] = np.arange(first, first + count)[::-1], workload
    made["outcome"] = np.where(made["request"] % 3 == 0, TIMED_OUT, COMPLETED)
    made["arrival_ns"] = made["request"] * 10
    made["start_ns"], made["end_ns"] = -1, made["arrival_ns"] + 7
    made["slot"], made["batch"] = 2, 1
    return made


@pytest.fixture(params=[10, 1 << 17], ids=["on disk", "in memory"])
def rows(request):
    """Rows of a row group: of 100 requests or so, many or none of them full."""
    with mock.patch("sim.record.request_log.ROWS", request.param):
        yield request.param


def filled(folder=None):
    log = RequestLog(LOG, NAMES, OUTCOMES, folder)
    for first in range(0, 96, 12):
        log.add(entries(first, 12, workload=first // 12 % 2))
        log.add(entries(0, 0))
    log.add(entries(96, 4))
    log.close()
    return log


def test_the_frame_holds_every_request_by_workload_and_id(rows, tmp_path):
    frame = filled(tmp_path).frame()

    assert list(frame) == ["request", "workload", "outcome", "arrival_ns", "start_ns", "end_ns", "slot", "batch"]
    assert sorted(frame["request"]) == list(range(100))
    assert frame["workload"].tolist() == ["web"] * 52 + ["app"] * 48  # in their order, not in that of the alphabet
    assert (frame["outcome"] == np.where(frame["request"] % 3 == 0, "timed_out", "completed")).all()
    for _, part in frame.groupby("workload"):
        assert part["request"].is_monotonic_increasing
    assert (frame["end_ns"] == frame["request"] * 10 + 7).all()
    assert str(frame.dtypes["workload"]) == str(frame.dtypes["outcome"]) == "str"


def test_the_saved_file_holds_the_same_and_outlives_the_log(rows, tmp_path):
    log = filled(tmp_path / "spool")
    frame = log.frame()
    log.save(tmp_path / "requests.parquet")

    del log
    gc.collect()

    saved = pd.read_parquet(tmp_path / "requests.parquet").sort_values("request", ignore_index=True)
    pd.testing.assert_frame_equal(saved, frame.sort_values("request", ignore_index=True), check_exact=True)
    groups = pq.ParquetFile(tmp_path / "requests.parquet").metadata.num_row_groups
    assert groups == (1 if rows > 100 else 9)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / "requests.parquet"]


def test_a_saved_file_may_be_read_by_whoever_may_read_its_neighbours(rows, tmp_path):
    (tmp_path / "beside").touch()
    filled(tmp_path).save(tmp_path / "requests.parquet")

    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("beside", "requests.parquet")}
    assert len(modes) == 1


def test_a_file_system_without_links_gets_a_copy(rows, tmp_path):
    log = filled(tmp_path)
    with mock.patch.object(os, "link", side_effect=PermissionError(1, "Operation not permitted")):
        log.save(tmp_path / "requests.parquet")

    assert len(pd.read_parquet(tmp_path / "requests.parquet")) == 100


def test_the_same_requests_make_the_same_bytes(rows, tmp_path):
    for name in ("first", "second"):
        filled(tmp_path).save(tmp_path / name)

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_log_without_a_request_is_a_frame_without_rows(tmp_path):
    log = RequestLog(LOG, NAMES, OUTCOMES, tmp_path / "spool")
    log.close()
    log.save(tmp_path / "requests.parquet")

    usual = filled().frame().dtypes
    pd.testing.assert_series_equal(log.frame().dtypes, usual)
    pd.testing.assert_series_equal(pd.read_parquet(tmp_path / "requests.parquet").dtypes, usual)


def test_a_short_run_writes_nothing_and_a_long_one_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    log = filled()
    assert list(tmp_path.rglob("*")) == []

    with mock.patch("sim.record.request_log.ROWS", 10):
        log = filled()
        assert [p.is_file() for p in tmp_path.rglob("*")].count(True) == 1
        assert len(log.frame()) == 100

    del log
    gc.collect()
    assert list(tmp_path.rglob("*")) == []


def test_a_log_that_is_discarded_takes_its_folders_with_it(tmp_path):
    with mock.patch("sim.record.request_log.ROWS", 10):
        log = RequestLog(LOG, NAMES, OUTCOMES, tmp_path / "outputs" / "world")
        log.add(entries(0, 30))
    assert [p.name for p in tmp_path.iterdir()] == ["outputs"]

    log.discard()

    assert list(tmp_path.iterdir()) == []


def test_folders_in_which_something_else_lies_stay(tmp_path):
    with mock.patch("sim.record.request_log.ROWS", 10):
        log = RequestLog(LOG, NAMES, OUTCOMES, tmp_path / "outputs" / "world")
        log.add(entries(0, 30))
    (tmp_path / "outputs" / "other").mkdir()

    log.discard()

    assert [p.name for p in (tmp_path / "outputs").iterdir()] == ["other"]


def test_a_copy_for_another_process_is_whole_and_needs_no_file(rows, tmp_path):
    log = filled(tmp_path)
    frame = log.frame()

    copied = pickle.loads(pickle.dumps(log))
    log.discard()

    pd.testing.assert_frame_equal(copied.frame(), frame, check_exact=True)
    copied.save(tmp_path / "requests.parquet")
    assert len(pd.read_parquet(tmp_path / "requests.parquet")) == 100
