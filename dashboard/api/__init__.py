"""The API as a whole: how its bodies are read, its schema, its reference page, its dead ends."""
