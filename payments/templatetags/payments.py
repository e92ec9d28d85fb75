"""Words of the payments desk in templates."""

from django import template

from payments import words

register = template.Library()

register.filter("method", words.method)
