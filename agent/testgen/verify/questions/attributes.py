"""What a draft takes of modules and objects, by a dot or by a name."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import pairwise

from copydesk.agent.testgen.verify.questions.draft import Draft, last_name
from copydesk.agent.testgen.verify.questions.imports import question_of_dotted
from copydesk.agent.testgen.verify.questions.modules import LIBRARY, is_library_module, refused_part
from copydesk.agent.testgen.verify.questions.programs import only_starts_known_programs
from copydesk.agent.testgen.verify.questions.provenance import is_made_by_project, is_project_object
from copydesk.agent.testgen.verify.questions.tables import (
    INSIDES,
    LOOKING_MODULES,
    LOOKING_NAMES,
    PYTEST_INSIDES,
    READ_NAMES_ONLY,
    SIZES,
    TEST_PACKAGES,
    WATCHED_PACKAGES,
)
from copydesk.agent.testgen.verify.questions.texts import ends_of_text

_TYPES_OF_CODE = frozenset({"CodeType", "FunctionType", "LambdaType", "CellType"})
_ALL_LOOKING = INSIDES | LOOKING_NAMES | LOOKING_MODULES | PYTEST_INSIDES | {"__dict__", "__file__"}
_COMPARING = frozenset({"assertEqual", "assertNotEqual", "assertIs", "assertIsNot"})
_SAME_PLACE = frozenset({"abspath", "realpath", "normpath", "fspath", "str"})
_WRITTEN_BY_NAME = frozenset({"setattr", "delattr"})
_TAKES_MODULES = frozenset(
    {"setattr", "delattr", "object", "reload", "isinstance", "hasattr", "getattr", "spy"}
    | {"multiple", "patch", "id"}
)


def check_attributes(draft: Draft, node: ast.AST) -> Iterator[str]:
    """x.name, and class patterns that name attributes."""
    if isinstance(node, ast.Attribute):
        yield from _taken(draft, node.value, node.attr, node)
    elif isinstance(node, ast.MatchClass):
        for name in node.kwd_attrs:
            yield from _taken(draft, node.cls, name, node)


def check_attributes_by_name(draft: Draft, node: ast.AST) -> Iterator[str]:
    """getattr and its kin: as if what they name stood behind a dot."""
    if not isinstance(node, ast.Call):
        return
    name = last_name(node.func)
    if name == "getattr" and isinstance(node.func, ast.Name):
        yield from _by_name(draft, name, node.args[1:2], node.args[:1], node)
    elif name in ("attrgetter", "methodcaller"):
        words = node.args if name == "attrgetter" else node.args[:1]
        yield from _by_name(draft, name, words, [], node)
    elif name == "__getattr__":
        yield from _by_name(draft, name, node.args[-1:], [], node)
    elif name in _WRITTEN_BY_NAME and isinstance(node.func, ast.Name):
        yield from _written_by_name(draft, node, name)


def check_modules_handed_on(draft: Draft, node: ast.AST) -> Iterator[str]:
    """A module that looks inside, as a value: what becomes of it is not followed."""
    if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return
    modules = draft.things(node) & WATCHED_MODULES
    if not modules or _stays_in_sight(draft, node):
        return
    for module in sorted(modules):
        yield f"hands {module} on"


WATCHED_MODULES = LOOKING_MODULES | {"os", "unittest", "doctest", "multiprocessing"}


def _taken(draft: Draft, owner: ast.expr, name: str, node: ast.AST) -> Iterator[str]:
    things = draft.things(owner)
    if _looks_inside(draft, things, name, node):
        yield f"touches {name}"
    elif _is_of_pytest(draft, owner, name, node):
        yield f"touches {name} of pytest"
    elif _is_of_module(draft, owner, name, node):
        yield f"touches {name} of a module"
    elif name == "traceback" and not things:
        yield "touches a traceback"
    elif name in SIZES and draft.finds_files:
        yield f"touches {name} of files that it finds"
    yield from _parts(draft, things, name, node)


def _is_of_pytest(draft: Draft, owner: ast.expr, name: str, node: ast.AST) -> bool:
    """Whether an attribute leads into pytest."""
    if name not in PYTEST_INSIDES or is_made_by_project(draft, owner):
        return False
    if isinstance(node, ast.Attribute) and (
        isinstance(node.ctx, ast.Store) or is_made_by_project(draft, node)
    ):
        return False
    return name not in ("hook", "stash", "_request") or not _is_called(draft, node)


def _is_of_module(draft: Draft, owner: ast.expr, name: str, node: ast.AST) -> bool:
    """Whether an attribute leads to a module's source, or to all that is in the module."""
    if name == "__file__":
        return not _is_for_its_folder(draft, node)
    if name == "__dict__" and draft.is_listened_to(node) and not draft.is_module(owner):
        return False
    if name != "__dict__" or _is_plain_read(draft, node) or is_project_object(draft, owner):
        return False
    return _may_be_module(draft, owner, draft.things(owner))


