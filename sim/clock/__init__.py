"""Time: SimPy's environment in integer nanoseconds, the order of simultaneous events, and the civil calendar.

The calendar needs no SimPy: `sim.clock.calendar` is imported by itself where a scenario is only checked.
"""
