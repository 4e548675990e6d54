"""From a PDF or an arXiv id to a paper: fetched, opened in another process, laid out, recognised where it is a scan."""
