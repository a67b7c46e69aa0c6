"""The library behind the workflow: meta- (out-of-context) learning experiments, from facts to effects."""
