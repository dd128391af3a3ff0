"""Sweeps that are run on clusters: a short one of several rows, and one that lasts until it is stopped."""

SWEEP = """
name: faulty
dataset: digits100
pairs: tinyresnet -> tinycnn
teachers: {tinyresnet: {recipe: {base: digits-teacher, epochs: 2}}}
recipe: {base: digits, epochs: 2}
methods:
  ce:
  gdkd (by k): {method: gdkd, k: {grid: [1, 20]}}
  gdkd (tuned): {method: gdkd, k: {low: 1, high: 30, log: true}}
search: {trials: 2, parallel: 2, sampler: random}
seeds: 2
resources: {stall_seconds: 60}
"""
LONG = """
name: faulty
dataset: digits100
pairs: tinyresnet -> tinycnn
recipe: {base: digits, epochs: 30}
methods:
  ce:
seeds: 2
resources: {stall_seconds: 60}
"""
LONGER = LONG.replace("epochs: 30", "epochs: 250")
"""More than two minutes."""
ENDLESS = LONG.replace("ce:", "trouble: {mode: hang}").replace("stall_seconds: 60", "stall_seconds: 600")
"""Whose students end no epoch."""
