"""The engine: jobs, devices, scheduling, pipelines, time. It knows nothing of the studio."""