def _looks_inside(draft: Draft, things: Iterable[str], name: str, node: ast.AST) -> bool:
    """Whether an attribute looks inside whatever has it."""
    if name in ("__self__", "__subclasses__") and draft.is_listened_to(node):
        return False
    if name in INSIDES:
        return not (_is_proxy_call(draft, node, name) or _is_compared_default(draft, node, name))
    if name in LOOKING_NAMES:
        return not (_refused_by_all(things, name) or _is_whether_installed(draft, node, name))
    return name in LOOKING_MODULES and not things and not _is_called(draft, node)


def _refused_by_all(things: Iterable[str], name: str) -> bool:
    """Whether a name is asked about for each thing that it may be taken of: once is enough."""
    every = list(things)
    return bool(every) and all(refused_part(thing, name) for thing in every)


def _parts(draft: Draft, things: Iterable[str], name: str, node: ast.AST) -> Iterator[str]:
    for thing in sorted(things):
        if thing.partition(".")[0] == "subprocess" or name == "subprocess":
            if not only_starts_known_programs(draft) and thing == "subprocess":
                yield "touches subprocess"
        elif refused_part(thing, name) and not _is_allowed_use(draft, thing, name, node):
            yield f"touches {thing}.{name}"


def _is_allowed_use(draft: Draft, thing: str, name: str, node: ast.AST) -> bool:
    """Whether a refused part is used in a way that shows nothing."""
    if (thing, name) == ("sys", "modules"):
        return _is_harmless_use_of_modules(draft, node)
    if thing == "types" and name in _TYPES_OF_CODE:
        return _is_compared(draft, node)
    if name == "__file__":
        return _is_for_its_folder(draft, node)
    if (thing, name) == ("inspect", "getfile"):
        call = draft.parent(node)
        called = isinstance(call, ast.Call) and call.func is node
        return called and _is_for_its_folder(draft, call)
    if thing == "gc":
        return _is_counted(draft, draft.parent(node))
    if thing == "timeit":
        return _times_a_function(draft, node)
    if (thing, name) == ("os", "kill"):
        return _is_sent_to_itself(draft, node)
    return False


def _by_name(
    draft: Draft,
    function: str,
    words: list[ast.expr],
    owners: list[ast.expr],
    node: ast.Call,
) -> Iterator[str]:
    if _is_made_up(draft, function, words, owners, node):
        yield f"uses {function} with a name that is made up"
        return
    for word in words:
        for text in sorted(draft.spelled(word)):
            for part in text.split("."):
                yield from _taken(draft, owners[0] if owners else word, part, node)
            if function == "methodcaller" and text.startswith("format"):
                yield "fills a template that is made up"


def _is_made_up(
    draft: Draft, function: str, words: list[ast.expr], owners: list[ast.expr], node: ast.Call
) -> bool:
    """Whether the name of an attribute may be one that the draft does not spell out."""
    if any(isinstance(word, ast.Starred) for word in node.args):
        return True
    if any(is_library_module(thing) for o in owners for thing in draft.things(o)):
        return not all(map(draft.texts, words))
    if function == "getattr" and draft.is_listened_to(node, function):
        return False
    if any(is_project_object(draft, owner) for owner in owners):
        return False
    return any(draft.texts(word) is None and not is_harmless_mould(word) for word in words)


def is_harmless_mould(word: ast.expr) -> bool:
    """Whether a name that is put together begins and ends like none that looks inside."""
    begin, end = ends_of_text(word)
    if not begin and not end:
        return False
    return not any(name.startswith(begin) and name.endswith(end) for name in _ALL_LOOKING)


