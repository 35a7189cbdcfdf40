"""Teach your own Qwen what you mean by saying which answer is better."""

__version__ = "0.1.0"
