"""The people who keep the product running, and what they cost."""
