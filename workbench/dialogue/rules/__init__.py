"""What a mode declares: its schema, how it is read, and the parts that are checked before anything is said."""
