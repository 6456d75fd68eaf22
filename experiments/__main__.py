"""`python -m experiments [NAME ...] [--small] [--json] [--write]`."""

import sys

from experiments.runner import main

sys.exit(main())
