"""Run a draft under pytest: orders go in as JSON, records of what each test did come out."""

STRANGER = "copydesk's stranger"
"""Stands in the text of a silent version for a number that is drawn when it is run. Nobody can know
it before: a test that excludes just that value would notice the version and say nothing.
"""
