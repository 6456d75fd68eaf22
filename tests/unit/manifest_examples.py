"""Manifests as people write them, and what their metrics are called there."""

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: storefront
  namespace: shop
  labels: {team: checkout}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: storefront}
  minReplicas: 3
  maxReplicas: 24
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: 65}
    - type: Pods
      pods:
        metric: {name: http_requests_per_second}
        target: {type: AverageValue, averageValue: 1500m}
    - type: Object
      object:
        describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main-route}
        metric: {name: pending_requests}
        target: {type: Value, value: 2k}
    - type: External
      external:
        metric: {name: queue_depth, selector: {matchLabels: {queue: orders}}}
        target: {type: AverageValue, averageValue: "30"}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      selectPolicy: Min
      tolerance: 50m
      policies:
        - {type: Percent, value: 100, periodSeconds: 60}
        - {type: Pods, value: 4, periodSeconds: 60}
    scaleDown:
      stabilizationWindowSeconds: 600
      selectPolicy: Disabled
"""
HPA_METRICS = {"http_requests_per_second": "arrivals", "pending_requests": "in_flight", "queue_depth": "queue"}

HPA_CPU = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 2
  maxReplicas: 10
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
"""

KEDA = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: order-worker
  annotations: {autoscaling.keda.sh/paused: "false"}
spec:
  scaleTargetRef: {name: order-worker}
  pollingInterval: 15
  cooldownPeriod: 120
  initialCooldownPeriod: 30
  idleReplicaCount: 0
  minReplicaCount: 2
  maxReplicaCount: 40
  fallback: {failureThreshold: 3, replicas: 6, behavior: currentReplicasIfHigher}
  advanced:
    restoreToOriginalReplicaCount: true
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown:
          stabilizationWindowSeconds: 120
  triggers:
    - type: rabbitmq
      metadata:
        protocol: amqp
        queueName: orders
        mode: QueueLength
        value: "20"
        activationValue: "5"
      authenticationRef: {name: rabbit}
    - type: prometheus
      name: traffic
      metricType: AverageValue
      metadata:
        serverAddress: http://prometheus.monitoring:9090
        query: sum(rate(http_requests_total[2m]))
        threshold: "12.5"
"""
KEDA_METRICS = {"orders": "queue", "traffic": "arrivals"}

KEDA_BY_THE_CLOCK = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: storefront}
spec:
  scaleTargetRef: {name: storefront}
  maxReplicaCount: 40
  triggers:
    - type: cron
      metadata:
        timezone: Asia/Kolkata
        start: 0 6 * * mon-fri
        end: 30 20 * * *
        desiredReplicas: "10"
    - type: cpu
      metricType: Utilization
      metadata:
        value: "65"
"""

KNATIVE = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: thumbnails
  annotations:
    autoscaling.knative.dev/minScale: "7"
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/class: kpa.autoscaling.knative.dev
        autoscaling.knative.dev/metric: rps
        autoscaling.knative.dev/target: "150"
        autoscaling.knative.dev/minScale: "1"
        autoscaling.knative.dev/max-scale: "30"
        autoscaling.knative.dev/initial-scale: "3"
        autoscaling.knative.dev/window: 1m30s
        autoscaling.knative.dev/scale-down-delay: 15m
        autoscaling.knative.dev/panic-window-percentage: "20.0"
        autoscaling.knative.dev/panic-threshold-percentage: "150"
        autoscaling.knative.dev/target-utilization-percentage: "80"
        autoscaling.knative.dev/metric-aggregation-algorithm: weightedExponential
        prometheus.io/scrape: "true"
    spec:
      containers: [{image: thumbnails}]
"""

RAY = """\
applications:
  - name: translator
    route_prefix: /translate
    import_path: app:graph
    deployments:
      - name: Tokenizer
        num_replicas: 2
      - name: Translator
        max_ongoing_requests: 8
        ray_actor_options: {num_gpus: 1}
        autoscaling_config:
          min_replicas: 0
          initial_replicas: 2
          max_replicas: 12
          target_ongoing_requests: 3
          upscale_delay_s: 5
          downscale_delay_s: 120.5
          downscale_to_zero_delay_s: 300
          upscaling_factor: 0.5
          metrics_interval_s: 2
          look_back_period_s: 10
          aggregation_function: max
