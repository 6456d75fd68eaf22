"""A controller of somebody else's: an installed package's, or an object passed in Python.

A package offers policies under the entry-point group `poc2scale.policies`: each a class or function that is called with
the scenario's `parameters` by name and gives a controller, see `sim.policy.autoscaling`. Scenario files name a policy
and never code. `sim.simulate(scenario, policies={"POOL": controller})` passes one without any package.
"""

import math
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from reprlib import Repr
from traceback import extract_tb
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from sim.config import RunError
from sim.policy.autoscaling.controller import Controller
from sim.policy.bounds import MAX_REPLICAS, MIN_PERIOD_S
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

GROUP = "poc2scale.policies"
NEEDED = ("begin", "decide", "min_replicas", "max_replicas", "initial_replicas", "sync_period_s")
"""What a policy must have; `wakes`, `latency_quantile` and `informed` it may have."""
_BEGINS = "begin(now_ns), or begin(now_ns, setting), must return the state that decide is given first."
_DECIDES = (
    "decide(observation, state, now_ns) must return two things: a sim.policy.Decision(replicas, reason), whose "
    'replicas are a whole number and whose reason is a word such as "Busy", and the next state.'
)
_SHORT = Repr()
_SHORT.maxother = _SHORT.maxstring = 80


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
        """State at the start, in a setting where the policy's own `begin` takes one. Raises RunError where it fails."""
        try:
            return self.policy.begin(now_ns, setting) if _takes_setting(self.policy) else self.policy.begin(now_ns)
        except Exception as e:
            raise self._mistaken(now_ns, f"its begin raised {_told(e)}. {_BEGINS}") from e

    def decide(self, observation: Observation, state: Any, now_ns: int) -> tuple[Decision, Any]:
        """What the policy says, within its own limits. Raises RunError where it fails, or says what is no decision."""
        try:
            answer = self.policy.decide(observation, state, now_ns)
        except Exception as e:
            raise self._mistaken(now_ns, f"its decide raised {_told(e)}. {_DECIDES}") from e
        try:
            decision, state = answer
            asked, reason = decision.replicas, decision.reason
        except Exception as e:
            raise self._mistaken(now_ns, f"its decide returned {_SHORT.repr(answer)}. {_DECIDES}") from e
        count = asked if type(asked) is int else _whole(asked)
        if count is None or not isinstance(reason, str):
            raise self._mistaken(now_ns, f"its decide returned {_SHORT.repr(answer)}. {_DECIDES}")
        replicas = min(max(count, self.min_replicas), self.max_replicas)
        return (decision if replicas is asked else Decision(replicas, reason)), state

    def _mistaken(self, now_ns: int, what: str) -> RunError:
        return RunError(f"the policy {self.name} made a mistake {now_ns / 1e9:g} s after the start: {what}")


def _told(error: Exception) -> str:
    """An exception of a policy's, and where in its own file it came from."""
    frames = extract_tb(error.__traceback__)[1:]  # the first is ours
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"


def _whole(value: Any) -> int | None:
    """A whole number of whatever type (NumPy's, or 3.0) as an int; None for anything else."""
    try:
        whole = int(value)
        return whole if whole == value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _takes_setting(policy: Any) -> bool:
    """Whether the policy begins as `begin(now_ns, setting)`: with an argument `setting` behind the first."""
    try:
        return list(signature(policy.begin).parameters)[1:2] == ["setting"]
    except ValueError:  # compiled code need not say
        return False


def checked(policy: Any) -> Any:
    """The policy, if it can be one. Raises ValueError that says what it lacks."""
    if isinstance(policy, type):
        raise ValueError(f"no policy: it is a class. Pass an object of it: {policy.__name__}().")
    missing = [name for name in NEEDED if not hasattr(policy, name)]
    if missing:
        raise ValueError(f"no policy: it lacks {', '.join(missing)}. A policy has {', '.join(NEEDED)}.")
    silent = [name for name in ("begin", "decide") if not callable(getattr(policy, name))]
    if silent:
        raise ValueError(f"no policy: its {' and '.join(silent)} cannot be called. Make a method of it.")
    low, start, high = policy.min_replicas, policy.initial_replicas, policy.max_replicas
    if not all(isinstance(n, int) for n in (low, start, high)) or not 0 <= low <= start <= high <= MAX_REPLICAS:
        raise ValueError(
            f"its limits are {low!r} to {high!r} replicas, {start!r} at first. They must be whole numbers from 0 to "
            f"{MAX_REPLICAS:,}, min_replicas <= initial_replicas <= max_replicas."
        )
    period_s = policy.sync_period_s
    if period_s is not None and not (isinstance(period_s, (int, float)) and MIN_PERIOD_S <= period_s < math.inf):
        raise ValueError(f"its sync_period_s is {period_s!r}. It must be at least {MIN_PERIOD_S:g}, or None.")
    quantile = getattr(policy, "latency_quantile", None)
    if quantile is not None and not (isinstance(quantile, (int, float)) and 0.0 < quantile <= 1.0):
        raise ValueError(
            f"its latency_quantile is {quantile!r}. It must be above 0 and at most 1, such as 0.95, or None."
        )
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
    except Exception as e:
        raise ValueError(f"the policy {name} failed when it was made: {_told(e)}. Mend it.") from e
    return checked(policy)
