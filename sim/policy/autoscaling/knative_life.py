"""From what the Knative autoscaler wants to what it asks for: bounds, the initial scale, and the way to zero and back.

Source: knative/serving pkg/reconciler/autoscaling/kpa/scaler.go (handleScaleToZero, Scale) and kpa.go
(computeActiveCondition), commit 98e5ef9.
"""

from typing import Literal, NamedTuple

from sim.policy.observation import Decision

_ACTIVATION_NS = (
    610_000_000_000  # config-deployment progress-deadline 600 s, and scaler.go activationTimeoutBuffer 10 s
)

Phase = Literal["inactive", "activating", "active"]
INACTIVE: Phase = "inactive"
ACTIVATING: Phase = "activating"
ACTIVE: Phase = "active"


class Life(NamedTuple):
    """Whether the pool is active, since when; since when the activator stands in requests' way (None: it does not);
    whether the initial replicas have ever been ready.
    """

    phase: Phase
    since_ns: int
    proxied_ns: int | None
    initialised: bool


class Terms(NamedTuple):
    """Bounds of the count, the initial one, and the times that going to zero takes."""

    low: int
    high: int
    initial: int
    stable_ns: int
    grace_ns: int
    retention_ns: int


def born(initial: int, now_ns: int) -> Life:
    """At the start: not active before it is ready."""
    return Life(ACTIVATING if initial else INACTIVE, now_ns, None, initialised=initial <= 1)


def applied(
    terms: Terms, wanted: int, why: str, current: int, ready: int, excess: int, life: Life, now_ns: int
) -> tuple[Decision, Life]:
    """The count to ask for where the arithmetic says `wanted`, and `why`; excess: burst capacity, see `scale`."""
    initialised = life.initialised or ready >= terms.initial or current < terms.initial
    low = terms.low if initialised else max(terms.low, terms.initial)
    bounded = min(max(wanted, low), terms.high)
    reason = "TooFewReplicas" if bounded > wanted else "TooManyReplicas" if bounded < wanted else why
    replicas = want = bounded
    if bounded == 0:
        replicas, want, reason = _towards_zero(terms, current, life, now_ns)
    phase = life.phase
    if want == 0:
        phase = INACTIVE
    elif want > 0 or phase != INACTIVE:
        phase = ACTIVE if ready >= max(1, low) else ACTIVATING
    proxied_ns = (now_ns if life.proxied_ns is None else life.proxied_ns) if want == 0 or excess < 0 else None
    if phase != life.phase or proxied_ns != life.proxied_ns or initialised != life.initialised:
        life = Life(phase, life.since_ns if phase == life.phase else now_ns, proxied_ns, initialised)
    return Decision(replicas, reason), life


def _towards_zero(terms: Terms, current: int, life: Life, now_ns: int) -> tuple[int, int, str]:
    """The count, what is wanted (0: none; -1: not known yet) and why, where none is wanted."""
    elapsed_ns = now_ns - life.since_ns
    if life.phase == ACTIVATING:
        return (0, 0, "ActivationTimedOut") if elapsed_ns >= _ACTIVATION_NS else (current, -1, "Activating")
    if life.phase == ACTIVE:
        return (current, 0, "NoTraffic") if elapsed_ns >= terms.stable_ns else (1, 1, "ActiveForTooShort")
    proxied_ns = elapsed_ns if life.proxied_ns is None else now_ns - life.proxied_ns
    if elapsed_ns >= terms.retention_ns and max(elapsed_ns, proxied_ns) >= terms.grace_ns:
        return 0, 0, "ScaledToZero"
    return current, 0, "GracePeriod"