"""
RAY_SERVICE = (
    "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {name: translator}\nspec:\n  serveConfigV2: |\n"
    + "".join(f"    {line}\n" for line in RAY.splitlines())
)

TRACKING = """\
{
  "PolicyName": "cpu-sixty",
  "ServiceNamespace": "ecs",
  "ResourceId": "service/prod/web",
  "ScalableDimension": "ecs:service:DesiredCount",
  "PolicyType": "TargetTrackingScaling",
  "TargetTrackingScalingPolicyConfiguration": {
    "TargetValue": 62.5,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    "ScaleOutCooldown": 60,
    "ScaleInCooldown": 240,
    "DisableScaleIn": false
  }
}
"""
SAGEMAKER = """\
{
  "ScalableTargets": [{"ServiceNamespace": "sagemaker", "MinCapacity": 2, "MaxCapacity": 9}],
  "ScalingPolicies": [{
    "PolicyName": "invocations", "ServiceNamespace": "sagemaker", "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
      "TargetValue": 70.0,
      "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    }
  }]
}
"""
STEPS = """\
{
  "ScalableTargets": [{"MinCapacity": 0, "MaxCapacity": 15}],
  "ScalingPolicies": [
    {"PolicyName": "more", "PolicyARN": "arn:aws:autoscaling:eu:1:more", "PolicyType": "StepScaling",
     "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity", "Cooldown": 60, "StepAdjustments": [
       {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 100, "ScalingAdjustment": 1},
       {"MetricIntervalLowerBound": 100, "ScalingAdjustment": 3}]}},
    {"PolicyName": "fewer", "PolicyARN": "arn:aws:autoscaling:eu:1:fewer", "PolicyType": "StepScaling",
     "StepScalingPolicyConfiguration": {"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 1,
       "StepAdjustments": [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": -50}]}}
  ],
  "MetricAlarms": [
    {"AlarmName": "deep", "AlarmActions": ["arn:aws:autoscaling:eu:1:more"], "Namespace": "AWS/SQS",
     "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum", "Period": 60, "Threshold": 200,
     "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "ComparisonOperator": "GreaterThanThreshold"},
    {"AlarmName": "idle", "AlarmActions": ["arn:aws:autoscaling:eu:1:fewer"], "Namespace": "AWS/ECS",
     "MetricName": "CPUUtilization", "Statistic": "Average", "Period": 60, "Threshold": 20.5,
     "EvaluationPeriods": 10, "ComparisonOperator": "LessThanOrEqualToThreshold"}
  ]
}
"""
STEPS_METRICS = {"ApproximateNumberOfMessagesVisible": "queue"}

STEPS_OF_SUMS = """\
{
  "ScalableTargets": [{"MinCapacity": 1, "MaxCapacity": 15}],
  "ScalingPolicies": [
    {"PolicyName": "more", "PolicyType": "StepScaling",
     "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [
       {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 1500, "ScalingAdjustment": 1},
       {"MetricIntervalLowerBound": 1500, "ScalingAdjustment": 3}]}}
  ],
  "MetricAlarms": [
    {"AlarmName": "many", "Namespace": "AWS/ApplicationELB", "MetricName": "Hits", "Statistic": "Sum",
     "Period": 300, "Threshold": 3000, "EvaluationPeriods": 1,
     "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
  ]
}
"""

ALL = {
    "hpa": (HPA, HPA_METRICS), "hpa_cpu": (HPA_CPU, {}), "keda": (KEDA, KEDA_METRICS),
    "keda_by_the_clock": (KEDA_BY_THE_CLOCK, {}), "knative": (KNATIVE, {}),
    "ray": (RAY, {}), "ray_service": (RAY_SERVICE, {}), "tracking": (TRACKING, {}), "sagemaker": (SAGEMAKER, {}),
    "steps": (STEPS, STEPS_METRICS), "steps_of_sums": (STEPS_OF_SUMS, {"Hits": "arrivals"}),
}  # fmt: skip
