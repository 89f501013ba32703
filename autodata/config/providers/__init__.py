"""The settings of a model, one module a provider; `table` lists them."""
