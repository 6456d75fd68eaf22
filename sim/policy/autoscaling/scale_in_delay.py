"""Nothing is given up that was wanted a short while ago: what several controllers do before they scale in."""

from sim.clock.calendar import to_ns
from sim.config import Seconds
from sim.policy.autoscaling.controller import Ranged
from sim.policy.observation import Decision

Log = tuple[tuple[int, int], ...]
"""(replicas, at_ns), oldest first: what was recommended, as far as it still counts."""


class Delayed(Ranged):
    """A controller that gives up no replica that it has wanted within the last `scale_in_delay_s`."""

    scale_in_delay_s: Seconds = 300.0  # kube-controller-manager --horizontal-pod-autoscaler-downscale-stabilization

    def delayed(self, raw: int, reason: str, log: Log, current: int, now_ns: int) -> tuple[Decision, Log]:
        """What is asked for where `raw` is wanted for a reason, and the log for the next time.

        current: the count last asked for; log: of the last time, empty at the start.
        """
        window_ns = to_ns(self.scale_in_delay_s)
        replicas, log = largest_of_late(log, raw, self.within(current), window_ns, now_ns)
        return Decision(replicas, reason if replicas == raw else "ScaleDownStabilised"), log


def largest_of_late(log: Log, desired: int, current: int, window_ns: int, now_ns: int) -> tuple[int, Log]:
    """The largest recommendation of a window, `desired` being the newest: nothing is given up that was wanted lately.

    log: of the last time, empty at the start, where `current` counts as recommended. Returns the log for the next time
    too; it falls from count to count, as a smaller recommendation before a larger one never counts again.
    """
    if len(log) == 1 and log[0][0] == desired:
        return desired, ((desired, now_ns),)
    if not log:
        log = ((current, now_ns),)
    first, last = 0, len(log)
    while last and log[last - 1][0] <= desired:
        last -= 1
    while first < last and log[first][1] <= now_ns - window_ns:
        first += 1
    log = (*log[first:last], (desired, now_ns))
    return log[0][0], log
