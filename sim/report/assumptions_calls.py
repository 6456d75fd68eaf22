"""What a run takes as given of clients who try again, and of the stages on a request's way."""

from collections.abc import Iterator

from sim.report.numbers import duration, share, three, whole
from sim.scenario.model import Workload
from sim.serving.cascade import Below
from sim.serving.clients import ExponentialRetry, Stage


def call_rows(name: str, workload: Workload) -> Iterator[tuple[str, str]]:
    """The retries and the stages of one workload, where it has them: what is assumed, and its value."""
    if isinstance(workload.retry, ExponentialRetry):
        yield f"retries of {name}", _retry(workload.retry)
    for stage, it in workload.stages.items():
        yield f"stage {stage} of {name}", _stage(it, workload.pool)


def _retry(retry: ExponentialRetry) -> str:
    after = " or ".join(outcome.replace("_", " ") for outcome in retry.after)
    wait = f"after {duration(retry.base_delay_s)}"
    if retry.multiplier > 1.0 and retry.max_attempts > 2:
        wait += f", each time {three(retry.multiplier)} times as long up to {duration(retry.max_delay_s)}"
    wait += " (a random share of that)" if retry.jitter == "full" else ""
    again = whole(retry.max_attempts - 1)
    limit = f"retries for at most {share(retry.budget)} of requests, and {whole(retry.saved)} saved up"
    return f"{after}: asked again up to {again} time{'' if again == '1' else 's'}, {wait}; {limit}"


def _stage(stage: Stage, own: str) -> str:
    said = [f"served by pool {stage.pool or own}"]
    if stage.fan_out > 1:
        said.append(f"in {whole(stage.fan_out)} parts, of which the slowest decides")
    if stage.hedge is not None:
        what = "parts" if stage.fan_out > 1 else "requests"
        said.append(f"a second copy of {what} not answered after {duration(stage.hedge.after_s)}")
    for other, part in stage.shares.items():
        onward = stage.next[other]
        why = f" (confidence below {onward.confidence_below:g})" if isinstance(onward, Below) else ""
        said.append(f"{share(part)} go on to {other}{why}")
    return ", ".join(said)
