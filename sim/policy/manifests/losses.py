"""What a manifest has no exact place for, in sentences."""

from sim.config import Parameters


def rounded_s(value_s: float, path: str, lost: list[str], least: int = 0) -> int:
    """Whole seconds, and a sentence where that is not what it was."""
    found = max(least, round(value_s))
    if found != value_s:
        lost.append(f"{path}: {value_s:g} s rounded to {found} s.")
    return found


def beyond(policy: Parameters, of: dict[str, str]) -> list[str]:
    """What of a policy its manifest has no field for and differs from the default. of: why, by field of ours."""
    sentences = []
    for field, why in of.items():
        value, default = getattr(policy, field), type(policy).model_fields[field].default
        if value != default:
            key = type(policy).model_fields[field].alias or field
            shown = policy.model_dump(mode="json", by_alias=True)[key]
            sentences.append(f"{key} {shown}: {why}.")
    return sentences