def _written_by_name(draft: Draft, node: ast.Call, function: str) -> Iterator[str]:
    """An attribute that is written under a made-up name: harmless, but in a module."""
    owner = node.args[0] if node.args else node
    leads_somewhere = (
        not node.args or draft.things(owner) or last_name(owner) in ("module", "__class__")
    )
    if leads_somewhere and _is_written_name_made_up(draft, node, function):
        yield f"uses {function} with a name that is made up"


def _is_written_name_made_up(draft: Draft, node: ast.Call, function: str) -> bool:
    if any(isinstance(word, ast.Starred) for word in node.args):
        return True
    listens = function == "setattr" and len(node.args) == 3 and not node.keywords
    if listens and draft.is_listened_to(node, function) and not draft.is_library(node.args[0]):
        return False
    return any(draft.texts(word) is None for word in node.args[1:2])


# -- what is harmless


def _is_proxy_call(draft: Draft, node: ast.AST, name: str) -> bool:
    """Whether x.__get__(...) hands a literal or nothing to a descriptor of the project."""
    parent = draft.parent(node)
    return (
        name == "__get__"
        and isinstance(parent, ast.Call)
        and bool(parent.args)
        and isinstance(parent.args[0], ast.Constant)
    )


def _is_counted(draft: Draft, call: ast.AST) -> bool:
    """Whether what a call gives is only counted, or told by the numbers of the objects."""
    part = draft.parent(call)
    whole = draft.parent(part)
    if not isinstance(part, ast.comprehension) or part.iter is not call:
        return False
    if not isinstance(part.target, ast.Name) or not isinstance(whole, ast.ListComp):
        return False
    match whole.elt:
        case ast.Call(ast.Name("id"), [ast.Name(name)], []):
            return name == part.target.id and not part.ifs
    return False


def _is_compared_default(draft: Draft, node: ast.AST, name: str) -> bool:
    """Whether defaults are compared only, which a signature shows, too."""
    parent = draft.parent(node)
    if name != "__kwdefaults__":
        return False
    is_asserted = isinstance(parent, ast.Call) and last_name(parent.func).startswith("assert")
    return is_asserted or isinstance(parent, ast.Compare)


def _is_whether_installed(draft: Draft, node: ast.AST, name: str) -> bool:
    """Whether find_spec("a.module") is only asked whether it finds anything."""
    call = draft.parent(node)
    if name != "find_spec" or not isinstance(call, ast.Call) or call.func is not node:
        return False
    if len(call.args) != 1 or not draft.texts(call.args[0]):
        return False
    match draft.parent(call):
        case ast.Compare(_, [ast.Is() | ast.IsNot()], [ast.Constant(None)]):
            return True
        case ast.If(test) | ast.IfExp(test):
            return test is call
        case ast.UnaryOp(ast.Not()):
            return True
    return False


def _is_sent_to_itself(draft: Draft, node: ast.AST) -> bool:
    """Whether os.kill is called with this process or a child of it: others are heard of anyway."""
    return any(
        (isinstance(word, ast.Call) and draft.things(word.func) == {"os.getpid"})
        or (isinstance(word, ast.Attribute) and word.attr == "pid")
        for word in _behind(draft, node)
    )


def _is_for_its_folder(draft: Draft, node: ast.AST) -> bool:
    """Whether the file of a module is only asked for the folder that it is in, or compared."""
    parent = draft.parent(node)
    while isinstance(parent, ast.Call) and last_name(parent.func) in _SAME_PLACE:
        node, parent = parent, draft.parent(parent)
    if isinstance(parent, ast.Call) and last_name(parent.func) in _COMPARING:
        return True
    if isinstance(parent, ast.Call) and last_name(parent.func) in ("dirname", "exists", "isfile"):
        return True
    if isinstance(parent, ast.Call) and last_name(parent.func) == "Path":
        outer = draft.parent(parent)
        if isinstance(outer, ast.Attribute) and outer.attr == "resolve":
            outer = draft.parent(draft.parent(outer))
        return isinstance(outer, ast.Attribute) and outer.attr in ("parent", "parents")
    return isinstance(parent, ast.Compare)


def _is_called(draft: Draft, node: ast.AST) -> bool:
    """Whether an attribute is called: a module never is."""
    parent = draft.parent(node)
    return isinstance(parent, ast.Call) and parent.func is node


