"""Checks of controllers against the pool that they scale: where requests wait, at zero replicas too, how old metrics
are.
"""

from collections.abc import Iterator, Mapping

from sim.policy.autoscaling import Knative
from sim.scenario.model import Pool, Scenario


def remarks(phases: Mapping[str, Scenario]) -> Iterator[str]:
    """What is no error and may surprise, a sentence each. phases: effective scenarios."""
    for phase, effective in phases.items():
        if effective.phases[phase].serving == "api":
            continue
        for name in effective.feeders():
            yield from _nowhere_to_wait(name, effective.pools[name])
            yield from _seldom_seen(name, effective.pools[name])


def _nowhere_to_wait(name: str, pool: Pool) -> Iterator[str]:
    """A pool that may have no replica, and a router that then has nowhere to put a request."""
    if pool.autoscaler.min_replicas > 0 or pool.autoscaler.max_replicas == 0 or pool.routing == "shared_queue":
        return
    chosen = pool.routing if isinstance(pool.routing, str) else pool.routing.kind
    yield (
        f"pool {name}: its autoscaler may go to zero replicas, and routing {chosen} refuses requests while none is "
        "ready. Type pool.routing=shared_queue, so that they wait, or autoscaler.min_replicas=1."
    )


def _seldom_seen(name: str, pool: Pool) -> Iterator[str]:
    """A controller whose windows are made of ticks, and metrics that come more seldom than those."""
    scaler = pool.autoscaler
    if isinstance(scaler, Knative) and pool.scrape.interval_s > scaler.sync_period_s:
        yield (
            f"pool {name}: its autoscaler decides every {scaler.sync_period_s:g} s on metrics that come every "
            f"{pool.scrape.interval_s:g} s, so that bursts are seen late. Type "
            f'"pool.scrape.interval={scaler.sync_period_s:g} s".'
        )
