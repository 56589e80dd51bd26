"""The process and its machine: device, locks, whole files, progress, time."""
