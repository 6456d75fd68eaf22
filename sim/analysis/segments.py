"""Where a curve bends: continuous broken lines through daily points, with jumps at known changes of level.

The model, with x = ln(requests a day) and y = ln(serving cost a day):

    y = level + slope x + sum_j jump_j [the day is in mode j or later] + sum_k turn_k max(x - break_k, 0) + error

A change of serving mode (an API, then machines) changes the price of everything at once: that is a jump, which is
estimated with the line and is no break. Where the traffic of two modes leaves a gap and the line turns within it, the
data cannot say where: the break is put in the middle of the gap, its interval spans it, and the jump is measured there.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from sim.analysis.elasticity import BLOCK_DAYS, CONFIDENCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MAX_BREAKS = 3
MIN_SEGMENT_DAYS = 14  # two weeks: each weekday twice
MIN_SEGMENT_SHARE = 0.1  # of the range of ln(requests a day)
RESAMPLES = 400  # the 2.5 % points of so many are good to 0.8 of a percentage point
MISFIT = 0.005  # assumption: lines that miss the curve by less than half a per cent are told apart by nobody
_CANDIDATES = 48  # all triples of so many are 17,296 fits
_MIN_FREE = 2  # weeks that must remain beyond the parameters, so that noise can be told from line
_SINGULAR = 1e-6  # determinant of a correlation matrix below which columns say the same


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class BrokenLine:
    """A fitted broken line, on the logarithmic axes.

    breaks: ascending, in ln(requests a day); slopes: of the segments from the lowest traffic up, one more than breaks;
    jumps: ln of the factor at each change of mode; level: y of the first mode where the line's x is 0.
    """

    breaks: tuple[Estimate, ...]
    slopes: tuple[Estimate, ...]
    jumps: tuple[Estimate, ...]
    level: float

    def at(self, x: "Floats", mode: int) -> "Floats":
        """ln(serving cost a day) of a mode at x = ln(requests a day), any shape."""
        import numpy as np

        y = self.level + self.slopes[0].value * x + sum(jump.value for jump in self.jumps[:mode])
        for place, below, above in zip(self.breaks, self.slopes, self.slopes[1:]):
            y = y + (above.value - below.value) * np.maximum(x - place.value, 0.0)
        return np.asarray(y, dtype=np.float64)


class _Candidates(NamedTuple):
    """Places where the line may break, ascending, the ends of the stretch that each stands for, and all of them."""

    at: "Floats"
    lo: "Floats"
    hi: "Floats"
    every: "Floats"


def broken_line(x: "Floats", y: "Floats", mode: "Integers", generator: "np.random.Generator") -> BrokenLine | None:
    """The broken line through the days' points; None where the days are too few for a slope and the jumps.

    x, y: [days] ln(requests) and ln(cost), in order of time; mode: [days] 0, 1, ... never falling, each with at least
    MIN_SEGMENT_DAYS days; generator: a stream of its own. Least squares is exact over a grid of breaks (all of 48
    places, in threes; then each moved to the best place between its neighbours). The number of breaks, 0 to 3, is the
    one of least BIC (Schwarz 1978) in which a week counts as one observation: days repeat each other, and with days as
    observations a fifth of straight curves with AR(1) noise of 0.6 would be given a bend; so under 1 % are, and 2 % at
    0.8.

    Intervals are a bootstrap of 400 resamples with the number of breaks held: the residuals of blocks of 7 days keep or
    change their sign together (the block form of the wild bootstrap; Shao, The dependent wild bootstrap, JASA 2010), as
    noise differs tenfold between a small phase and a large one, and resampled days would carry it over. Residuals are
    widened by sqrt(weeks / (weeks - parameters)). Slopes and jumps: value -+ t s with Student's t of that many degrees
    of freedom; breaks: percentiles, out to the ends of the stretch that a place of the grid stands for. Of 400 curves
    of a year with AR(1) noise of 0 to 0.6 they cover the truth in 89 to 98 %; where errors last longer they are too
    narrow.
    """
    import numpy as np

    centre = float(x.mean())
    base = np.column_stack([np.ones_like(x), x - centre, *(mode[:, None] >= np.arange(1, mode.max(initial=0) + 1)).T])
    weeks = len(x) / BLOCK_DAYS
    if weeks - base.shape[1] < _MIN_FREE or np.linalg.matrix_rank(base) < base.shape[1]:
        return None
    candidates = _candidates(x, mode)
    grid = _Grid(base, np.maximum(x[:, None] - candidates.at, 0.0), y)
    chosen = _chosen(grid, candidates, x, y, weeks)
    places = _refined(base, x, y, candidates, chosen)
    hinges = np.maximum(x[:, None] - places, 0.0)
    design = np.hstack([base, hinges])
    fit = np.linalg.lstsq(design, y, rcond=None)[0]
    free = weeks - design.shape[1] - len(chosen)
    line = design @ fit
    resampled = line[:, None] + _flipped(y - line, float(np.sqrt(weeks / free)), generator)
    return _with_intervals(fit, places, resampled, base, candidates, _triples(x, candidates, len(chosen)), free, centre)


class _Grid:
    """Least squares of many curves on a base and any few hinges, by the hinges' parts that the base cannot explain."""

    def __init__(self, base: "Floats", hinges: "Floats", curves: "Floats") -> None:
        """base: [days, p]; hinges: [days, candidates]; curves: [days] or [days, resamples]."""
        import numpy as np

        curves = curves.reshape(len(base), -1)
        q, _ = np.linalg.qr(base)
        rest = hinges - q @ (q.T @ hinges)
        self.squares = ((curves - q @ (q.T @ curves)) ** 2).sum(axis=0)
        self.gram, self.product = rest.T @ rest, rest.T @ curves
        self._from_base = np.linalg.pinv(base)
        self._hinges_on_base, self._curves_on_base = self._from_base @ hinges, self._from_base @ curves

    def best(self, sets: "Integers") -> "tuple[Integers, Floats]":
        """For each curve the row of `sets` [n, k] (candidates) that fits it best, and its residual sum of squares."""
        import numpy as np

        best, most = np.zeros(self.product.shape[1], dtype=np.int64), np.full(self.product.shape[1], -np.inf)
        for begin in range(0, len(sets), 1024):  # so that no array is larger than 10 MB
            rows = sets[begin : begin + 1024]
            inverse, sound = self._inverse(rows)
            product = self.product[rows]
            explained = ((inverse @ product) * product).sum(axis=1)
            explained[~sound] = -np.inf
            row = explained.argmax(axis=0)
            top = explained[row, np.arange(len(row))]
            best, most = np.where(top > most, begin + row, best), np.maximum(top, most)
        return best, self.squares - np.maximum(most, 0.0)

    def coefficients(self, sets: "Integers") -> "Floats":
        """[p + k, curves]: of the base, then of the hinges; `sets` [curves, k] holds each curve's own candidates."""
        import numpy as np

        curves = np.arange(len(sets))
        inverse, _ = self._inverse(sets)
        turns = np.einsum("rab,br->ar", inverse, self.product[sets.T, curves[None, :]])
        base = self._curves_on_base - np.einsum("pkr,kr->pr", self._hinges_on_base[:, sets.T], turns)
        return np.vstack([base, turns])

    def _inverse(self, sets: "Integers") -> "tuple[Floats, NDArray[np.bool_]]":
        """Inverse Gram matrices [n, k, k], and which are far enough from singular."""
        import numpy as np

        gram = self.gram[sets[:, :, None], sets[:, None, :]]
        size = np.sqrt(np.maximum(np.einsum("naa->na", gram), 0.0))
        enough = (size > 0).all(axis=1)
        size = np.where(size > 0, size, 1.0)
        alike = gram / (size[:, :, None] * size[:, None, :])
        sound = enough & (np.linalg.det(alike) > _SINGULAR)
        alike[~sound] = np.eye(sets.shape[1])
        return np.linalg.inv(alike) / (size[:, :, None] * size[:, None, :]), sound


