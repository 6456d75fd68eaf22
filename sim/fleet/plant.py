"""Parameters of a pool's plant: what a replica is, how it starts, where it runs, and what can happen to it there."""

from pydantic import model_validator

from sim.config import Seconds
from sim.fleet.nodes import Nodes, OwnNodes, SharedNodes
from sim.fleet.parameters import ReplicaType
from sim.fleet.startup import Startup
from sim.fleet.trouble import Failures, Spot, Supply


class Plant(ReplicaType):
    """Machine and model of a pool's replicas, and what a real cloud adds to them; all of it off unless asked for.

    startup: parts of a start; nodes: who provides machines; grace_s: what a draining replica has not finished after so
    long is lost (None: it finishes all; Kubernetes' terminationGracePeriodSeconds is 30 s); supply: how many machines
    can be had; spot: machines on spot terms (None: none); failures: of machines and zones (None: never).
    """

    startup: Startup = Startup()
    nodes: Nodes = OwnNodes()
    grace_s: Seconds | None = None
    supply: Supply = Supply()
    spot: Spot | None = None
    failures: Failures | None = None

    def as_managed(self) -> "Plant":
        """The same behind a managed endpoint: a machine for each replica, on demand, as its provider has it."""
        return self.model_copy(update={"nodes": OwnNodes(), "spot": None})

    @model_validator(mode="after")
    def _room_for_all(self) -> "Plant":
        if isinstance(self.nodes, SharedNodes) and not self.nodes.types:
            needed = self.nodes.replicas * self.model.memory_bytes
            if needed > self.machine.memory_bytes:
                raise ValueError(
                    f"{self.nodes.replicas} replicas of {self.model.name} need {needed / 1e9:g} GB and "
                    f"{self.machine.name} has {self.machine.memory_bytes / 1e9:g} GB. Type fewer nodes.replicas, or "
                    "choose a machine with more memory (poc2scale list machine)."
                )
        return self
