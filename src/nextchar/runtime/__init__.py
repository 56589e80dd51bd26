"""The process and its machine: device, locks, files, progress, timing."""
