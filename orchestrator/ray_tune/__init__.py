"""Ray, and nothing else in this room knows it.

Ray reads these settings when it is first imported, so they are made here, where every import of this folder passes.
"""

import os

for _name, _value in (
    ("RAY_AIR_NEW_OUTPUT", "0"),
    ("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1"),
    ("TUNE_PRINT_ALL_TRIAL_ERRORS", "0"),
    ("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"),
    ("RAY_worker_niceness", "0"),  # Ray's 15 starves training on a machine that does anything else
):
    os.environ.setdefault(_name, _value)
