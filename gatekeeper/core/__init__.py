"""Pure core: the words, the policy and the lifecycle. Standard library only; no clock, no I/O."""
