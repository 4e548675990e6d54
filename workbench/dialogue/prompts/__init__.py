"""What a speaker is given to read: earlier turns by strategy, shortened where they are too long."""
