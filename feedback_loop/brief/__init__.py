"""The brief: its requirements, its levels, and the curve of how much of it is still needed."""
