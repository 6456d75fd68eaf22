"""Parameters of renewal arrivals: laws of the time between two requests, and clients who each have their own."""

from typing import Annotated, Literal

from pydantic import Field

from sim.config import Parameters, Positive, Share

MIN_CV, MAX_CV = 0.1, 20.0

# Coefficient of variation of interarrival times: 0.1 nearly a clock, 1 as irregular as Poisson, 20 the burstiest that
# ServeGen's clients are for long.
Cv = Annotated[Positive, Field(ge=MIN_CV, le=MAX_CV)]
Family = Literal["gamma", "weibull"]


class Interarrival(Parameters):
    """Law of the time between two requests, measured in expected requests: its mean is 1.

    kind: gamma or weibull, the two that ServeGen finds in clients of LLM services; cv: coefficient of variation,
    standard deviation over mean. With cv 1 both are exponential, and arrivals Poisson.
    """

    kind: Family
    cv: Cv


class Client(Parameters):
    """One client of a mix: its share of the rate, and how irregular it is (see `Interarrival`)."""

    share: Share
    cv: Cv
    interarrival: Family
