"""Who speaks: roles bound to models, persons or policies, and the settled run that comes of it."""
