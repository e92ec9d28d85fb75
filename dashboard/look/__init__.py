"""How the desk shows things: icons, states, numbers and clocks. Pure functions, no queries.

The template tags in `dashboard.templatetags.desk` are thin doors onto these rooms.
"""
