"""How the people who answer get on: agreement, consistency, flags."""
