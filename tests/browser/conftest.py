"""Fixtures of all browser tests."""

from tests.browser.label_page import served

__all__ = ["served"]
