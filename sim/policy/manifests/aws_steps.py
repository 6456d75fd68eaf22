"""AWS step scaling: one or two policies with their alarms as scale_out and scale_in; there and back.

Sources, AWS documentation as read in November 2026: Application Auto Scaling API Reference
(StepScalingPolicyConfiguration, StepAdjustment), Amazon CloudWatch API Reference (MetricAlarm).
"""

from collections.abc import Callable
from typing import Any

from sim.policy.autoscaling.step_rules import StepPolicy
from sim.policy.autoscaling.step_scaling import StepScaling
from sim.policy.manifests.fields import Findings, Node, Policy
from sim.policy.manifests.losses import rounded_s
from sim.policy.manifests.quantities import number, per_cents, percent, plain, text, whole, whole_seconds

STEPS = "StepScalingPolicyConfiguration"
_METRICS = ("utilisation", "requests", "queue", "arrivals")
_KNOWN = {"CPUUtilization": "utilisation", "InvocationsPerInstance": "requests", "RequestCountPerTarget": "requests"}
_THEIRS = {
    "utilisation": ("AWS/ECS", "CPUUtilization"), "requests": ("AWS/ApplicationELB", "RequestCountPerTarget"),
    "queue": ("poc2scale", "queue"), "arrivals": ("poc2scale", "arrivals"),
}  # fmt: skip
_ADJUSTMENTS = {"ChangeInCapacity": "change", "PercentChangeInCapacity": "percent", "ExactCapacity": "exact"}
_STATISTICS = {"Average": "average", "Maximum": "maximum", "Minimum": "minimum"}
_OPERATORS = {
    "GreaterThanOrEqualToThreshold": "scale_out", "GreaterThanThreshold": "scale_out",
    "LessThanOrEqualToThreshold": "scale_in", "LessThanThreshold": "scale_in",
}  # fmt: skip
_STRICT = ("GreaterThanThreshold", "LessThanThreshold")
_NAMES = (
    "PolicyName", "PolicyARN", "ServiceNamespace", "ResourceId", "ScalableDimension", "CreationTime", "Alarms",
    "MetricAlarms", "ScalableTargets", "MinCapacity", "MaxCapacity",
)  # fmt: skip
_ALARM_NAMES = (
    "AlarmName", "AlarmArn", "AlarmDescription", "AlarmActions", "OKActions", "InsufficientDataActions", "Namespace",
    "Dimensions", "Unit", "StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp",
    "StateTransitionedTimestamp", "AlarmConfigurationUpdatedTimestamp",
)  # fmt: skip
_MINUTE_S = 60.0
Group = tuple[dict[str, Any], str]


def read(policies: list[Group], alarms: list[Group], found: Findings) -> Policy:
    """scale_out and scale_in."""
    both: Policy = {}
    for group, path in policies:
        alarm = _alarm_of(group, alarms, len(policies))
        if alarm is None:
            message = (
                "no alarm of this policy. Put what `aws cloudwatch describe-alarms` prints beside it: "
                '{"ScalingPolicies": [...], "MetricAlarms": [...]}.'
            )
            found.refuse(f"{path}.{STEPS}".lstrip("."), group.get("PolicyName"), message)
            continue
        direction = Node(*alarm, found).one_of("ComparisonOperator", _OPERATORS)
        if direction is None:
            continue
        if direction in both:
            found.refuse(path, group.get("PolicyName"), "both policies scale the same way. Leave one of them out.")
            continue
        both[direction] = _one(Node(group, path, found, (direction,)), Node(*alarm, found, (direction,)))
    if both and "scale_out" not in both:
        found.refuse("ScalingPolicies", None, "no policy that scales out. A pool needs a way up.")
    return both


def _alarm_of(group: dict[str, Any], alarms: list[Group], policies: int) -> Group | None:
    """The alarm that sets a policy going."""
    arn, name = group.get("PolicyARN"), group.get("PolicyName")
    own = [a.get("AlarmName") for a in _list(group.get("Alarms")) if isinstance(a, dict)]
    for alarm, path in alarms:
        actions = [str(action) for action in _list(alarm.get("AlarmActions"))]
        if (
            alarm.get("AlarmName") in own
            or (arn and arn in actions)
            or any(action.endswith(f"policyName/{name}") for action in actions)
        ):
            return alarm, path
    return alarms[0] if policies == len(alarms) == 1 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _one(node: Node, alarm: Node) -> Policy:
    node.raw("PolicyType")
    inner = node.node(STEPS, needed=True)
    node.finish(names=_NAMES)
    policy = _read_alarm(alarm)
    if inner is None:
        return policy
    amount = _reader(policy.get("metric"), _counted_s(alarm))
    policy["adjustment"] = inner.one_of("AdjustmentType", _ADJUSTMENTS)
    inner.take(policy, "min_adjustment_magnitude", "MinAdjustmentMagnitude", whole, least=0)
    inner.take(policy, "cooldown", "Cooldown", whole_seconds, least=0)
    steps = [_step(step, amount) for step in inner.nodes("StepAdjustments", ours=("steps",))]
    policy["steps"] = steps
    node.found.places[(*node.ours, "steps")] = (inner.at("StepAdjustments"), None)
    inner.finish({"MetricAggregationType": "the alarm's Statistic counts"})
    return policy


