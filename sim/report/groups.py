"""Accounts of variable cost in groups that a reader can name, and their colours in the figures."""

from typing import NamedTuple

from sim.report import canvas

Colour = str | tuple[str, float]
"""A colour, or a colour and its opacity."""


class Group(NamedTuple):
    """Accounts that are told together: a name, a colour, how their names begin, and what they are in plain words."""

    name: str
    colour: Colour
    begins: tuple[str, ...]
    plainly: str


VARIABLE = (
    Group("idle machines", canvas.IDLE, ("serving.machine.idle",), "machines that are paid for while they wait"),
    Group("busy machines", canvas.VARIABLE, ("serving.machine.",), "machines at work"),
    Group("managed premium", "#8A3B00", ("serving.managed_premium",), "the surcharge of a managed endpoint"),
    Group("API fees", canvas.API, ("serving.api",), "fees of the rented API"),
    Group("cache", "#B8A13B", ("cache",), "memory of the cache"),
    Group("network", canvas.EGRESS, ("network.",), "data sent over the network"),
    Group("logs", canvas.LOGS, ("observability.",), "logs"),
    Group("labels", "#9C6B98", ("labels.monitor",), "people who check a sample of the answers"),
)
OTHER = Group("other", "#7F7F7F", ("",), "other cost")


def group_of(account: str) -> Group:
    """The group that an account of variable cost belongs to; the first that fits, as some begin alike."""
    return next((group for group in VARIABLE if account.startswith(group.begins)), OTHER)
