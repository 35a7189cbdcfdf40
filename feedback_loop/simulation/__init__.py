"""Simulated people: personas, their checks, and what they truly think."""
