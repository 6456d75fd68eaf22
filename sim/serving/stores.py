"""The reference engine's response caches: ordered dictionaries, one class a way of choosing which answer leaves.

They do slowly and in plain sight what `sim.serving.kernels.cache` does in constant time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sim.serving.discipline.caching import (
    LFU,
    LRU,
    is_fresh,
    is_proven,
    main_gives_way,
    main_limit,
    one_more_use,
)


class Limits(NamedTuple):
    """The most that a cache holds: answers, and bytes where those are counted (0: they are not)."""

    entries: int
    size: int

    @property
    def weight(self) -> int:
        """The limit of what is counted."""
        return self.size or self.entries

    def exceeded_by(self, weight: int, entries: int) -> bool:
        """Whether so much, in so many answers, is more than the cache holds."""
        return weight > self.weight or entries > self.entries


@dataclass
class Answer:
    """An answer that is kept. weight: its bytes, or one."""

    inserted_ns: int
    weight: int
    uses: int = 0


class Line:
    """Answers by content key in some order, and their weight together."""

    def __init__(self) -> None:
        self.answers: OrderedDict[int, Answer] = OrderedDict()
        self.weight = 0

    def __len__(self) -> int:
        return len(self.answers)

    def add(self, key: int, answer: Answer) -> None:
        """Put an answer at the end."""
        self.answers[key] = answer
        self.weight += answer.weight

    def take(self, key: int) -> Answer:
        """Take an answer out."""
        answer = self.answers.pop(key)
        self.weight -= answer.weight
        return answer

    def take_first(self) -> tuple[int, Answer]:
        """Take the first answer out, with its key."""
        key = next(iter(self.answers))
        return key, self.take(key)


class Store(Protocol):
    """Answers by content key, and the order in which they leave."""

    def __len__(self) -> int:
        """How many answers there are."""

    def find(self, key: int) -> Answer | None:
        """The answer to a key, if it is kept."""

    def use(self, key: int) -> None:
        """An answer that is there is used once more."""

    def insert(self, key: int, answer: Answer, limits: Limits) -> None:
        """Keep a new answer, after as many others have left as must."""

    def remove(self, key: int) -> None:
        """An answer leaves."""

    def fit(self, limits: Limits) -> None:
        """Answers leave until the others fit."""


def looked_up(store: Store, key: int, now_ns: int, ttl_ns: int) -> bool:
    """Whether the store answers: it holds an answer that is fresh, now used once more; one that is not goes."""
    answer = store.find(key)
    if answer is None:
        return False
    if not is_fresh(answer.inserted_ns, now_ns, ttl_ns):
        store.remove(key)
        return False
    store.use(key)
    return True


def keep(store: Store, key: int, now_ns: int, weight: int, limits: Limits) -> None:
    """Keep an answer that has just come; one that is there is renewed, one larger than the cache is not kept."""
    answer = store.find(key)
    if answer is not None:
        store.use(key)
        answer.inserted_ns = now_ns
    elif weight <= limits.weight:
        store.insert(key, Answer(now_ns, weight), limits)


class Recent:
    """The least recently used leaves first."""

    def __init__(self) -> None:
        self._line = Line()

    def __len__(self) -> int:
        return len(self._line)

    def find(self, key: int) -> Answer | None:
        """See Store."""
        return self._line.answers.get(key)

    def use(self, key: int) -> None:
        """See Store."""
        self._line.answers.move_to_end(key)

    def insert(self, key: int, answer: Answer, limits: Limits) -> None:
        """See Store."""
        self._make_room(limits, answer.weight, 1)
        self._line.add(key, answer)

    def remove(self, key: int) -> None:
        """See Store."""
        self._line.take(key)

    def fit(self, limits: Limits) -> None:
        """See Store."""
        self._make_room(limits, 0, 0)

    def _make_room(self, limits: Limits, weight: int, more: int) -> None:
        while limits.exceeded_by(self._line.weight + weight, len(self) + more):
            self._line.take_first()


class Frequent:
    """The least frequently used leaves first, of several the least recently used."""

    def __init__(self) -> None:
        self._answers: dict[int, Answer] = {}
        self._weight = 0
        self._by_uses: dict[int, Line] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, key: int) -> Answer | None:
        """See Store."""
        return self._answers.get(key)

    def use(self, key: int) -> None:
        """See Store."""
        answer = self._answers[key]
        self.remove(key)
        answer.uses += 1
        self._add(key, answer)

    def insert(self, key: int, answer: Answer, limits: Limits) -> None:
        """See Store."""
        self._make_room(limits, answer.weight, 1)
        self._add(key, answer)

    def remove(self, key: int) -> None:
        """See Store."""
        answer = self._answers.pop(key)
        self._weight -= answer.weight
        self._by_uses[answer.uses].take(key)
        if not self._by_uses[answer.uses]:
            del self._by_uses[answer.uses]

    def fit(self, limits: Limits) -> None:
        """See Store."""
        self._make_room(limits, 0, 0)

    def _add(self, key: int, answer: Answer) -> None:
        self._answers[key] = answer
        self._weight += answer.weight
        self._by_uses.setdefault(answer.uses, Line()).add(key, answer)

    def _make_room(self, limits: Limits, weight: int, more: int) -> None:
        while limits.exceeded_by(self._weight + weight, len(self) + more):
            self.remove(next(iter(self._by_uses[min(self._by_uses)].answers)))


class ThreeQueues:
    """S3-FIFO: see `sim.serving.discipline.caching`."""

    def __init__(self) -> None:
        self._small, self._main, self._ghosts = Line(), Line(), Line()

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def find(self, key: int) -> Answer | None:
        """See Store."""
        return self._small.answers.get(key) or self._main.answers.get(key)

    def use(self, key: int) -> None:
        """See Store."""
        answer = self.find(key)
        assert answer is not None
        answer.uses = one_more_use(answer.uses)

    def insert(self, key: int, answer: Answer, limits: Limits) -> None:
        """See Store: a key that a ghost remembers goes to the main queue."""
        self._make_room(limits, answer.weight, 1)
        if key in self._ghosts.answers:
            self._ghosts.take(key)
            self._main.add(key, answer)
        else:
            self._small.add(key, answer)

    def remove(self, key: int) -> None:
        """See Store: it leaves no ghost."""
        (self._small if key in self._small.answers else self._main).take(key)

    def fit(self, limits: Limits) -> None:
        """See Store."""
        self._make_room(limits, 0, 0)
        self._trim_ghosts(limits, 0, 0)

    def _make_room(self, limits: Limits, weight: int, more: int) -> None:
        while limits.exceeded_by(self._small.weight + self._main.weight + weight, len(self) + more):
            if main_gives_way(self._small.weight, self._main.weight, limits.weight):
                self._evict_main()
            else:
                self._evict_small(limits)

    def _evict_main(self) -> None:
        """One answer leaves; those before it that were used go round once more."""
        while True:
            key, answer = self._main.take_first()
            if answer.uses == 0:
                return
            answer.uses -= 1
            self._main.add(key, answer)

    def _evict_small(self, limits: Limits) -> None:
        """One answer leaves and is remembered, if there is one that is not proven; those before it move up."""
        while self._small:
            key, answer = self._small.take_first()
            if is_proven(answer.uses):
                answer.uses = 0
                self._main.add(key, answer)
                continue
            if answer.weight <= main_limit(limits.weight):
                self._trim_ghosts(limits, answer.weight, 1)
                self._ghosts.add(key, answer)
            return

    def _trim_ghosts(self, limits: Limits, weight: int, more: int) -> None:
        room = main_limit(limits.weight)
        while self._ghosts and (self._ghosts.weight + weight > room or len(self._ghosts) + more > limits.entries):
            self._ghosts.take_first()


def new_store(eviction: int) -> Store:
    """An empty one."""
    return Recent() if eviction == LRU else Frequent() if eviction == LFU else ThreeQueues()
