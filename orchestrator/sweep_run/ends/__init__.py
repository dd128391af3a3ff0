"""What a run ends with: lines of trials, the state of sweeps, reports."""
