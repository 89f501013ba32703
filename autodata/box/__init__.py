"""Running code that a model wrote: hidden tests, mutants, and the box that holds a process."""
