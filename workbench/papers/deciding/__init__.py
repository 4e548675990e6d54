"""From an assessment to an experiment and a decision: a branch in the user's repository, its files, a decision in it."""
