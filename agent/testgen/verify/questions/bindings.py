"""What the names of a draft are bound to, by whatever statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from copydesk.agent.testgen.verify.questions.texts import Binding

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Bound = Iterator[tuple[str, Binding]]

_UNKNOWN = Binding(None)
_ANSWERS_FOR_NAMES = frozenset({"__getattr__", "__setattr__", "__delattr__"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_PATCHES = frozenset({"patch", "setattr", "delattr", "object", "setitem", "multiple", "dict"})
_ONLY_READ = frozenset(
    {"parametrize", "sorted", "list", "tuple", "set", "frozenset", "reversed", "enumerate", "zip"}
    | {"len", "product", "chain", "any", "all", "iter", "param", "print", "dict", "assertEqual"}
)
_READING_METHODS = frozenset({"items", "keys", "values", "copy", "get", "index", "count", "split"})
_HARMLESS_DECORATORS = frozenset({"staticmethod", "classmethod"})


def package_of(module: str) -> str:
    """The first part of a module's name."""
    return module.split(".")[0]


class Bindings:
    """What each name of a draft is bound to, by scope; imports are not among them.

    A name that a function declares global or nonlocal, and one that is patched by its name, is
    looked up in all scopes at once.

    Attributes:
        parents: The node that each node stands in, by identity.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.parents: dict[int, ast.AST] = {}
        self._tree = tree
        self._by_scope: dict[int, dict[str, list[Binding]]] = {id(tree): {}}
        self._merged: set[str] = set()
        self._loads: dict[str, list[ast.Name]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._loads.setdefault(node.id, []).append(node)
            for child in ast.iter_child_nodes(node):
                self.parents[id(child)] = node
        self._collect(tree)

    def of(self, name: ast.Name) -> list[Binding] | None:
        """What a name is bound to where it stands; None where it is bound nowhere."""
        if name.id in self._merged:
            every = [scope.get(name.id, []) for scope in self._by_scope.values()]
            return [binding for bindings in every for binding in bindings] or None
        for scope in self._scopes_around(name):
            bindings = self._by_scope.get(id(scope), {}).get(name.id)
            if bindings is not None:
                return bindings
        return None

    def is_local(self, name: ast.Name) -> bool:
        """Whether a name is bound in a function or a class around it, whatever the module says."""
        if name.id in self._merged:
            return False
        scopes = (s for s in self._scopes_around(name) if name.id in self._by_scope.get(id(s), {}))
        return not isinstance(next(scopes, self._tree), ast.Module)

    def may_change(self, name: str, *, besides: ast.AST | None = None) -> bool:
        """Whether anything but reading is done with what a name of the draft is bound to.

        Args:
            name: The name.
            besides: A call that is known to read it only.
        """
        for node in self._loads.get(name, ()):
            if self.parents[id(node)] is not besides and not self._is_read(node):
                return True
        return False

    def _is_read(self, node: ast.Name) -> bool:
        parent = self.parents[id(node)]
        match parent:
            case ast.For() | ast.comprehension() | ast.Compare() | ast.Starred() | ast.BinOp():
                return True
            case ast.Subscript(ctx=ast.Load()):
                return True
            case ast.Call(func=function):
                called = getattr(function, "attr", getattr(function, "id", ""))
                return called in _ONLY_READ
            case ast.Attribute(attr=attribute):
                return attribute in _READING_METHODS
        return False

    def _scopes_around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The scopes in which a name is looked up, from the inside out."""
        inside_function = False
        child: ast.AST = node
        while id(child) in self.parents:
            parent = self.parents[id(child)]
            if isinstance(parent, ast.ClassDef):
                if not inside_function and child in parent.body:
                    yield parent
            elif isinstance(parent, _FUNCTIONS) and _is_inside(child, parent):
                inside_function = True
                yield parent
            elif isinstance(parent, ast.Module):
                yield parent
            child = parent

    def _collect(self, tree: ast.Module) -> None:
        parametrized: dict[int, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Global | ast.Nonlocal):
                self._merged.update(node.names)
            for name, binding in _bound_by(node):
                for scope in self._binds_in(node):
                    self._add(scope, name, binding)
                    if self._decorates(node):
                        parametrized.setdefault(id(scope), set()).add(name)
            for name in _patched_by(node):
                self._merged.add(name)
                self._add(tree, name, _UNKNOWN)
        callers = _Callers(tree)
        for node in ast.walk(tree):
            for name, binding in _parameters(node, callers, parametrized.get(id(node), set())):
                self._add(node, name, binding)

    def _decorates(self, node: ast.AST) -> bool:
        """Whether a node is a decorator, whose parameters no fixture takes for itself."""
        if not isinstance(node, ast.Call) or any(k.arg == "indirect" for k in node.keywords):
            return False
        owner = self.parents[id(node)]
        return isinstance(owner, FunctionNode | ast.ClassDef) and node in owner.decorator_list

    def _binds_in(self, node: ast.AST) -> Iterator[ast.AST]:
        """The scopes in which a node binds names: for parametrize, the tests that it is for."""
        if not isinstance(node, ast.Call):
            yield next(self._scopes_around(node))
            return
        owner = self.parents[id(node)]
        if isinstance(owner, FunctionNode):
            yield owner
            return
        for function in ast.walk(owner if isinstance(owner, ast.ClassDef) else self._tree):
            if isinstance(function, FunctionNode):
                yield function

    def _add(self, scope: ast.AST, name: str, binding: Binding) -> None:
        self._by_scope.setdefault(id(scope), {}).setdefault(name, []).append(binding)


