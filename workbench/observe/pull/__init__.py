"""What teams keep at Langfuse and LangSmith, brought here: data sets as cases, prompts as modes, people's scores as ratings.

`service` says what a service must be able to tell; `langfuse` and `langsmith` ask theirs through its own SDK. What comes back
becomes files (`cases`, `modes`) and ratings (`scores`) in ways that are the same for all.
"""
