"""The verbs that show a scenario and run nothing: check, and manifest, which prints a pool's policy as a manifest."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sim.exits import OK, note

if TYPE_CHECKING:
    from sim.policy.manifests import Written
    from sim.scenario.manifests import Used
    from sim.scenario.model import Scenario


def overrides_argument(parser: ArgumentParser) -> None:
    """What is typed behind a verb."""
    parser.add_argument(
        "overrides", nargs="*", default=[], metavar="OVERRIDE",
        help='scenario=NAME or a .yaml file, group=option (poc2scale list), or key=value ("workload.timeout=30 s")',
    )  # fmt: skip


def check_options(parser: ArgumentParser) -> None:
    """Options of `check`."""
    parser.description = "Print the whole scenario, and what each phase changes; run nothing."
    overrides_argument(parser)


def manifest_options(parser: ArgumentParser) -> None:
    """Options of `manifest`."""
    parser.description = (
        "Print the scaling policy of a pool as a manifest: a new one, or, where it came from one "
        "(autoscaler.manifest), that one with what differs changed."
    )
    overrides_argument(parser)
    parser.add_argument("--as", dest="kind", default=None, metavar="KIND", help="hpa, keda, knative, ray_serve or aws")
    parser.add_argument("--pool", default=None, metavar="NAME", help="whose policy, where there are several pools")


def loaded(overrides: Sequence[str]) -> "tuple[Scenario, list[Used]]":
    """The scenario that is typed, and the manifests in it; what of those is ignored is said on standard error."""
    from sim.scenario.compose import DEFAULT
    from sim.scenario.load import load
    from sim.scenario.manifests import named

    scenario, manifests = load(DEFAULT, *overrides), named(overrides)
    say(found for used in manifests for found in used.notes())
    return scenario, manifests


def say(notes: Iterable[str]) -> None:
    """What a user should know, as notes on standard error."""
    for sentence in notes:
        note(f"poc2scale: note: {sentence}")


def check(typed: Namespace) -> int:
    """Print the resolved scenario, and as comments what each phase changes."""
    from sim.scenario.checks import remarks
    from sim.scenario.dump import changes_by_phase, dump, to_yaml
    from sim.scenario.load import phase_scenarios
    from sim.world.own import disciplines_of

    scenario, manifests = loaded(typed.overrides)
    disciplines_of(phase_scenarios(scenario))
    print(dump(scenario), end="")
    for used in manifests:
        for sentence in used.ignored:
            print(f"# manifest: {sentence}")
    for remark in remarks(scenario):
        print(f"# note: {remark}")
    print("\n# What each phase changes:")
    changes = changes_by_phase(scenario)
    for name, phase in scenario.phases.items():
        print(f"#   {name}: exposure {phase.exposure:.3g}, served by {phase.serving}")
        for line in to_yaml(changes.get(name, {})).splitlines() if name in changes else ():
            print(f"#     {line}")
    return OK


def manifest(typed: Namespace) -> int:
    """Print a pool's policy as a manifest; what it cannot hold is said on standard error too."""
    scenario, manifests = loaded(typed.overrides)
    found = _written(scenario, manifests, _pool(scenario, typed.pool), typed.kind)
    print(found.text, end="")
    say(f"not in this manifest: {sentence}" for sentence in found.left_out)
    return OK


def _pool(scenario: "Scenario", asked: str | None) -> str:
    from sim.config import InputError, Problem

    pools = list(scenario.pools)
    if asked is None and len(pools) == 1:
        return pools[0]
    if asked in scenario.pools:
        return str(asked)
    message = "several pools" if asked is None else "no such pool"
    raise InputError(Problem("--pool", asked, f"{message}. Type --pool with one of: {', '.join(pools)}."))


def _written(scenario: "Scenario", manifests: "list[Used]", pool: str, kind: str | None) -> "Written":
    from sim.config import InputError, Problem
    from sim.policy.manifests import KINDS, family, written

    policy = scenario.pools[pool].autoscaler
    known = [*dict.fromkeys([*map(family, KINDS), *KINDS])]
    if kind is not None and kind not in known:
        raise InputError(Problem("--as", kind, f"no such kind of manifest. Type one of: {', '.join(known)}."))
    if kind is not None and kind not in (policy.kind, family(policy.kind)):
        message = f"the policy of pool {pool} is {policy.kind}, which no other kind can hold. Choose autoscaler={kind}"
        raise InputError(Problem("--as", kind, f"{message}, or type --as with the policy's own kind."))
    like = next((used for used in manifests if pool in used.pools), None)
    if like is None:
        return written(policy)
    return written(policy, like.text, metrics=like.metrics, name=like.name)
