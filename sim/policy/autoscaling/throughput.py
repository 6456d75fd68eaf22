"""What a replica gives, learnt from answers and from the busy time that they took, old ones counting for less."""

from sim.policy.observation import Observation
from sim.policy.setting import Setting

_PRIOR_S = 60.0  # assumption: what is known of a replica beforehand counts as much as a minute of its answers


def known(setting: Setting) -> tuple[float, float]:
    """Requests served and the busy seconds they took, as known beforehand: one request at a time; zeros if unknown."""
    if setting.service_s != setting.service_s:
        return 0.0, 0.0
    return _PRIOR_S / setting.service_s, _PRIOR_S


def learnt(observation: Observation, served: float, busy_s: float, halves_every_s: float) -> tuple[float, float]:
    """The same two sums with what replicas did between the last two scrapes.

    halves_every_s: of busy time, in which what was known before comes to count half; an idle pool forgets nothing.
    """
    window_s = observation.window_s
    if not window_s > 0.0:
        return served, busy_s
    answered = busy = 0.0
    for per_s, share in zip(observation.completed_per_s.tolist(), observation.utilisation.tolist(), strict=True):
        if per_s == per_s and share == share:
            answered += per_s
            busy += share
    if busy == 0.0:
        return served, busy_s
    kept = 0.5 ** (busy * window_s / halves_every_s)
    return kept * served + answered * window_s, kept * busy_s + busy * window_s
