"""Manifests of real autoscalers as policies, and policies as manifests: one file a kind, text in and text out.

`read` gives the keys of an autoscaler node; `write` the text of a manifest, of a policy or like one that was read. What
a kind has no field for is said, never dropped in silence: fields that are ignored by `read`, parameters that are left
out by `write`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from sim.config import InputError, Problem
from sim.policy.autoscaling.controller import Controller
from sim.policy.manifests import aws, hpa, keda, knative, ray_serve
from sim.policy.manifests.documents import Document, called, is_json, parse, pick, to_text
from sim.policy.manifests.fields import MEANINGS, Findings

_MODULES: tuple[ModuleType, ...] = (hpa, keda, knative, ray_serve, aws)
_NAMED_INSIDE = (ray_serve, aws)  # a name is that of a deployment or policy in it
KINDS: tuple[str, ...] = tuple(kind for module in _MODULES for kind in module.KINDS)
"""Kinds of policies that a manifest can hold."""


def family(kind: str) -> str:
    """The manifests that a kind of policy belongs to: aws for AWS's, its own for each of the others; "" for none."""
    if kind in aws.KINDS:
        return "aws"
    return kind if kind in KINDS else ""


@dataclass(frozen=True)
class Manifest:
    """What a manifest says. policy: keys of an autoscaler node, as a user types them; ignored: "field ignored: why";
    places: key path in the policy -> the field it came from, and its value there.
    """

    policy: Mapping[str, Any]
    ignored: Sequence[str] = ()
    places: Mapping[tuple[str, ...], tuple[str, Any]] = field(default_factory=dict)


def read(
    text: str, source: str = "manifest", *, metrics: Mapping[str, Any] | None = None, name: str | None = None,
    at: str = "autoscaler",
) -> Manifest:  # fmt: skip
    """The policy that a manifest's text holds.

    source: its file, for messages; metrics: what its metrics stand for, such as {"http_requests": "arrivals"}; name: of
    the manifest (or of the deployment or policy in it), where there are several; at: the node that it stands in, for
    messages. Raises InputError with every problem.
    """
    documents = parse(text, source)
    document = documents[_index(documents, name, source, at)]
    found = Findings(source, at, dict(metrics or {}))
    policy = _module(document).read(document, found, name)
    _check_words(found)
    if found.problems:
        raise InputError(*found.problems)
    return Manifest(policy, tuple(found.ignored), dict(found.places))


@dataclass(frozen=True)
class Written:
    """A manifest's text, and a sentence for each parameter that its kind has no (exact) field for."""

    text: str
    left_out: tuple[str, ...]


def write(
    policy: Controller, like: str | None = None, *, metrics: Mapping[str, Any] | None = None, name: str | None = None,
) -> str:  # fmt: skip
    """A policy as the text of a manifest; see `written`."""
    return written(policy, like, metrics=metrics, name=name).text


def written(
    policy: Controller, like: str | None = None, *, metrics: Mapping[str, Any] | None = None, name: str | None = None,
) -> Written:  # fmt: skip
    """A policy as a manifest: a new one, or `like`, the text of one of the same kind, with what differs changed.

    metrics, name: as for `read` of `like`. In YAML, what is left out stands above it as comments. Raises InputError
    where the policy is of a kind without manifests, or not of the kind of `like`.
    """
    kind = str(getattr(policy, "kind", "")) or type(policy).__name__
    module = next((module for module in _MODULES if kind in module.KINDS), None)
    if module is None:
        raise InputError(Problem("autoscaler.kind", kind, f"no manifest holds it. Those of: {', '.join(KINDS)}."))
    found = Findings("manifest", "autoscaler", dict(metrics or {}))
    if like is None:
        document, left_out = module.write(policy, None, found)
        comments = [f"not in this manifest: {sentence}" for sentence in left_out]
        return Written(to_text([document], comments, as_json=module is aws), tuple(left_out))
    documents = parse(like, "manifest")
    i = _index(documents, name, "manifest", "autoscaler")
    there = _module(documents[i]).read(documents[i], Findings("manifest", metrics=found.metrics), name)["kind"]
    if there != kind:
        message = f"not what the manifest holds, a policy of kind {there}. Write a new one."
        raise InputError(Problem("autoscaler.kind", kind, message))
    document, left_out = module.write(policy, documents[i], found, name)
    documents[i] = document
    comments = [f"not in this manifest: {sentence}" for sentence in left_out]
    return Written(to_text(documents, comments, as_json=is_json(like)), tuple(left_out))


def _module(document: Document) -> ModuleType:
    return next(module for module in _MODULES if module.known(document))


def _index(documents: Sequence[Document], name: str | None, source: str, at: str) -> int:
    def fits(document: Document) -> bool:
        module = next((m for m in _MODULES if m.known(document)), None)
        return module is not None

    def named(document: Document) -> bool:
        return name is None or _module(document) in _NAMED_INSIDE or called(document) == name

    kinds = ", ".join(module.WHAT for module in _MODULES)
    return pick(documents, fits, named, kinds, name, source, at)


def _check_words(found: Findings) -> None:
    """Refuse words for metrics that are none, and for metrics that the manifest does not have."""
    for metric, word in found.metrics.items():
        where = f"{found.at}.manifest_metrics.{metric}"
        if word not in MEANINGS:
            message = f"nothing that a metric can be. Allowed: {', '.join(MEANINGS)}."
            found.problems.append(Problem(where, word, message))
        elif metric not in found.seen:
            there = ", ".join(found.seen) or "none"
            found.problems.append(Problem(where, word, f"no such metric in {found.source}. It has: {there}."))
    same = {(problem.where, str(problem.value)): problem for problem in reversed(found.problems)}
    found.problems[:] = reversed(same.values())
