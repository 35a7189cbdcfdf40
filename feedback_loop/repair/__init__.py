"""Looking back and undoing: why, trace, discards, branches."""
