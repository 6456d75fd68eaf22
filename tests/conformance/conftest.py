"""The adapters of reference controllers assert too, and are to say what they compared."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.conformance.{name}_cases" for name in ("hpa", "hpa_behaviour", "knative", "ray_serve"))
)
