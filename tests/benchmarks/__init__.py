"""Speed and memory, measured on demand: `python -m tests.benchmarks [NAME ...] [--json]`. pytest collects none."""
