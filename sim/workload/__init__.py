"""Workload: who asks, when, and for how much. Arrival processes, growth, seasonality and recorded traces.

Potential demand is exogenous: nothing in this room reads what the service does, and a phase thins it elsewhere.
"""
