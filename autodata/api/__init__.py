"""The public Python API, which the commands call too; `import autodata` gives its names."""