def _counted_s(alarm: Node) -> float:
    """Over how long an alarm on arrivals counts them: a Sum over its period, all else a minute."""
    period = str(alarm.value.get("Period"))
    summed = alarm.value.get("Statistic") == "Sum" and period.isdecimal() and int(period) > 0
    return float(period) if summed else _MINUTE_S


def _reader(metric: Any, counted_s: float) -> Callable[[Any], Any]:
    """How an alarm's amounts of a metric are read: shares from per cents, rates from what is counted over some time."""
    if metric == "utilisation":
        return percent
    if metric != "arrivals":
        return lambda value: plain(number(value))
    if counted_s == _MINUTE_S:
        return lambda value: f"{plain(number(value))!r} req/min"
    return lambda value: f"{number(value) / counted_s!r} req/s"


def _step(step: Node, amount: Callable[[Any], Any]) -> Policy:
    found: Policy = {}
    step.take(found, "lower", "MetricIntervalLowerBound", amount)
    step.take(found, "upper", "MetricIntervalUpperBound", amount)
    if step.need("ScalingAdjustment", whole, "1") is not None:
        step.take(found, "adjustment", "ScalingAdjustment", whole)
    step.finish()
    return found


def _read_alarm(alarm: Node) -> Policy:
    policy: Policy = {}
    name, found = alarm.need("MetricName", text, "CPUUtilization"), alarm.found
    where = alarm.at("MetricName")
    word = None if name is None else found.meaning(where, [name], _METRICS, _KNOWN.get(name))
    if word is None:
        return policy
    policy["metric"] = word
    if alarm.need("Threshold", number, "70") is not None:
        alarm.take(policy, "threshold", "Threshold", _reader(word, _counted_s(alarm)))
    if alarm.need("Period", whole, "60") is not None:
        alarm.take(policy, "period", "Period", whole_seconds, least=1)
    _statistic(alarm, policy)
    if alarm.need("EvaluationPeriods", whole, "3") is not None:
        alarm.take(policy, "evaluation_periods", "EvaluationPeriods", whole, least=1)
    alarm.take(policy, "datapoints_to_alarm", "DatapointsToAlarm", whole, least=1)
    operator = alarm.raw("ComparisonOperator")
    if operator in _STRICT:
        found.ignore(f"{alarm.at('ComparisonOperator')} {operator}", "read as also equal to the threshold")
    if alarm.raw("TreatMissingData") not in (None, "missing"):
        found.ignore(alarm.at("TreatMissingData"), "a missing datapoint breaches nothing here")
    alarm.finish({"ActionsEnabled": "an alarm's actions are enabled here"}, names=_ALARM_NAMES)
    return policy


def _statistic(alarm: Node, policy: Policy) -> None:
    """A period's sum of requests is a rate: per minute for `requests`, so that the period must be one."""
    if alarm.value.get("Statistic") == "Sum" and policy["metric"] in ("requests", "arrivals"):
        alarm.raw("Statistic")
        policy["statistic"] = "average"
        if policy["metric"] == "requests" and policy.get("period") != "60 s":
            message = "a sum over other than a minute. Type Period: 60 and a Threshold of requests a minute."
            alarm.found.refuse(alarm.at("Period"), alarm.value.get("Period"), message)
        return
    policy["statistic"] = alarm.one_of("Statistic", _STATISTICS)


