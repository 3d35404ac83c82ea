"""Run a draft under pytest: orders go in as JSON, records of what each test did come out."""
