"""What was read of a sweep, typed: trials, cells, rows, options; of several sweeps as one."""
