"""KEDA's ScaledObject: it switches a pool on and off, and in between drives a HorizontalPodAutoscaler of its own.

Source: kedacore/keda v2.17 and later, pkg/scaling/executor/scale_scaledobjects.go (RequestScale, scaleToZeroOrIdle),
pkg/fallback/fallback.go; the HPA's side, kubernetes/kubernetes pkg/controller/podautoscaler/replica_calculator.go
(GetExternalPerPodMetricReplicas). Quirks kept:

- The cooldown is for the drop to zero (or to idle) alone, and the drop is from any count (keda#7770, #7204); it is
  counted from the last poll that found a trigger active, and has passed only strictly after its length. From N to the
  minimum the HPA goes, by its own stabilisation.
- While some trigger fails and another is active, the time of the last activity stands still.
- A cpu trigger counts for the HPA alone; a ScaledObject of no other kind is always active
  (pkg/scaling/scale_handler.go, getScaledObjectState).
- A failing trigger keeps the pool from zero, but where the fallback asks for no replicas.
- Failures are counted when the HPA asks, and so never at zero replicas. A trigger that fails without (or before) a
  fallback lets the HPA grow by the others and forbids it to shrink.
- An HPA sleeps while the count is 0, so that a fallback never leads up from there (keda#7239); and the operator
  leaves the fallback to the HPA, which waits for the threshold (keda#6053).

The loop turns at the shorter of the polling interval and the HPA's sync period, and each is due at its first turn at or
after its time; they are exact where one is a multiple of the other.
"""

from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_validator

from sim.clock.calendar import to_ns
from sim.config import Count, Seconds
from sim.policy.autoscaling.controller import Bounded
from sim.policy.autoscaling.cron import Spell
from sim.policy.autoscaling.hpa import HorizontalPodAutoscaler, HpaState
from sim.policy.autoscaling.hpa_metrics import CpuPeriods, highest
from sim.policy.autoscaling.hpa_replicas import Tolerance, average_value_replicas, resource_replicas
from sim.policy.autoscaling.hpa_rules import ScaleDownRules, ScaleUpRules
from sim.policy.autoscaling.hpa_tally import tally_utilisation
from sim.policy.autoscaling.keda_triggers import AnyTrigger, CpuTrigger, CronTrigger, Fallback, Trigger
from sim.policy.bounds import Period, Tolerated
from sim.policy.observation import Decision, Observation
from sim.policy.setting import UNSAID, Setting

Values = list[float | None]
"""What each trigger but those of the CPU measures, None where it fails."""


class KedaState(NamedTuple):
    """What the operator and its HPA remember.

    hpa: see there; active_ns: when a trigger was last seen active (-1: never); began_ns: when the ScaledObject was
    made; poll_ns, sync_ns: when the next poll and the HPA's next sync are due; failures: of each trigger but those of
    the CPU, in a row; start_epoch_ns: where the clock on the wall stood at the start; spells: of each cron trigger.
    """

    hpa: HpaState
    active_ns: int
    began_ns: int
    poll_ns: int
    sync_ns: int
    failures: tuple[int, ...]
    start_epoch_ns: int = 0
    spells: tuple[Spell, ...] = ()


class _Spans(NamedTuple):
    """The parameters' times in nanoseconds."""

    polling_ns: int
    sync_ns: int
    cooldown_ns: int
    initial_cooldown_ns: int


