"""What the scaling loop asks of every controller, and the limits that most of them share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator

from sim.config import Count, Parameters
from sim.policy.bounds import Period, Replicas
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting


class Controller(Parameters):
    """A controller's parameters, and the controller itself as pure methods; see `sim.policy.autoscaling`.

    What most controllers do without stands here: they are not woken, see no latencies and know nothing of their
    setting.
    """

    if TYPE_CHECKING:  # fields of some and properties of others, and pydantic has no field over a property

        @property
        @abstractmethod
        def kind(self) -> str:
            """The word by which scenario files choose it."""

        @property
        @abstractmethod
        def min_replicas(self) -> int:
            """Smallest count it asks for."""

        @property
        @abstractmethod
        def max_replicas(self) -> int:
            """Largest count it asks for."""

        @property
        @abstractmethod
        def initial_replicas(self) -> int:
            """Count to begin with."""

        @property
        @abstractmethod
        def sync_period_s(self) -> float | None:
            """Seconds between two decisions; None: it decides once."""

    @property
    def wakes(self) -> bool:
        """Whether it is asked at once when the first request comes while it asks for no replica."""
        return False

    @property
    def latency_quantile(self) -> float | None:
        """Which quantile of latency it wants to see in `Observation.latency_s`; None: none."""
        return None

    @property
    def informed(self) -> bool:
        """Whether it uses its setting, so that it begins anew where that changes."""
        return False

    @abstractmethod
    def begin(self, now_ns: int, setting: Setting = UNSAID) -> Any:
        """State at the start in a setting, of which most take no notice."""

    @abstractmethod
    def decide(self, observation: Observation, state: Any, now_ns: int) -> tuple[Decision, Any]:
        """The count to ask for, and the state for the next time."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values (see pydantic); what was computed from the old ones does not go with it."""
        copy = super().model_copy(update=update, deep=deep)
        for name in copy.__dict__.keys() - type(copy).model_fields.keys():
            del copy.__dict__[name]
        return copy


class Bounded(Controller):
    """A controller with a smallest and a largest count. `lowest`: below it the smallest may not lie."""

    lowest: ClassVar[int] = 1

    min_replicas: Count = 1  # assumption: one is always there, as Kubernetes has it (autoscaling/v2 defaults.go)
    max_replicas: Replicas
    start_replicas: Count | None = Field(default=None, alias="initial_replicas")  # None: min_replicas

    @field_validator("min_replicas")
    @classmethod
    def _not_below(cls, value: int, info: ValidationInfo) -> int:
        if value < cls.lowest:
            why = "" if cls.lowest == 0 else "This controller never scales to zero. "
            raise ValueError(f"too few. {why}It must be a whole number of at least {cls.lowest}.")
        return value

    @field_validator("max_replicas")
    @classmethod
    def _max_above_min(cls, value: int, info: ValidationInfo) -> int:
        low = max(1, info.data.get("min_replicas", 1))
        if value < low:
            raise ValueError(
                f"less than min_replicas ({low}). Raise max_replicas to at least {low} or lower min_replicas."
                if low > 1
                else "no replica at all. It must be at least 1; for none, take autoscaler=fixed."
            )
        return value

    @field_validator("start_replicas")
    @classmethod
    def _start_within(cls, value: int | None, info: ValidationInfo) -> int | None:
        low, high = info.data.get("min_replicas"), info.data.get("max_replicas")
        if value is not None and low is not None and high is not None and not low <= value <= high:
            raise ValueError(f"outside min_replicas to max_replicas. Expected a whole number from {low} to {high}.")
        return value

    @property
    def initial_replicas(self) -> int:
        """Count at the start."""
        return self.min_replicas if self.start_replicas is None else self.start_replicas

    def within(self, replicas: int) -> int:
        """The count, held to the limits."""
        return min(max(replicas, self.min_replicas), self.max_replicas)


class Ranged(Bounded):
    """A controller between two limits, asked every `sync_period_s`."""

    sync_period_s: Period = 15.0  # kube-controller-manager --horizontal-pod-autoscaler-sync-period