def _may_be_module(draft: Draft, owner: ast.expr, things: Iterable[str]) -> bool:
    if any(True for _ in things) or last_name(owner) in ("module", "__class__"):
        return True
    if isinstance(owner, ast.Call):
        return last_name(owner.func) == "type"
    return isinstance(owner, ast.Name) and any(
        isinstance(binding.value, ast.Call) and last_name(binding.value.func) == "type"
        for binding in draft.bindings.of(owner) or ()
    )


def _is_plain_read(draft: Draft, node: ast.AST) -> bool:
    """Whether a dictionary of attributes is compared, or asked for one whose name is known."""
    parent = draft.parent(node)
    if isinstance(parent, ast.Compare):
        return True
    if isinstance(parent, ast.Subscript):
        words = draft.texts(parent.slice)
        return bool(words) and _ALL_LOOKING.isdisjoint(words or ())
    return isinstance(parent, ast.Call) and last_name(parent.func) in READ_NAMES_ONLY


def _stays_in_sight(draft: Draft, node: ast.expr) -> bool:
    parent = draft.parent(node)
    match parent:
        case ast.Attribute() | ast.Compare() | ast.Expr() | ast.NamedExpr():
            return True
        case ast.Assign(targets):
            return all(isinstance(target, ast.Name) for target in targets)
        case ast.Call(func=function):
            return function is node or last_name(function) in _TAKES_MODULES
        case ast.withitem() | ast.IfExp() | ast.BoolOp():
            return True
    return False


def _is_compared(draft: Draft, node: ast.AST) -> bool:
    parent = draft.parent(node)
    while isinstance(parent, ast.Tuple | ast.BinOp):
        node, parent = parent, draft.parent(parent)
    if isinstance(parent, ast.Call):
        return last_name(parent.func) in ("isinstance", "issubclass") and parent.func is not node
    return isinstance(parent, ast.Compare)


def _is_harmless_use_of_modules(draft: Draft, node: ast.AST) -> bool:
    """Whether sys.modules is only changed, or asked for a module that may be imported."""
    parent = draft.parent(node)
    match parent:
        case ast.Compare(ops=[ast.In() | ast.NotIn()]):
            return True
        case ast.Subscript(slice=key, ctx=ast.Load()):
            return _names_known_modules(draft, key)
        case ast.Subscript(ctx=ast.Del()) if draft.is_listened_to(parent):
            return True
        case ast.Subscript(slice=key):
            return _names_known_modules(draft, key) or _names_foreign_modules(draft, key)
        case ast.Attribute(attr="keys"):
            return True
        case ast.Call(func=function, args=[_, key, *_]) if function is not node:
            return last_name(function) in ("setitem", "delitem") and _names_known_modules(
                draft, key
            )
        case ast.Attribute(attr="pop" | "get" | "setdefault" | "__setitem__"):
            keys = _behind(draft, parent)
            return bool(keys) and _names_known_modules(draft, keys[0])
    return False


def _behind(draft: Draft, node: ast.AST) -> list[ast.expr]:
    """What stands behind a function or an argument of a call, one after the other."""
    call = draft.parent(node)
    words = [call.func, *call.args] if isinstance(call, ast.Call) else []
    return [after for word, after in pairwise(words) if word is node]


def _names_known_modules(draft: Draft, key: ast.expr) -> bool:
    if isinstance(key, ast.Name) and key.id == "__name__":
        return False
    words = draft.texts(key)
    if not words:
        return False
    return not any(True for word in draft.spelled(key) for _ in question_of_dotted(draft, word))


def _names_foreign_modules(draft: Draft, key: ast.expr) -> bool:
    """Whether a key is of modules that neither Python nor pytest has."""
    packages = {word.partition(".")[0] for word in draft.texts(key) or ()}
    return bool(packages) and packages.isdisjoint(LIBRARY | WATCHED_PACKAGES | TEST_PACKAGES)


def _times_a_function(draft: Draft, node: ast.AST) -> bool:
    """Whether timeit.timeit(...) is given functions, no code in texts."""
    call = draft.parent(node)
    if not isinstance(call, ast.Call) or call.func is not node:
        return False
    names = {keyword.arg for keyword in call.keywords}
    if not names <= {"number", "repeat", "timer"} or len(call.args) != 1:
        return False
    return isinstance(call.args[0], ast.Lambda)
