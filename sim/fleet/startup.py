"""Parameters of a replica's start on a machine that has booted: image pulled, model loaded, first requests slow."""

from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field

from sim.config import Parameters, PositiveBytes, PositiveBytesPerSecond, Seconds, Share


class Image(Parameters):
    """The container image. A machine that has pulled it once starts further replicas without.

    size_bytes: as the registry sends it; bandwidth_bytes_per_s: at which it is pulled and unpacked.
    """

    size_bytes: PositiveBytes
    bandwidth_bytes_per_s: PositiveBytesPerSecond = 1e8  # assumption: layers are unpacked one after another


class FixedLoad(Parameters):
    """The model is loaded in `model.load`."""

    kind: Literal["fixed"] = "fixed"

    def seconds(self, model_load_s: float, model_bytes: float) -> float:
        """Time to load the model."""
        return model_load_s


class _Read(Parameters):
    """Weights are read at a bandwidth, instead of in `model.load`.

    size_bytes: of the weights (None: model.memory); overhead_s: of the process around it, from its start on.
    """

    size_bytes: PositiveBytes | None = None
    bandwidth_bytes_per_s: PositiveBytesPerSecond
    overhead_s: Seconds = 0.0  # assumption: reading is all there is

    def seconds(self, model_load_s: float, model_bytes: float) -> float:
        """Time to load the model."""
        size = model_bytes if self.size_bytes is None else self.size_bytes
        return self.overhead_s + size / self.bandwidth_bytes_per_s


class DiskLoad(_Read):
    """Weights come from the machine's own disk."""

    kind: Literal["disk"] = "disk"
    # A model of 70 billion weights (140 GB in 16 bits) takes 15 to 30 s in practice, and 4.4 s at the 32 GB/s of a PCIe
    # 4.0 slot with 16 lanes, below which nothing goes (secondary sources). 140 GB in 20 s:
    bandwidth_bytes_per_s: PositiveBytesPerSecond = 7e9


class ObjectStoreLoad(_Read):
    """Weights come from an object store over the network, to every replica anew."""

    kind: Literal["object_store"] = "object_store"
    bandwidth_bytes_per_s: PositiveBytesPerSecond = 1e9  # assumption: several streams at once, 8 Gbit/s


Load = Annotated[FixedLoad | DiskLoad | ObjectStoreLoad, Field(discriminator="kind")]


def _some(share: float) -> float:
    if share == 0.0:
        raise ValueError("a start that keeps nobody busy. Type a share above 0 %, or startup.busy: 0 s.")
    return share


class Spans(NamedTuple):
    """How long the parts of a start take, s."""

    pull_s: float
    load_s: float
    warm_up_s: float


class Startup(Parameters):
    """What happens between a booted machine and a replica that takes requests, and what of it a controller mistakes
    for load.

    image: pulled first (None: it is on the machine, or counted in its provisioning); load: how the model gets into
    memory; warm_up_s: from there to the first request taken (graphs captured, caches filled); busy_s: for so long after
    it is ready, a replica's own start keeps it busy in every scrape, to the share busy_share, on top of its requests
    (kubernetes/kubernetes#28692: the work of starting looks like load, and asks for more replicas that start).
    """

    image: Image | None = None
    load: Load = FixedLoad()
    warm_up_s: Seconds = 0.0  # assumption: ready once it is loaded
    busy_s: Seconds = 0.0  # assumption: none
    busy_share: Annotated[Share, AfterValidator(_some)] = 1.0  # assumption: all that there is

    def spans(self, model_load_s: float, model_bytes: float, pulled: bool) -> Spans:
        """The parts of a start. model_load_s, model_bytes: `model.load` and `model.memory`; pulled: the image is on the
        machine already.
        """
        pull_s = 0.0 if pulled or self.image is None else self.image.size_bytes / self.image.bandwidth_bytes_per_s
        return Spans(pull_s, self.load.seconds(model_load_s, model_bytes), self.warm_up_s)
