"""Demonstrations: answers as people want them, found among their labels, for training and as examples in a prompt."""
