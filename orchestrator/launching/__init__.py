"""What a cluster is given to run sweeps: a job script for Slurm, a RayJob for Kubernetes. Starts nothing."""
