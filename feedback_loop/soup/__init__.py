"""The soup bench: which ingredient (instruction, examples, training) is worth what, on one set of labels and requests."""
