"""Which names a statement needs, binds and changes; found in its syntax tree, without running it.

Where a tree cannot tell (`exec`, `globals()`, a change through a second name), nothing is found: the statement that
would have been needed is left out, and the function that needed it fails with a NameError that names it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

# Methods that change the object that they belong to, and settings of a library.
CHANGING_METHODS = frozenset(
    {"add", "append", "appendleft", "clear", "compile", "disable", "discard", "enable", "extend", "extendleft", "fill"}
    | {"filterwarnings", "fit", "insert", "itemset", "load_weights", "partition", "pop", "popitem", "popleft", "put"}
    | {"register", "remove", "resize", "reverse", "rotate", "run_functions_eagerly", "seed", "setattr", "setdefault"}
    | {"seterr", "setflags", "setrecursionlimit", "simplefilter", "sort", "update"}
)
# These do it also where the value of the call is used; np.sort(x), for one, changes nothing then.
ALWAYS_CHANGING = frozenset({"fit", "pop", "popitem", "popleft", "setdefault"})
# Functions that change what they are given.
CHANGING_FUNCTIONS = frozenset(
    {"at", "copyto", "delattr", "fill_diagonal", "heapify", "heappop", "heappush", "heapreplace", "insort"}
    | {"insort_left", "insort_right", "place", "put", "put_along_axis", "putmask", "setattr", "setitem", "shuffle"}
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Names:
    """The names of the notebook that a statement has to do with.

    Args:
        now: needed when it runs.
        later: needed when a function that it defines is called.
        binds: bound by it, whatever happens.
        changes: bound by it perhaps, or changed in place.
        changes_later: changed in place by functions that it defines, when they are called.
        called: functions that it calls by their plain name, and, where the call is there for what it does (its value
            is thrown away), the names given to them.
    """

    now: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    changes_later: set[str] = field(default_factory=set)
    called: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)


def names_of(statement: ast.stmt) -> Names:
    """What a statement at the top of a cell needs, binds and changes.

    Raises:
        RecursionError: if it is nested too deeply.

    Example:
        >>> found = names_of(ast.parse("def f(x, n=size):\\n    return x + offset").body[0])
        >>> sorted(found.now), sorted(found.later), sorted(found.binds)
        (['size'], ['offset'], ['f'])
    """
    walker = _Walker()
    walker.statement(statement, certain=True)
    return walker.found


class _Walker:
    def __init__(self) -> None:
        self.found = Names()
        # One entry a function, lambda, comprehension or class around the place: its own names, and whether a class.
        self.scopes: list[tuple[frozenset[str], bool]] = []
        self.deferred = 0
        self.certain = True

    def statement(self, node: ast.stmt, certain: bool) -> None:
        before, self.certain = self.certain, certain
        self.visit(node)
        self.certain = before

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self._name(node)
        elif isinstance(node, FUNCTIONS):
            self._function(node)
        elif isinstance(node, ast.ClassDef):
            self._class(node)
        elif isinstance(node, COMPREHENSIONS):
            self._comprehension(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                self._bind(alias.asname or alias.name.split(".")[0])
        elif isinstance(node, ast.Call):
            self._call(node, for_its_effect=False)
            self._children(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._call(node.value, for_its_effect=True)
            self._children(node.value)
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name):
                self._load(node.target.id)
                self._change(node.target.id)
                self.visit(node.value)
            else:
                self._children(node)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            if not isinstance(node.ctx, ast.Load):
                self._change(root_name(node))
            self._children(node)
        elif isinstance(node, ast.With | ast.AsyncWith):
            self._children(node)
        elif isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.Match | ast.TryStar):
            before, self.certain = self.certain, False
            self._children(node)
            self.certain = before
        else:
            for name in bound_by_pattern(node):
                self._bind(name)
            self._children(node)

    def _children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def _name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._load(node.id)
        else:
            self._bind(node.id)

    def _is_local(self, name: str) -> bool:
        innermost = len(self.scopes) - 1
        return any(
            name in names for place, (names, is_class) in enumerate(self.scopes) if not is_class or place == innermost
        )

    def _load(self, name: str) -> None:
        if not self._is_local(name):
            (self.found.later if self.deferred else self.found.now).add(name)

    def _bind(self, name: str) -> None:
        if self._is_local(name):
            return
        if self.deferred:
            self.found.changes_later.add(name)
        elif self.certain:
            self.found.binds.add(name)
        else:
            self.found.changes.add(name)

    def _change(self, name: str) -> None:
        if name and not self._is_local(name):
            (self.found.changes_later if self.deferred else self.found.changes).add(name)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        arguments = node.args
        outside: list[ast.AST | None] = [*arguments.defaults, *arguments.kw_defaults]
        own = {argument.arg for argument in _all_arguments(arguments)}
        if isinstance(node, ast.Lambda):
            body: list[ast.AST] = [node.body]
        else:
            outside += [*node.decorator_list, node.returns, *(one.annotation for one in _all_arguments(arguments))]
            body = list(node.body)
            self._bind(node.name)
        for part in outside:
            if part is not None:
                self.visit(part)
        own |= _own_names(body)
        self._inside(frozenset(own), body, deferred=True)

    def _class(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        for part in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(part)
        self._inside(frozenset(_own_names(node.body)), node.body, is_class=True)

    def _comprehension(self, node: ast.AST) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        own = {name.id for part in node.generators for name in ast.walk(part.target) if isinstance(name, ast.Name)}
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        rest = [first.target, *first.ifs]
        for part in others:
            rest += [part.iter, part.target, *part.ifs]
        self._inside(frozenset(own), [*rest, *values])

    def _inside(
        self, own: frozenset[str], parts: Iterable[ast.AST], deferred: bool = False, is_class: bool = False
    ) -> None:
        self.scopes.append((own, is_class))
        self.deferred += deferred
        for part in parts:
            self.visit(part)
        self.deferred -= deferred
        self.scopes.pop()

    def _call(self, node: ast.Call, for_its_effect: bool) -> None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        # What a call returns is new: in f(np.zeros(3)), f does nothing to np.
        given = [root_name(argument) for argument in arguments if not isinstance(argument, ast.Call)]
        changing = name in (CHANGING_METHODS if for_its_effect else ALWAYS_CHANGING)
        if isinstance(function, ast.Attribute) and (changing or (for_its_effect and name.startswith("set_"))):
            self._change(root_name(function))
        if name in CHANGING_FUNCTIONS:
            for argument in given:
                self._change(argument)
        if isinstance(function, ast.Name) and not self.deferred and not self._is_local(name):
            self.found.called.append((name, tuple(filter(None, given)) if for_its_effect else ()))


def root_name(node: ast.AST) -> str:
    """The name at the beginning of `name.attribute[index].attribute`; empty where there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def bound_by_pattern(node: ast.AST) -> Iterator[str]:
    """Names that a node binds without a Name node of their own."""
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def _own_names(body: Iterable[ast.AST]) -> set[str]:
    """Names that a function's or a class's body makes its own."""
    own: set[str] = set()
    foreign: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            own.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            own |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Global):
            foreign |= set(node.names)
        own |= set(bound_by_pattern(node))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, COMPREHENSIONS):
            waiting += [part.target for part in ast.walk(node) if isinstance(part, ast.NamedExpr)]
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return own - foreign
