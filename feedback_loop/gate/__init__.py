"""What proves a new policy, and what stops it: duels, bets, the forgetting guard, the decision."""
