"""What can be refused, as facts. Words are made of them in `web`."""

from service.verification import errors
from service.verification.errors import VerificationError


def every(error):
    return {error}.union(*(every(narrower) for narrower in error.__subclasses__()))


def test_the_tree_on_top_of_the_file_names_every_error():
    assert errors.__doc__ is not None

    assert {error.__name__ for error in every(VerificationError) if error.__name__ not in errors.__doc__} == set()