def write(
    policy: StepScaling, document: dict[str, Any], policies: list[Group], found: Findings, lost: list[str]
) -> None:
    """Set policies and alarms of a document to scale_out and scale_in. Those that it lacks are said in `lost`."""
    if policy.warm_up_s:
        lost.append(f"warm_up {policy.warm_up_s:g} s: the instance warm-up of an EC2 Auto Scaling group.")
    alarms = [(a, "") for a in document.get("MetricAlarms") or []]
    there = {}
    for group, _ in policies:
        alarm = _alarm_of(group, alarms, len(policies))
        if alarm is not None:
            there[_OPERATORS.get(str(alarm[0].get("ComparisonOperator")), "")] = (group, alarm[0])
    for direction in ("scale_out", "scale_in"):
        rules = getattr(policy, direction)
        if rules is not None and direction in there:
            own, watch = there[direction]
            name = str(watch.get("MetricName"))
            if found.meaning("", [name], _METRICS, _KNOWN.get(name)) != rules.metric:
                watch["Namespace"], watch["MetricName"] = _THEIRS[rules.metric]
                watch.pop("Dimensions", None)
            _write_one(rules, own, watch, lost)
        elif rules is not None:
            lost.append(f"{direction}: the manifest has no policy of this direction.")
    if policy.scale_in is None and "scale_in" in there:
        document["ScalingPolicies"] = [p for p in document["ScalingPolicies"] if p is not there["scale_in"][0]]


def _write_one(rules: StepPolicy, group: dict[str, Any], alarm: dict[str, Any], lost: list[str]) -> None:
    statistics = {ours: theirs for theirs, ours in _STATISTICS.items()}
    period_s = rounded_s(rules.period_s, "MetricAlarms.Period", lost, 1)
    whole_count = rules.metric == "arrivals" or (rules.metric == "requests" and period_s == _MINUTE_S)
    summed = alarm.get("Statistic") == "Sum" and rules.statistic == "average" and whole_count
    amount = _writer(rules.metric, float(period_s) if summed else _MINUTE_S, lost)
    alarm |= {
        "Threshold": amount(rules.threshold),
        "Period": period_s,
        "Statistic": "Sum" if summed else statistics[rules.statistic],
        "EvaluationPeriods": rules.evaluation_periods,
        "DatapointsToAlarm": rules.datapoints_to_alarm,
    }
    if rules.datapoints_to_alarm is None:
        del alarm["DatapointsToAlarm"]
    if rules.metric_delay_s:
        lost.append(f"metric_delay {rules.metric_delay_s:g} s: CloudWatch's own.")
    kinds = {ours: theirs for theirs, ours in _ADJUSTMENTS.items()}
    config = group[STEPS]
    config["AdjustmentType"] = kinds[rules.adjustment]
    cooldown_s = rounded_s(rules.cooldown_s, f"{STEPS}.Cooldown", lost)
    if cooldown_s != 300 or "Cooldown" in config:
        config["Cooldown"] = cooldown_s
    config["StepAdjustments"] = [
        {key: amount(bound) for key, bound in bounds.items() if bound is not None}
        | {"ScalingAdjustment": step.adjustment}
        for step in rules.steps
        for bounds in [{"MetricIntervalLowerBound": step.lower, "MetricIntervalUpperBound": step.upper}]
    ]
    config.pop("MinAdjustmentMagnitude", None)
    if rules.min_adjustment_magnitude:
        config["MinAdjustmentMagnitude"] = rules.min_adjustment_magnitude


def _writer(metric: str, counted_s: float, lost: list[str]) -> Callable[[float], int | float]:
    """The reverse of `_reader`; lost: gets a sentence for a rate that no such number gives back."""
    if metric == "utilisation":
        return per_cents
    if metric != "arrivals":
        return plain

    def counted(rate_per_s: float) -> int | float:
        exact = rate_per_s * counted_s
        for digits in (6, 9, 12, 15, 17):
            number = float(f"{exact:.{digits}g}")
            if number / counted_s == rate_per_s:
                return plain(number)
        lost.append(f"{rate_per_s!r} req/s: as {exact!r} in {counted_s:g} s, rounded.")
        return plain(exact)

    return counted


def new(policy: StepScaling, target: dict[str, str]) -> dict[str, Any]:
    """Policies and alarms with names alone."""
    policies, alarms = [], []
    for direction, operator in (
        ("scale_out", "GreaterThanOrEqualToThreshold"),
        ("scale_in", "LessThanOrEqualToThreshold"),
    ):
        rules = getattr(policy, direction)
        if rules is None:
            continue
        name, (namespace, metric) = direction.replace("_", "-"), _THEIRS[rules.metric]
        policies.append({"PolicyName": name, **target, "PolicyType": "StepScaling", STEPS: {}})
        action = f"arn:aws:autoscaling:REGION:ACCOUNT:scalingPolicy:ID:resource/RESOURCE:policyName/{name}"
        alarms.append(
            {
                "AlarmName": name, "Namespace": namespace, "MetricName": metric, "ComparisonOperator": operator,
                "AlarmActions": [action],
            }
        )  # fmt: skip
    return {"ScalingPolicies": policies, "MetricAlarms": alarms}