def _candidates(x: "Floats", mode: "Integers") -> _Candidates:
    """Middles between neighbouring days, evenly by rank, and every wide gap; none too near an end.

    Every mode that has days on both sides of a place must have enough of them on both, so that a bend beside a change
    of mode is not hung on its first few days: there or in the gap before it, the line fits as well.
    """
    import numpy as np

    days = np.sort(x)
    ends = np.flatnonzero(np.diff(days) > 0)  # the last day below each place
    middle = (days[ends] + days[ends + 1]) / 2
    inside = np.ones(len(middle), dtype=np.bool_)
    for own in (days, *(np.sort(x[mode == m]) for m in np.unique(mode))):
        fewer = np.searchsorted(own, middle)
        enough = np.minimum(fewer, len(own) - fewer) >= MIN_SEGMENT_DAYS
        enough &= np.minimum(middle - own[0], own[-1] - middle) >= MIN_SEGMENT_SHARE * np.ptp(own)
        inside &= enough | ((fewer % len(own) == 0) & (own is not days))
    ends, middle = ends[inside], middle[inside]
    every = middle
    reach = MIN_SEGMENT_SHARE * np.ptp(x)
    if len(ends) > _CANDIDATES:
        wide = np.flatnonzero(days[ends + 1] - days[ends] >= reach / 2)[: _CANDIDATES // 2]
        even = np.linspace(0, len(ends) - 1, _CANDIDATES - len(wide)).round().astype(np.int64)
        kept = np.union1d(wide, even)
        ends, middle = ends[kept], middle[kept]
    edges = (middle[1:] + middle[:-1]) / 2  # a place stands for what is nearer to it than to its neighbours
    below, above = days[ends], days[ends + 1]
    return _Candidates(
        middle, np.minimum(np.append(below[:1], edges), below), np.maximum(np.append(edges, above[-1:]), above), every
    )


def _triples(x: "Floats", candidates: _Candidates, breaks: int) -> "Integers":
    """All sets of so many candidates, [n, breaks], whose segments have days and range enough."""
    import numpy as np

    combined = list(combinations(range(len(candidates.at)), breaks))
    sets = np.array(combined, dtype=np.int64).reshape(len(combined), breaks)
    below = np.searchsorted(np.sort(x), candidates.at)
    wide = np.diff(candidates.at[sets], axis=1) >= MIN_SEGMENT_SHARE * np.ptp(x)
    return sets[(wide & (np.diff(below[sets], axis=1) >= MIN_SEGMENT_DAYS)).all(axis=1)]


def _chosen(grid: _Grid, candidates: _Candidates, x: "Floats", y: "Floats", weeks: float) -> "Integers":
    """The candidates of the line of least BIC; a break costs two parameters, its place and its turn."""
    import numpy as np

    base = grid._from_base.shape[0]
    best, least = np.empty(0, dtype=np.int64), np.inf
    for breaks in range(MAX_BREAKS + 1):
        parameters = base + 2 * breaks
        sets = _triples(x, candidates, breaks)
        if weeks - parameters < _MIN_FREE or not len(sets):
            break
        row, squares = (np.zeros(1, dtype=np.int64), grid.squares) if breaks == 0 else grid.best(sets)
        spread = max(float(squares[0]) / len(x), MISFIT**2)
        score = weeks * np.log(spread) + parameters * np.log(weeks)
        if score < least:
            best, least = sets[row[0]], score
    return best


def _refined(base: "Floats", x: "Floats", y: "Floats", candidates: _Candidates, chosen: "Integers") -> "Floats":
    """The places of the chosen breaks, each moved to the best middle between two days within its stretch."""
    import numpy as np

    places, middles = candidates.at[chosen].copy(), candidates.every
    for _ in range(2 if len(places) > 1 else 1):
        for k, index in enumerate(chosen):
            near = middles[(middles >= candidates.lo[index]) & (middles <= candidates.hi[index])]
            others = np.maximum(x[:, None] - np.delete(places, k), 0.0)
            fixed = np.hstack([base, others])
            options = np.append(places[k], near)
            grid = _Grid(fixed, np.maximum(x[:, None] - options, 0.0), y)
            places[k] = options[grid.best(np.arange(len(options))[:, None])[0][0]]
    return places


def _flipped(residuals: "Floats", widened: float, generator: "np.random.Generator") -> "Floats":
    """[days, RESAMPLES]: the residuals, each block of 7 days with a sign of its own; where blocks begin is random."""
    import numpy as np

    days = np.arange(len(residuals))
    begins = generator.integers(0, BLOCK_DAYS, RESAMPLES)
    signs = generator.integers(0, 2, (len(days) // BLOCK_DAYS + 2, RESAMPLES)) * 2.0 - 1.0
    block = (days[:, None] + begins[None, :]) // BLOCK_DAYS
    flipped: Floats = widened * residuals[:, None] * np.take_along_axis(signs, block, axis=0)
    return flipped


def _with_intervals(
    fit: "Floats", places: "Floats", resampled: "Floats", base: "Floats", candidates: _Candidates, sets: "Integers",
    free: float, centre: float,
) -> BrokenLine:  # fmt: skip
    """The fit, with intervals from refitting every resample with as many breaks."""
    import numpy as np
    from scipy.special import stdtrit

    x = base[:, 1] + centre
    grid = _Grid(base, np.maximum(x[:, None] - candidates.at, 0.0), resampled)
    own = sets[grid.best(sets)[0]] if len(places) else np.empty((RESAMPLES, 0), dtype=np.int64)
    again = grid.coefficients(own)
    p, half = base.shape[1], float(stdtrit(free, (1 + CONFIDENCE) / 2))
    tail = (1 - CONFIDENCE) / 2

    def sure(value: float, values: "Floats") -> Estimate:
        reach = half * float(np.std(values, ddof=1))
        return Estimate(value, value - reach, value + reach)

    breaks = []
    for k, place in enumerate(places.tolist()):
        lo, hi = np.quantile(candidates.lo[own[:, k]], tail), np.quantile(candidates.hi[own[:, k]], 1 - tail)
        breaks.append(Estimate(place, min(float(lo), place), max(float(hi), place)))
    slope, slopes = np.cumsum(fit[[1, *range(p, len(fit))]]), np.cumsum(again[[1, *range(p, len(fit))]], axis=0)
    return BrokenLine(
        breaks=tuple(breaks),
        slopes=tuple(sure(float(one), many) for one, many in zip(slope, slopes)),
        jumps=tuple(sure(float(fit[j]), again[j]) for j in range(2, p)),
        level=float(fit[0] - fit[1] * centre),
    )
