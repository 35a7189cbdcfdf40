"""What the labels taught: traits that the chosen answers have against the rejected."""
