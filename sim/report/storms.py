"""What a report says of storms: what was assumed of each, and when each came."""

from collections.abc import Iterator

from sim.report.facts import Facts
from sim.report.numbers import duration, share, three, whole
from sim.workload.disturbances import Surge


def storm_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    """What is assumed of each storm, and its value."""
    for name, storm in facts.scenario.disturbances.items():
        whose = "" if storm.workloads is None else f" of {', '.join(storm.workloads)}"
        if isinstance(storm, Surge):
            begin = _begin(storm)
            often = "" if storm.every_s is None else f", again every {duration(storm.every_s)}"
            said = (
                f"{three(storm.factor)} times the demand{whose} from {begin} on{often}: rise {duration(storm.rise_s)}, "
                f"hold {duration(storm.hold_s)}, fall {duration(storm.fall_s)}"
            )
        else:
            day = "day" if storm.weekday is None else storm.weekday.capitalize()
            said = f"{whole(storm.requests)} requests{whose} within {duration(storm.duration_s)}, every {day} at "
            said += f"{storm.hour:02d}:00"
        yield f"storm {name.replace('_', ' ')}", said


def _begin(storm: Surge) -> str:
    if storm.start_s is not None:
        return duration(storm.start_s)
    hour = "" if storm.start_hour is None else f" and {storm.start_hour:02d}:00"
    return f"{share(storm.start_share)} of the way{hour}"


def storm_events(facts: Facts) -> list[tuple[float, str, str]]:
    """Begins and ends of storms that come once, in the order of time: at_s, what, detail. Recurring ones are in
    events.parquet alone.
    """
    once = {
        name
        for name, storm in facts.scenario.disturbances.items()
        if isinstance(storm, Surge) and storm.every_s is None
    }
    events = facts.run.events
    if not once or not len(events):
        return []
    told = events[events["subject"].isin(once) & events["kind"].str.startswith("disturbance_")]
    rows: list[tuple[float, str, str, float]] = list(
        told[["at_s", "kind", "subject", "after"]].itertuples(index=False, name=None)
    )
    found = []
    for at_s, kind, name, after in rows:
        begins = kind == "disturbance_begins"
        detail = f"demand up to {three(after)} times the usual" if begins and after > 1.0 else "demand as usual"
        if begins and after < 1.0:
            detail = f"demand down to {share(after)} of the usual"
        found.append((at_s, f"storm {name.replace('_', ' ')} {'begins' if begins else 'ends'}", detail))
    return found
