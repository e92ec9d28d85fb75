"""Every component in all its states, on the pages people copy their markup from.

The component tests render these pages; nothing here is part of the desk.
"""
