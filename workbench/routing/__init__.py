"""Who should speak: policies that choose a model for a task, and proof offline that they choose well.

`policy` holds the nouns and the interface, `kinds` finds out what kind of task a text is, `declared` has the policies that do
not learn, `learned` the one that does, over the model in `hierarchy`, and `bandits` the usual ones to compare it with. `named`
finds them by name. `tables` reads outcomes, `replay` runs policies over them, `frontier` weighs quality against cost, and
`off_policy` estimates from ordinary logs what another policy would have reached. Nothing here calls a model.

Import from the modules: this one stays empty, because half of them need numpy.
"""
