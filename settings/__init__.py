"""The settings file: one frozen dataclass for each section, read from TOML and the environment, checked as a whole."""