def imports_in(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Each name that an import binds, with the statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or package_of(alias.name), node


def names_imported(tree: ast.Module) -> dict[str, set[str]]:
    """What each imported name of a draft stands for, as a dotted name; relative ones begin with
    a dot.
    """
    names: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else package_of(alias.name)
                names.setdefault(alias.asname or whole, set()).add(whole)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                full = f"{base}.{alias.name}" if node.module else f"{base}{alias.name}"
                names.setdefault(alias.asname or alias.name, set()).add(full)
    return names


def _is_inside(child: ast.AST, function: ast.AST) -> bool:
    """Whether a part of a function is looked up in its scope: not its decorators and defaults."""
    body = getattr(function, "body", ())
    return child in body if isinstance(body, list) else child is body


def _patched_by(node: ast.AST) -> Iterator[str]:
    """The names that a call may bind anew: texts that a patch is told."""
    if not isinstance(node, ast.Call):
        return
    if getattr(node.func, "attr", getattr(node.func, "id", "")) not in _PATCHES:
        return
    for argument in node.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value.rpartition(".")[2]


# -- statements


def _bound_by(node: ast.AST) -> Bound:
    match node:
        case ast.Call(ast.Attribute(attr="parametrize"), [names, values, *_]):
            yield from _parametrized(names, values)
        case ast.Call(ast.Attribute(attr="parametrize"), _, keywords) if keywords:
            parts = {keyword.arg: keyword.value for keyword in keywords}
            if "argnames" in parts and "argvalues" in parts:
                yield from _parametrized(parts["argnames"], parts["argvalues"])
        case ast.Assign(targets, value):
            for target in targets:
                yield from _assigned(target, value)
        case ast.AnnAssign(target, _, value) if value is not None:
            yield from _assigned(target, value)
        case ast.NamedExpr(target, value):
            yield from _assigned(target, value)
        case ast.For(target, values) | ast.AsyncFor(target, values):
            yield from _iterated(target, values)
        case ast.comprehension(target, values):
            yield from _iterated(target, values)
        case _:
            yield from _bound_to_unknown(node)


def _bound_to_unknown(node: ast.AST) -> Bound:
    match node:
        case ast.AugAssign(target) | ast.withitem(_, ast.expr() as target):
            yield from _targets(target)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name, _UNKNOWN
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name, _UNKNOWN
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, _UNKNOWN  # stands in the scope around it


def _targets(target: ast.expr) -> Bound:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, _UNKNOWN


def _assigned(target: ast.expr, value: ast.expr) -> Bound:
    if isinstance(target, ast.Name):
        yield target.id, Binding(value)
        return
    if not isinstance(target, ast.Tuple | ast.List):
        yield from _targets(target)
        return
    cells = value.elts if isinstance(value, ast.Tuple | ast.List) else ()
    same = len(cells) == len(target.elts)
    if same and not any(isinstance(n, ast.Starred) for n in (*cells, *target.elts)):
        for part, cell in zip(target.elts, cells, strict=True):
            yield from _assigned(part, cell)
        return
    for name, _ in _targets(target):
        yield name, Binding(value, element=True)


def _iterated(target: ast.expr, values: ast.expr) -> Bound:
    if isinstance(target, ast.Tuple | ast.List):
        for place, part in enumerate(target.elts):
            if isinstance(part, ast.Name):
                yield part.id, Binding(values, element=True, place=place)
            else:
                for name, _ in _targets(part):
                    yield name, Binding(values, element=True)
        return
    for name, _ in _targets(target):
        yield name, Binding(values, element=True)


def _parametrized(names: ast.expr, values: ast.expr) -> Bound:
    words: list[str] = []
    match names:
        case ast.Constant(str(text)):
            words = [name.strip() for name in text.split(",")]
        case ast.Tuple(parts) | ast.List(parts):
            words = [p.value for p in parts if isinstance(p, ast.Constant) and type(p.value) is str]
    one = isinstance(names, ast.Constant) and len(words) == 1
    for place, word in enumerate(words):
        yield word, Binding(values, element=True, place=None if one else place)


# -- parameters


class _Callers:
    """The calls of the functions of a draft, where there is nothing else that is done with them."""

    def __init__(self, tree: ast.Module) -> None:
        self._uses: dict[str, int] = {}
        self._calls: dict[str, list[ast.Call]] = {}
        self._methods: dict[int, bool] = {}
        self._spelled: set[object] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                self._uses[_last_name(node)] = self._uses.get(_last_name(node), 0) + 1
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Call(func=ast.Name() | ast.Attribute() as function):
                self._calls.setdefault(_last_name(function), []).append(node)
            case ast.ClassDef():
                for inner in node.body:
                    self._methods[id(inner)] = _holds_tests(node)
            case ast.Constant(value):
                self._spelled.add(value)

    def of(self, function: FunctionNode) -> list[ast.Call] | None:
        """All calls of a function; None where others may call it."""
        calls = self._calls.get(function.name, [])
        if len(calls) != self._uses.get(function.name) or function.name in self._spelled:
            return None
        if not self._methods.get(id(function), True):
            return None
        decorators = {getattr(node, "id", "") for node in function.decorator_list}
        return calls if decorators <= _HARMLESS_DECORATORS else None

    def is_method(self, function: FunctionNode) -> bool:
        """Whether the first parameter is not among a call's arguments."""
        decorators = {getattr(node, "id", "") for node in function.decorator_list}
        return id(function) in self._methods and "staticmethod" not in decorators


def _last_name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _holds_tests(node: ast.ClassDef) -> bool:
    """Whether nobody but the draft and its test runner calls the methods of a class."""
    bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    return all(base.endswith("TestCase") for base in bases) and (
        bool(bases) or node.name.startswith("Test")
    )


def _parameters(node: ast.AST, callers: _Callers, parametrized: set[str]) -> Bound:
    if isinstance(node, ast.Lambda):
        for name in _names_of(node.args):
            yield name, _UNKNOWN
    if not isinstance(node, FunctionNode):
        return
    is_test = node.name.startswith("test")
    calls = callers.of(node)
    for place, name in enumerate(_names_of(node.args)):
        if is_test and name in parametrized:
            continue
        if place == 1 and node.name in _ANSWERS_FOR_NAMES:
            yield name, Binding(ast.Constant(None))  # attributes and getattr are looked at
            continue
        if calls is None or node.args.vararg or node.args.kwarg:
            yield name, _UNKNOWN
            continue
        yield from _given(node, calls, name, place - callers.is_method(node))


def _names_of(arguments: ast.arguments) -> list[str]:
    rest = [part for part in (arguments.vararg, arguments.kwarg) if part is not None]
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]
    return [argument.arg for argument in every]


def _given(function: FunctionNode, calls: list[ast.Call], name: str, place: int) -> Bound:
    """What the calls of a function give for a parameter, and what it is by default."""
    values = [binding for call in calls for binding in _given_by(call, function, name, place)]
    defaults = (*function.args.defaults, *filter(None, function.args.kw_defaults))
    values += [Binding(default) for default in defaults]
    for binding in values or [_UNKNOWN]:
        yield name, binding


def _given_by(call: ast.Call, function: FunctionNode, name: str, place: int) -> Iterator[Binding]:
    positional = len(function.args.posonlyargs) + len(function.args.args)
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        yield _UNKNOWN
    elif 0 <= place < min(len(call.args), positional):
        yield Binding(call.args[place])
    for keyword in call.keywords:
        if keyword.arg is None:
            yield _UNKNOWN
        elif keyword.arg == name:
            yield Binding(keyword.value)
