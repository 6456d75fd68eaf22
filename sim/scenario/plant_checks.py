"""Checks of a pool's plant against its autoscaler, its zones and the scenario's length."""

from collections.abc import Iterator, Mapping

from sim.fleet.nodes import SharedNodes
from sim.fleet.times import Times
from sim.scenario.errors import Refusal, listed, nearest
from sim.scenario.model import Pool, Scenario


def plants(scenario: Scenario, phase: str) -> Iterator[Refusal]:
    """Quotas too small for an autoscaler's least replicas, and losses of zones that are not there or come too late.

    scenario: of one phase.
    """
    if scenario.phases[phase].serving == "api":
        return
    for name, pool in scenario.pools.items():
        yield from _quota(name, pool)
        yield from _zone_losses(name, pool, scenario.horizon_s)
        yield from _waves(name, pool, scenario.horizon_s)


def remarks(phases: Mapping[str, Scenario]) -> Iterator[str]:
    """What is no error and may surprise, a sentence each. phases: effective scenarios."""
    for phase, effective in phases.items():
        if effective.phases[phase].serving != "managed":
            continue
        for name in effective.feeders():
            pool = effective.pools[name]
            unused = [key for key, on in (("nodes", pool.nodes.kind != "own"), ("spot", pool.spot is not None)) if on]
            if unused:
                yield (
                    f"phase {phase}: the machines of a managed endpoint are its provider's, so that "
                    f"{' and '.join(f'pool {name}.{key}' for key in unused)} count in other phases only."
                )


def _quota(name: str, pool: Pool) -> Iterator[Refusal]:
    quota, nodes, least = pool.supply.quota, pool.nodes, pool.autoscaler.min_replicas
    if quota is None:
        return
    places = min(kind.replicas for kind in nodes.choice(pool.machine)) if isinstance(nodes, SharedNodes) else 1
    if quota * places < least:
        yield Refusal(
            ("pools", name, "supply", "quota"), quota,
            f"room for {_replicas(quota * places)}, and the autoscaler never asks for fewer than {least:,}, so that "
            f"the phase never begins. Type pool.supply.quota={-(-least // places)} or more, or fewer replicas.",
        )  # fmt: skip


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count:,} replicas"


def _zone_losses(name: str, pool: Pool, horizon_s: float) -> Iterator[Refusal]:
    losses = pool.failures.zone_losses if pool.failures is not None else None
    if losses is None:
        return
    where = ("pools", name, "failures", "zone_losses")
    zones = () if pool.zones is None else pool.zones.names
    if losses.zone is not None and losses.zone not in zones:
        known = f"Zones: {listed(zones)}." if zones else f"Pool {name} has none: type pool.zones.names=[a,b,c]."
        yield Refusal((*where, "zone"), losses.zone, f"no such zone. {nearest(losses.zone, zones)}{known}")
    yield from _too_late(losses, where, horizon_s)


def _waves(name: str, pool: Pool, horizon_s: float) -> Iterator[Refusal]:
    if pool.spot is not None and pool.spot.waves is not None:
        yield from _too_late(pool.spot.waves, ("pools", name, "spot", "waves"), horizon_s)


def _too_late(times: Times, where: tuple[str, ...], horizon_s: float) -> Iterator[Refusal]:
    for i, at_s in enumerate(times.at_s):
        if at_s >= horizon_s:
            yield Refusal(
                (*where, "at", str(i)), f"{at_s / 86_400:g} d",
                f"not before the scenario's end, {horizon_s / 86_400:g} d after its start. Type an earlier time.",
            )  # fmt: skip
