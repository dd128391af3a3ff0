"""Whether differences between rows are more than noise: tests, intervals, and what more seeds would settle.

Plain numbers in, frozen dataclasses out; knows no sweep and no table. scipy is imported by the first call, and of it
no more than its functions: `scipy.stats` takes a second.
"""
