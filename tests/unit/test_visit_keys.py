"""Keys of the draws of a visit: 64 unsigned bits, whatever they are, for the compiled draws that take them."""

import numpy as np
import pytest

from sim.serving.discipline.calls import key_of_visit, visit
from sim.serving.discipline.service import EXPONENTIAL, draw_service_ns
from sim.streams import Purpose


@pytest.mark.parametrize("key", [1, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("draw", [0, visit(1, 2, 3, 1)])
def test_a_key_in_either_half_of_64_bits_draws_a_service_time(key, draw):
    of_visit = key_of_visit(np.uint64(key), draw)
    assert draw_service_ns(1e6, EXPONENTIAL, 0.0, of_visit, 7, int(Purpose.SERVICE)) >= 1
    assert (int(of_visit) == key) == (draw == 0)
