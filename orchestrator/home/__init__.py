"""The home of sweeps: its folder, its lock, what it lies on."""
