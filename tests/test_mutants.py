"""The mutation tester changes what decides something, and nothing that is only told."""

import pytest

from bench.mutants import Change, lua_changes, python_changes

PYTHON = '''
LIMIT: int = 5  # a number

@cache(maxsize=9)
def f(one: int | None = None) -> bool:
    """1 + 1."""
    log.info("told", extra={"is": 7})
    if one is None or not g(one):
        raise Refused(f"{one + 1}")
    h(one)
    return one * 2 <= LIMIT
'''
OF_PYTHON = [
    *(("5", "6"), ("one is None or not g(one)", "(not (one is None or not g(one)))"), ("or", "and"), ("is", "is not")),
    *(("not", ""), ('raise Refused(f"{one + 1}")', "pass"), ("h(one)", "pass")),
    *(("<=", "<"), ("*", "/"), ("2", "3")),
]
LUA = """
-- 1 + 1
local a = #list - 1
if a > 2 and b then redis.call('SET', KEY, f(a)) end
return not -a == true
"""
OF_LUA = [
    *(("-", "+"), ("1", "2"), ("a > 2 and b", "not (a > 2 and b)"), (">", ">="), ("2", "3"), ("and", "or")),
    *(("redis.call('SET', KEY, f(a))", ""), ("not", ""), ("-", ""), ("==", "~="), ("true", "false")),
]


@pytest.mark.parametrize(
    ("made_of", "text", "expected"), [(python_changes, PYTHON, OF_PYTHON), (lua_changes, LUA, OF_LUA)]
)
def test_each_change_is_one_that_tests_should_notice(made_of, text, expected):
    assert [(text[one.start : one.end], one.new) for one in made_of("a path", text)] == expected


def test_a_change_is_found_again_when_its_line_has_moved():
    line = "if a == b then a() end"
    first, second = (next(lua_changes("a path", text)).identity() for text in (line, f"-- more\n{line}"))

    assert first == second == Change("a path", line, 5, 7, "~=").identity()
