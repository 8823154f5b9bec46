"""Learning: from a configuration, through stable-baselines3, to a policy of plain arrays."""
