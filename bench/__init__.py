"""The benchmark house. README.md says what is measured and how."""
