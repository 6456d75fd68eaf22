"""Accounts of a run: what was used since the last accrual becomes ledger lines, at each civil day's end and wherever a
phase begins.
"""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from sim.clock.calendar import NS_PER_S
from sim.config import RunError
from sim.cost.accrual import ApiPrice, ApiUse, LogStorage, TieredMeter, api_lines, log_lines, machine_lines, volume_line
from sim.cost.ledger import Ledger
from sim.fleet.fleet import Fleet
from sim.operations.staff import staff_lines
from sim.scenario import Scenario

_BUG = "This is a bug in poc2scale: please report it."
_HOURS_TOLERANCE = 1e-9  # float hours of up to 1e5 lines, each rounded to 1e-16 of itself
_USED = ("offered", "completed", "api_calls", "api_prompt_tokens", "api_output_tokens")


class Books:
    """Turns use into money. Machine time, egress and logs are billed whoever serves; staff by the phase in effect."""

    def __init__(self, names: list[str], workloads: NDArray[Any], phase: str, effective: Scenario) -> None:
        self.ledger = Ledger()
        self._names = names
        self._phase, self._effective = phase, effective
        self._last = {name: dict.fromkeys(_USED, 0) for name in names}
        self._machine: dict[int, tuple[int, int]] = {}
        self._at_ns = 0
        self._workloads = workloads
        price = effective.price
        self._egress = TieredMeter(price.egress)
        self._ingest = TieredMeter(price.logs.ingest)
        self._storage = {name: LogStorage(price.logs) for name in names}

    def accrue(self, now_ns: int, fleets: Iterable[tuple[int, Fleet, int]]) -> None:
        """Post all that was used since the last accrual. fleets: (row, fleet, busy ns so far)."""
        if now_ns == self._at_ns:
            return
        at_s, phase, scenario = now_ns / NS_PER_S, self._phase, self._effective
        for row, fleet, busy_ns in fleets:
            billed_ns = fleet.billed_ns(now_ns)
            last_billed, last_busy = self._machine.get(row, (0, 0))
            self._machine[row] = (billed_ns, busy_ns)
            machine_lines(
                self.ledger, at_s, (billed_ns - last_billed) / NS_PER_S, (busy_ns - last_busy) / NS_PER_S,
                fleet.machine.price_usd_per_h, phase, workload=self._only_user(fleet.name), model=fleet.model.name,
                resource=fleet.name, sku=fleet.machine.name,
            )  # fmt: skip
        for w, name in enumerate(self._names):
            self._accrue_workload(at_s, w, name)
        staff_lines(self.ledger, at_s, (now_ns - self._at_ns) / NS_PER_S, scenario.phases[phase].staff, phase)
        self._at_ns = now_ns

    def _accrue_workload(self, at_s: float, w: int, name: str) -> None:
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
        egress = used["completed"] * workload.response_bytes
        volume_line(self.ledger, at_s, "network.egress", self._egress, egress, phase, workload=name)
        logs = used["offered"] * workload.log_bytes
        log_lines(self.ledger, at_s, self._ingest, self._storage[name], logs, phase, workload=name)

    def _only_user(self, pool: str) -> str:
        """The workload that a pool's time is for; several share it, and its cost is for none of them alone."""
        users = [name for name, workload in self._effective.workloads.items() if workload.pool == pool]
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

    def begin_phase(self, phase: str, effective: Scenario) -> None:
        """From now on another phase's staff and prices count; everything before has been accrued."""
        if effective.price != self._effective.price:
            self._egress.reprice(effective.price.egress)
            self._ingest.reprice(effective.price.logs.ingest)
            for storage in self._storage.values():
                storage.reprice(effective.price.logs)
        self._phase, self._effective = phase, effective
