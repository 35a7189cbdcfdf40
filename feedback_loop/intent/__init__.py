"""What people want, inferred from what they chose, wrote and said; proposed, never taken for granted."""
