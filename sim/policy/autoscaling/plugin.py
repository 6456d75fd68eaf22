"""A controller of somebody else's: an installed package's, or an object passed in Python.

A package offers policies under the entry-point group `poc2scale.policies`: each a class or function that is called with
the scenario's `parameters` by name and gives a controller, see `sim.policy.autoscaling`. Scenario files name a policy
and never code. `sim.simulate(scenario, policies={"POOL": controller})` passes one without any package.
"""

from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from sim.policy.autoscaling.controller import Controller
from sim.policy.bounds import MAX_REPLICAS, MIN_PERIOD_S
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

GROUP = "poc2scale.policies"
NEEDED = ("begin", "decide", "min_replicas", "max_replicas", "initial_replicas", "sync_period_s")
"""What a policy must have; `wakes`, `latency_quantile` and `informed` it may have."""


def offered() -> dict[str, EntryPoint]:
    """Policies of installed packages, by name."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


class Plugin(Controller):
    """A policy by its name, with its parameters; it is looked for when it is first judged."""

    kind: Literal["plugin"] = "plugin"
    name: str
    parameters: dict[str, Any] = Field(default_factory=dict, validate_default=True)

    @field_validator("name", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        known = offered()
        if value in known:
            return value
        if not known:
            raise ValueError(
                f"no such policy: no installed package offers any (entry points of the group {GROUP}). Install one, or "
                'pass an object in Python: sim.simulate(scenario, policies={"main": controller}).'
            )
        close = get_close_matches(str(value), list(known), n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise ValueError(f"no such policy. {meant}Policies: {', '.join(known)}.")

    @field_validator("parameters")
    @classmethod
    def _accepted(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        name = info.data.get("name")
        if name is not None:
            _made(name, value)
        return value

    @classmethod
    def of(cls, policy: Any, name: str) -> "Plugin":
        """A controller around an object. Raises ValueError for one that is no policy."""
        plugin = cls.model_construct(name=name, parameters={})
        plugin.__dict__["policy"] = checked(policy)
        return plugin

    @cached_property
    def policy(self) -> Any:
        """The policy itself."""
        return _made(self.name, self.parameters)

    def __eq__(self, other: object) -> bool:
        """Equal names and parameters, and objects passed in Python only to themselves."""
        if not isinstance(other, Plugin) or (self.name, self.parameters) != (other.name, other.parameters):
            return False
        return self.policy is other.policy or (self.name in offered() and type(self.policy) is type(other.policy))

    __hash__ = None  # type: ignore[assignment]

    @property
    def min_replicas(self) -> int:
        """Smallest count it asks for."""
        return int(self.policy.min_replicas)

    @property
    def max_replicas(self) -> int:
        """Largest count it asks for."""
        return int(self.policy.max_replicas)

    @property
    def initial_replicas(self) -> int:
        """Count at the start."""
        return int(self.policy.initial_replicas)

    @property
    def sync_period_s(self) -> float | None:
        """Seconds between two decisions; None: it decides once."""
        period_s: float | None = self.policy.sync_period_s
        return period_s

    @property
    def wakes(self) -> bool:
        """Whether it is asked at once when the first request comes while it asks for no replica."""
        return bool(getattr(self.policy, "wakes", False))

    @property
    def latency_quantile(self) -> float | None:
        """Which quantile of latency it wants to see."""
        quantile: float | None = getattr(self.policy, "latency_quantile", None)
        return quantile

    @property
    def informed(self) -> bool:
        """Whether it uses its setting."""
        return bool(getattr(self.policy, "informed", _takes_setting(self.policy)))

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> Any:
        """State at the start, in a setting where the policy's own `begin` takes one."""
        if _takes_setting(self.policy):
            return self.policy.begin(now_ns, setting)
        return self.policy.begin(now_ns)

    def decide(self, observation: Observation, state: Any, now_ns: int) -> tuple[Decision, Any]:
        """What the policy says, within its own limits."""
        decision, state = self.policy.decide(observation, state, now_ns)
        replicas = min(max(int(decision.replicas), self.min_replicas), self.max_replicas)
        return (decision if replicas == decision.replicas else Decision(replicas, decision.reason)), state


def _takes_setting(policy: Any) -> bool:
    """Whether the policy begins as `begin(now_ns, setting)`: with an argument `setting` behind the first."""
    try:
        return list(signature(policy.begin).parameters)[1:2] == ["setting"]
    except ValueError:  # compiled code need not say
        return False


def checked(policy: Any) -> Any:
    """The policy, if it can be one. Raises ValueError that says what it lacks."""
    missing = [name for name in NEEDED if not hasattr(policy, name)]
    if missing:
        raise ValueError(f"no policy: it lacks {', '.join(missing)}. A policy has {', '.join(NEEDED)}.")
    low, start, high = policy.min_replicas, policy.initial_replicas, policy.max_replicas
    if not all(isinstance(n, int) for n in (low, start, high)) or not 0 <= low <= start <= high <= MAX_REPLICAS:
        raise ValueError(
            f"its limits are {low!r} to {high!r} replicas, {start!r} at first. They must be whole numbers from 0 to "
            f"{MAX_REPLICAS:,}, min_replicas <= initial_replicas <= max_replicas."
        )
    period_s = policy.sync_period_s
    if period_s is not None and not (isinstance(period_s, (int, float)) and period_s >= MIN_PERIOD_S):
        raise ValueError(f"its sync_period_s is {period_s!r}. It must be at least {MIN_PERIOD_S:g}, or None.")
    return policy


def _made(name: str, parameters: dict[str, Any]) -> Any:
    """The policy of an entry point. Raises ValueError where it refuses its parameters or is no policy."""
    try:
        make = offered()[name].load()
        if isinstance(make, type) and issubclass(make, BaseModel):
            policy = make.model_validate(parameters)
        else:
            policy = make(**parameters)
    except ValidationError as e:
        said = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in e.errors(include_url=False))
        raise ValueError(f"refused by the policy {name}: {said}. Type other parameters.") from None
    except (TypeError, ValueError) as e:
        raise ValueError(f"refused by the policy {name}: {e}. Type other parameters.") from None
    except (ImportError, AttributeError) as e:
        raise ValueError(f"the package of the policy {name} cannot be loaded: {e}. Install it again.") from None
    return checked(policy)
