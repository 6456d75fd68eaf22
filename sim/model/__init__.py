"""The life of a model: how good its answers are, who notices, when it is trained anew, what right answers are worth."""