class Keda(Bounded):
    """Parameters of one ScaledObject, and the controller itself as pure methods.

    polling_interval_s: between two looks at whether a trigger is active; cooldown_s: that all must have been inactive
    before the drop to zero; initial_cooldown_s: the same where none has ever been active; idle_replicas: to drop to
    instead of min_replicas; sync_period_s and what follows: of the HPA between 1 and N (the CPU's periods: for cpu
    triggers alone).
    """

    lowest: ClassVar[int] = 0

    kind: Literal["keda"] = "keda"
    min_replicas: Count = 0  # minReplicaCount, scaledobject_types.go; its HPA's is at least 1
    idle_replicas: Count | None = None  # idleReplicaCount
    triggers: tuple[AnyTrigger, ...]
    polling_interval_s: Period = 30.0  # withtriggers_types.go defaultPollingInterval
    cooldown_s: Seconds = 300.0  # scale_executor.go defaultCooldownPeriod
    initial_cooldown_s: Seconds = 0.0  # scale_executor.go defaultInitialCooldownPeriod
    fallback: Fallback | None = None
    hpa_sync_period_s: Period = 15.0  # kube-controller-manager --horizontal-pod-autoscaler-sync-period
    tolerance: Tolerated = 0.1  # kube-controller-manager --horizontal-pod-autoscaler-tolerance
    cpu_initialisation_period_s: Seconds = 300.0  # --horizontal-pod-autoscaler-cpu-initialization-period
    initial_readiness_delay_s: Seconds = 30.0  # --horizontal-pod-autoscaler-initial-readiness-delay
    scale_up: ScaleUpRules = Field(default_factory=ScaleUpRules)
    scale_down: ScaleDownRules = Field(default_factory=ScaleDownRules)

    @field_validator("idle_replicas")
    @classmethod
    def _idle(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None:
            return None
        if value != 0:
            raise ValueError("KEDA supports no other count than 0 here (keda#2314). Type 0, or null for none.")
        if info.data.get("min_replicas", 1) < 1:
            raise ValueError("not less than min_replicas. Type min_replicas of at least 1, or leave idle_replicas out.")
        return value

    @field_validator("triggers")
    @classmethod
    def _some_trigger(cls, value: tuple[AnyTrigger, ...], info: ValidationInfo) -> tuple[AnyTrigger, ...]:
        if not value:
            raise ValueError("no triggers. Expected at least one such as {type: in_flight, target: 4}.")
        if info.data.get("min_replicas") == 0 and all(isinstance(trigger, CpuTrigger) for trigger in value):
            raise ValueError(
                "cpu alone never scales to zero, and KEDA refuses it with a minimum of 0. Type min_replicas: 1, or add "
                "a trigger of another type, such as {type: in_flight, target: 4}."
            )
        return value

    @field_validator("fallback")
    @classmethod
    def _not_for_the_cpu(cls, value: Fallback | None, info: ValidationInfo) -> Fallback | None:
        triggers = info.data.get("triggers", ())
        if value is not None and triggers and all(isinstance(trigger, CpuTrigger) for trigger in triggers):
            raise ValueError("no fallback stands in for cpu, and KEDA refuses one. Type null, or add another trigger.")
        return value

    @property
    def informed(self) -> bool:
        """It takes the scenario's start from its setting, for cron triggers."""
        return bool(self._cron)

    @property
    def sync_period_s(self) -> float:
        """Seconds between two turns of the loop."""
        return min(self.polling_interval_s, self.hpa_sync_period_s)

    @cached_property
    def _hpa(self) -> HorizontalPodAutoscaler:
        return HorizontalPodAutoscaler(
            min_replicas=max(1, self.min_replicas), max_replicas=self.max_replicas, metric="in_flight", target=1.0,
            tolerance=self.tolerance, scale_up=self.scale_up, scale_down=self.scale_down,
        )  # fmt: skip

    @cached_property
    def _tolerances(self) -> Tolerance:
        return Tolerance(1.0 - self.tolerance, 1.0 + self.tolerance)

    @cached_property
    def _external(self) -> tuple[Trigger | CronTrigger, ...]:
        """Triggers that the operator asks."""
        return tuple(trigger for trigger in self.triggers if not isinstance(trigger, CpuTrigger))

    @cached_property
    def _cron(self) -> tuple[CronTrigger, ...]:
        return tuple(trigger for trigger in self.triggers if isinstance(trigger, CronTrigger))

    @cached_property
    def _cpu(self) -> tuple[int, ...]:
        """Targets of the CPU triggers, whole per cent."""
        return tuple(round(trigger.target * 100) for trigger in self.triggers if isinstance(trigger, CpuTrigger))

    @cached_property
    def _cpu_periods(self) -> CpuPeriods:
        return CpuPeriods(self.cpu_initialisation_period_s, self.initial_readiness_delay_s)

    @cached_property
    def _spans(self) -> _Spans:
        times = self.polling_interval_s, self.hpa_sync_period_s, self.cooldown_s, self.initial_cooldown_s
        return _Spans(*(to_ns(time_s) for time_s in times))

    def begin(self, now_ns: int, setting: Setting = UNSAID) -> KedaState:
        """State at the start: no trigger has been active, poll and sync are due after their first interval."""
        spans = self._spans
        hpa = self._hpa.begin(now_ns)
        failures = (0,) * len(self._external)
        due = now_ns + spans.polling_ns, now_ns + spans.sync_ns
        epoch_ns = setting.start_epoch_ns
        spells = tuple(trigger.spell(epoch_ns + now_ns) for trigger in self._cron)
        return KedaState(hpa, -1, now_ns, *due, failures, epoch_ns, spells)

    def decide(self, observation: Observation, state: KedaState, now_ns: int) -> tuple[Decision, KedaState]:
        """One turn: the poll if it is due, then the HPA's sync if that is; the count to ask for, and what to
        remember.
        """
        hpa, active_ns, began_ns, poll_ns, sync_ns, failures, epoch_ns, spells = state
        if spells and epoch_ns + now_ns >= min(held.until_ns for held in spells):
            spells = tuple(trigger.spell(epoch_ns + now_ns) for trigger in self._cron)
            state = state._replace(spells=spells)
        values = self._values(observation, spells, now_ns)
        decision = Decision(observation.target_replicas, "NoChange")
        if now_ns >= poll_ns:
            decision, active_ns = self.poll(decision.replicas, values, state, now_ns)
            poll_ns += self._spans.polling_ns
        if now_ns >= sync_ns:
            sync_ns += self._spans.sync_ns
            if decision.replicas > 0:  # an HPA sleeps at 0
                desired, failures = self.wanted(decision.replicas, observation, values, failures)
                synced, hpa = self._hpa.settle(decision.replicas, desired, hpa, now_ns)
                decision = synced if synced.replicas != decision.replicas or decision[1] == "NoChange" else decision
        return decision, KedaState(hpa, active_ns, began_ns, poll_ns, sync_ns, failures, epoch_ns, spells)

    def _values(self, observation: Observation, spells: tuple[Spell, ...], now_ns: int) -> Values:
        values: Values = []
        held = iter(spells)
        for trigger in self._external:
            if isinstance(trigger, CronTrigger):
                values.append(float(trigger.desired_replicas) if next(held).active else 1.0)  # defaultDesiredReplicas
            else:
                values.append(trigger.value(observation, now_ns))
        return values

    def poll(self, current: int, values: Values, state: KedaState, now_ns: int) -> tuple[Decision, int]:
        """What the operator asks for while `current` replicas are asked for, and when a trigger was last active."""
        active = not self._external or any(held.active for held in state.spells)
        for value, trigger in zip(values, self._external, strict=True):
            active = active or (isinstance(trigger, Trigger) and value is not None and value > trigger.activation)
        failing, idle, low = None in values, self.idle_replicas, self.min_replicas
        if active:
            if current == 0 or (idle is not None and current < low):
                return Decision(max(1, low), "ScaledFromZero"), now_ns
            return Decision(current, "NoChange"), state.active_ns if failing else now_ns
        held = failing and (self.fallback is None or self.fallback.replicas != 0)
        if not held and (current > idle if idle is not None else current > 0 and low == 0):
            if self._cooled(state, now_ns):
                return Decision(low if idle is None else idle, "ScaledToZero"), state.active_ns
            return Decision(current, "CoolingDown"), state.active_ns
        if not held and idle is None and current < low:
            return Decision(low, "ScaledToMinimum"), state.active_ns
        return Decision(current, "NoChange"), state.active_ns

    def wanted(
        self, current: int, observation: Observation, values: Values, failures: tuple[int, ...]
    ) -> tuple[int | None, tuple[int, ...]]:
        """What the HPA makes of what the triggers measure (None: nothing), and how often each has failed in a row.

        current: count asked for.
        """
        existing = len(observation.ready)
        if None in values or any(failures):
            failures = tuple(0 if v is not None else n + 1 for v, n in zip(values, failures, strict=True))
        asked: list[int | None] = []
        for trigger, value, failed in zip(self._external, values, failures, strict=True):
            target = trigger.target if isinstance(trigger, Trigger) else 1.0
            if value is None:
                if self.fallback is None or failed <= self.fallback.failure_threshold:
                    asked.append(None)
                    continue
                value = target * self.fallback.count(current)
            milli = round(value * 1000), round(target * 1000)
            asked.append(average_value_replicas(existing, *milli, self._tolerances))
        for per_cents in self._cpu:
            tally = tally_utilisation(observation, *self._cpu_periods)
            asked.append(resource_replicas(current, per_cents, tally, self._tolerances))
        return highest(current, asked), failures

    def _cooled(self, state: KedaState, now_ns: int) -> bool:
        if state.active_ns < 0:
            return state.began_ns + self._spans.initial_cooldown_ns < now_ns
        return state.active_ns + self._spans.cooldown_ns < now_ns
