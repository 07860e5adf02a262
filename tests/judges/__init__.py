"""Independent judges: real programs of other people that the tests compare us with."""
