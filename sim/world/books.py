"""Accounts of a run: what was used since the last accrual becomes ledger lines, at each civil day's end and wherever a
phase begins.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from sim.clock.calendar import NS_PER_S
from sim.config import RunError
from sim.cost.accrual import (
    ApiPrice,
    ApiUse,
    LogStorage,
    TieredMeter,
    api_lines,
    cache_line,
    log_lines,
    machine_lines,
    volume_line,
)
from sim.cost.hosting import Commitment, commitment_lines, premium_line, switching_line
from sim.cost.ledger import Ledger
from sim.fleet.fleet import Fleet
from sim.model.life import ModelLife
from sim.model.lines import monitor_line, training_lines, value_lines
from sim.model.parameters import Training
from sim.model.trainings import Trained
from sim.operations.costs import cost_lines
from sim.operations.incidents import IncidentDesk, incident_line
from sim.operations.staff import staff_lines
from sim.scenario import Scenario
from sim.serving.admission import AnswerCache, NoCache

_BUG = "This is a bug in poc2scale: please report it."
_HOURS_TOLERANCE = 1e-9  # float hours of up to 1e5 lines, each rounded to 1e-16 of itself
_USED = (
    "offered", "hit", "completed", "throttled", "rejected", "timed_out", "api_calls", "api_prompt_tokens",
    "api_output_tokens", "crossed", "wrong_hit", "failed",
)  # fmt: skip


class FleetUse(NamedTuple):
    """A fleet at an accrual: its busy time so far (ns), and whether it is rented as a managed endpoint."""

    row: int
    fleet: Fleet
    busy_ns: int
    managed: bool


class Books:
    """Turns use into money. Machine time, egress and logs are billed whoever serves; people and other fixed cost by the
    phase in effect.

    ledger: what is spent; value: what answers earn, and what is lost by those that are not given or not fresh.
    """

    def __init__(
        self, workloads: NDArray[Any], phase: str, effective: Scenario, lives: Mapping[str, ModelLife],
        desk: IncidentDesk,
    ) -> None:  # fmt: skip
        self.ledger, self.value = Ledger(), Ledger()
        self._names = list(effective.workloads)
        self._phase, self._effective = phase, effective
        self._lives, self._desk = lives, desk
        self._last = {name: dict.fromkeys(_USED, 0) for name in self._names}
        self._labels = dict.fromkeys(self._names, 0)
        self._trained: dict[tuple[str, Training], Trained] = {}
        self._machine: dict[tuple[int, object], int] = {}
        self._worked: dict[float, int] = {}
        self._at_ns = 0
        self._workloads = workloads
        price = effective.price
        self._egress = TieredMeter(price.egress)
        self._ingest = TieredMeter(price.logs.ingest)
        self._storage = {name: LogStorage(price.logs) for name in self._names}
        self.commitments = {name: Commitment() for name in effective.pools}

    def accrue(self, now_ns: int, fleets: Iterable[FleetUse]) -> None:
        """Post all that was used since the last accrual."""
        if now_ns == self._at_ns:
            return
        at_s, span_s, phase = now_ns / NS_PER_S, (now_ns - self._at_ns) / NS_PER_S, self._phase
        billed_s: dict[str, float] = {}
        for use in fleets:
            billed_s[use.fleet.name] = billed_s.get(use.fleet.name, 0.0) + self._accrue_fleet(at_s, now_ns, use)
        for name, commitment in self.commitments.items():
            user = self._only_user(name)
            commitment_lines(self.ledger, self._at_ns, now_ns, commitment, phase, workload=user, resource=name)
        for w, name in enumerate(self._names):
            self._accrue_workload(at_s, span_s, w, name, billed_s)
            self._accrue_learning(now_ns, name)
        staff_lines(self.ledger, at_s, span_s, self._effective.phases[phase].staff, phase)
        cost_lines(self.ledger, at_s, span_s, self._effective.phases[phase].costs, phase, first=False)
        for rate, worked_ns in self._desk.worked_at(now_ns).items():
            incident_line(self.ledger, at_s, (worked_ns - self._worked.get(rate, 0)) / NS_PER_S, rate, phase)
            self._worked[rate] = worked_ns
        self._at_ns = now_ns

    def _accrue_fleet(self, at_s: float, now_ns: int, use: FleetUse) -> float:
        """Post a fleet's machine time by tariff; the seconds of places for replicas that are billed, all together.

        Which machines were busy is not told apart: busy time is spread over all places alike.
        """
        fleet, bill = use.fleet, use.fleet.bill
        busy_s = self._since((use.row, "busy"), use.busy_ns)
        covered_s = self._since((use.row, "covered"), bill.covered_ns(now_ns))
        times = {tariff: self._since((use.row, tariff), ns) for tariff, ns in bill.by_tariff(now_ns).items()}
        places_s = sum(tariff.replicas * billed_s for tariff, billed_s in times.items())
        phase = self._phase
        for tariff, billed_s in times.items():
            labels = {
                "workload": self._only_user(fleet.name), "model": fleet.model.name, "resource": fleet.name,
                "sku": tariff.sku,
            }  # fmt: skip
            busy = busy_s * (billed_s / places_s) if places_s > 0 else 0.0
            covered = covered_s if bill.covers(tariff) else 0.0
            price = tariff.price_usd_per_h
            machine_lines(self.ledger, at_s, billed_s, busy, price, phase, covered_s=covered, **labels)
            if use.managed:
                terms = self._effective.pools[fleet.name].hosting.managed
                premium_line(self.ledger, at_s, billed_s, price, terms, phase, **labels)
        return places_s

    def _since(self, what: tuple[int, object], so_far_ns: int) -> float:
        """Seconds of something since the last accrual. so_far_ns: since the start."""
        last, self._machine[what] = self._machine.get(what, 0), so_far_ns
        return (so_far_ns - last) / NS_PER_S

    def _accrue_workload(
        self, at_s: float, span_s: float, w: int, name: str, billed_s: Mapping[str, float]
    ) -> None:  # fmt: skip
        """Post what a workload used. billed_s: replica-seconds since the last accrual, by pool."""
        counters, last = self._workloads[w], self._last[name]
        used = {what: int(counters[what]) - last[what] for what in _USED}
        self._last[name] = {what: int(counters[what]) for what in _USED}
        workload, api, phase = self._effective.workloads[name], self._effective.api, self._phase
        if used["api_calls"]:
            calls = used["api_calls"]
            use = ApiUse(calls, calls * workload.prompt_tokens, calls * workload.output_tokens)
            if counters["has_tokens"]:
                use = ApiUse(calls, used["api_prompt_tokens"], used["api_output_tokens"])
            price = ApiPrice(api.request_usd, api.prompt_usd_per_mtok, api.output_usd_per_mtok)
            api_lines(self.ledger, at_s, use, price, phase, workload=name, model=api.name, sku=api.name)
        cache = workload.cache
        if not isinstance(cache, NoCache):
            own = isinstance(cache, AnswerCache) and cache.scope == "replica"
            held_s = billed_s.get(workload.pool, 0.0) if own else span_s
            cache_line(self.ledger, at_s, held_s, cache.provisioned_gb, cache.price_usd_per_gb_h, phase, workload=name)
        answered = used["hit"] + used["completed"]
        egress = answered * workload.response_bytes
        volume_line(self.ledger, at_s, "network.egress", self._egress, egress, phase, workload=name)
        zones = self._effective.pools[workload.pool].zones
        if zones is not None and used["crossed"]:
            gb = used["crossed"] * (zones.request_bytes + workload.response_bytes) / 1e9
            self.ledger.post(
                at_s, "network.inter_zone", "variable", gb, "GB", zones.price_usd_per_gb, phase, workload=name,
                resource=workload.pool,
            )  # fmt: skip
        logs = used["offered"] * workload.log_bytes
        log_lines(self.ledger, at_s, self._ingest, self._storage[name], logs, phase, workload=name)
        life, shed = self._lives.get(name), used["rejected"] + used["timed_out"] + used["failed"]
        quality = life.quality_mean(self._at_ns, round(at_s * NS_PER_S)) if life else float("nan")
        fresh = life.fresh if life else float("nan")
        value_lines(
            self.value, at_s, answered, used["throttled"], shed, quality, fresh, workload.value, phase, workload=name,
            wrong=used["wrong_hit"],
        )  # fmt: skip

    def _accrue_learning(self, now_ns: int, name: str) -> None:
        life = self._lives.get(name)
        if life is None:
            return
        at_s, phase = now_ns / NS_PER_S, self._phase
        for terms, so_far in life.trained(now_ns).items():
            last = self._trained.get((name, terms), Trained(0, 0))
            self._trained[name, terms] = so_far
            trained_s, jobs = (so_far.time_ns - last.time_ns) / NS_PER_S, so_far.jobs - last.jobs
            training_lines(self.ledger, at_s, trained_s, jobs, terms, phase, workload=name)
        labels, self._labels[name] = life.labels - self._labels[name], life.labels
        monitor_line(self.ledger, at_s, labels, self._effective.workloads[name].learning, phase, workload=name)

    def _only_user(self, pool: str) -> str:
        """The workload that a pool's time is for; several share it, and its cost is for none of them alone."""
        users = self._effective.feeders().get(pool, [])
        return users[0] if len(users) == 1 else ""

    def check(self, fleets: Iterable[Fleet], end_ns: int) -> None:
        """The laws of the ledger: its lines add up to its totals, and machine hours to the replicas' billed lives.

        Raises RunError when one is broken.
        """
        lines = self.ledger.frame()
        posted = int(lines["amount_nano_usd"].sum())
        if posted != self.ledger.total_nano():
            raise RunError(
                f"ledger lines add up to {posted} and accounts to {self.ledger.total_nano()} nano-dollars. {_BUG}"
            )
        machine = lines["account"].str.startswith("serving.machine.")
        hours = float(lines.loc[machine, "quantity"].sum())
        billed_h = sum(fleet.billed_ns(end_ns) for fleet in fleets) / 3600e9
        if abs(hours - billed_h) > _HOURS_TOLERANCE * max(billed_h, 1.0):
            raise RunError(f"the ledger holds {hours} machine hours and the replicas lived {billed_h}. {_BUG}")

    def new_month(self) -> None:
        """A civil month begins: tiers start again."""
        self._egress.new_month()
        self._ingest.new_month()

    def begin_phase(self, phase: str, effective: Scenario, now_ns: int) -> None:
        """From now on another phase's people, prices and hosting count; everything before has been accrued.

        A commitment belongs to its pool, used or not: one that the new phase does not want runs out its term.
        """
        if effective.price != self._effective.price:
            self._egress.reprice(effective.price.egress)
            self._ingest.reprice(effective.price.logs.ingest)
            for storage in self._storage.values():
                storage.reprice(effective.price.logs)
        at_s, mode = now_ns / NS_PER_S, effective.phases[phase].serving
        moved = mode != self._effective.phases[self._phase].serving
        self._phase, self._effective = phase, effective
        cost_lines(self.ledger, at_s, 0.0, effective.phases[phase].costs, phase, first=True)
        used = list(effective.feeders())
        for name in used if moved else ():
            move = effective.pools[name].hosting.move_to(mode)
            switching_line(self.ledger, at_s, move, phase, resource=name, sku=mode)
        for name, commitment in self.commitments.items():
            pool = effective.pools[name]
            if mode == "committed" and name in used:
                machine = pool.machine
                commitment.begin(now_ns, pool.hosting.committed, machine.name, machine.price_usd_per_h)
            else:
                commitment.end(now_ns)
