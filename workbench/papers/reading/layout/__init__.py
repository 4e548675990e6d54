"""From fonts and boxes to a `Paper`, by rules of typesetting. All of it runs in the worker process.

`parse` is the way through: `lines` reads what MuPDF finds, `hidden` takes out what nobody sees, `furniture` what is not the
paper's, `columns` puts lines in reading order, `document` holds them. Then each part is recognised and its lines marked:
`captions` and `tables`, `front` (title, abstract), `references` with `reference_fields`, `footnotes`, `headings` with
`run_in` and `outline`, `authors` with `names`; what is left is running text. `mending` makes text whole, `identifiers`
knows arXiv ids, DOIs and years.
"""
