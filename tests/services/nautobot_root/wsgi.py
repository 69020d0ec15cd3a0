"""Nautobot's application with its GraphQL schema ready, so that the workers share both."""

from graphene_django.settings import graphene_settings
from nautobot.core.wsgi import application

__all__ = ["application"]

# Made where it is first asked for, in seconds: here once, before the server forks.
assert graphene_settings.SCHEMA is not None
