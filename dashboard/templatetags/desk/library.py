"""The library that every room of this folder adds its tags to."""

from django import template

register = template.Library()
