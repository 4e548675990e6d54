"""Finding passages in papers, by words and by meaning, and checking quotations word by word."""
