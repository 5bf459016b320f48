"""The suite's commands, one module each; pyproject.toml announces them (docs/decisions/0004)."""
