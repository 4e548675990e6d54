"""Whether a technique is worth putting to use: the debate, its evidence and verdict, and what came of assessments."""
