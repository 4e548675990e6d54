"""Finding words in the record: a full-text index over what was asked, said, read, tried and decided.

What is kept puts a row into `search_queue`, in the same transaction: that costs some 30 µs, where the index would cost
more than a tenth of a turn. Whoever looks first takes the queue into the index (`indexing`, which reads the texts through
`sources`), then asks it (`finding`). `words` says what a word is, the same for SQLite's FTS5 and PostgreSQL's tsvector; `query`
reads what a person types, `snippets` marks it in what was found.
"""
