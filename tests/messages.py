"""Collect the text that users read from the source code: errors, notes, what commands say, and reasons of flags.

It starts where text reaches a user: arguments of an exception or of a function called `say` or the like, what is put
into `notes` or a `reason`, and all text in `explain`. From there it goes back to what the same function assigns to a
name, and to what a function of the package returns that is called. f-strings keep `{expression}` as the source has it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SAYS = re.compile(r"^_?(say|note|caution|warn|echo|tell)$|BadParameter$|Error$|Warning$")
HOLDS = re.compile(r"(^|_)(notes?|reasons?|cautions?|messages?|hints?|words|WORDS)$")
MAKES = re.compile(r"(^|_)(say|sentence|notes?|reasons?|cautions?|messages?|hints?|why|hopeless)$")
GROWS = {"append", "extend", "add"}
WORDED = {"explain"}  # folders in which every function returns text
SQL_ERROR = re.compile(r"\berror\((concat\((?:[^()']|'[^']*'|\([^()]*(?:\([^()]*\))?[^()]*\))*\)|'[^']*')\)")
SQL = re.compile(r"\W*(FROM|SELECT|WITH) ")
PARTS = {  # of an expression that may become text: not its conditions, comparisons and indices
    ast.IfExp: lambda node: (node.body, node.orelse),
    ast.Call: lambda node: (*node.args, *(keyword.value for keyword in node.keywords)),
    **dict.fromkeys((ast.Dict, ast.BoolOp), lambda node: node.values),
    **dict.fromkeys((ast.List, ast.Tuple, ast.Set), lambda node: node.elts),
    **dict.fromkeys((ast.ListComp, ast.GeneratorExp, ast.SetComp), lambda node: (node.elt,)),
    **dict.fromkeys((ast.Starred, ast.NamedExpr, ast.YieldFrom), lambda node: (node.value,)),
    ast.BinOp: lambda node: (node.left, node.right),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Collector:
    """Collects from the Python files of a package; `found` has the texts of every file."""

    def __init__(self, files: list[Path]) -> None:
        self.makers: set[str] = set()  # functions whose results reach a user
        self.found: dict[Path, set[str]] = {}
        scopes = {file: _scopes(ast.parse(file.read_text(encoding="utf-8"))) for file in files}
        self.known = {n.name for found in scopes.values() for n, _, _ in found if isinstance(n, Function)}
        n_makers = -1
        while n_makers < len(self.makers):  # until no other function is found that makes text
            n_makers = len(self.makers)
            self.found = {file: self._file(found, file.parent.name in WORDED) for file, found in scopes.items()}

    def _file(self, scopes, is_worded):
        texts = set()
        for scope, nodes, assigned in scopes:
            is_maker = isinstance(scope, Function) and (
                is_worded or scope.name in self.makers or MAKES.search(scope.name) is not None
            )
            for node in nodes:
                for expression in _reaching(node, is_maker=is_maker):
                    texts.update(self._texts(expression, assigned, frozenset()))
        return {text for text in texts if _is_sentence(text)}

    def _texts(self, node, assigned, followed):
        """Yield the texts in an expression."""
        if (text := _rendered(node)) is not None:
            yield text
            inner = [part.value for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
        elif isinstance(node, ast.Name):
            inner = assigned.get(node.id, ()) if node.id not in followed else ()
            followed = followed | {node.id}
        else:
            inner = PARTS.get(type(node), lambda _: ())(node)
        if isinstance(node, ast.Call):
            self._calls(node.func)
        for part in inner:
            yield from self._texts(part, assigned, followed)

    def _calls(self, function):
        is_own = isinstance(function, ast.Attribute) and _name(function.value) in ("self", "cls")
        if (isinstance(function, ast.Name) or is_own) and _name(function) in self.known:
            self.makers.add(_name(function))


def sql_errors(text: str) -> set[str]:
    """Return what the macros of a store say when they cannot answer, as SQL."""
    return set(SQL_ERROR.findall(text))


def _scopes(tree) -> list[tuple[ast.AST, list[ast.AST], dict[str, list[ast.expr]]]]:
    """Return the module and its functions, each with its nodes but those of functions in it, and what it assigns."""
    found, scopes = [], [tree]
    for scope in scopes:  # which grow, as do the nodes
        nodes = [scope]
        for node in nodes:
            for child in ast.iter_child_nodes(node):
                (scopes if isinstance(child, Function) else nodes).append(child)
        found.append((scope, nodes[1:], _assigned(nodes[1:])))
    return found


def _assigned(nodes) -> dict[str, list[ast.expr]]:
    assigned = {}
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            for target, value in _pairs(node):
                assigned.setdefault(_name(target), []).append(value)
    return assigned


def _pairs(node) -> Iterator[tuple[ast.AST, ast.expr]]:
    """Yield the targets of an assignment, each with its own value where both sides are tuples."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        targets = getattr(target, "elts", [target])
        values = getattr(node.value, "elts", ())
        is_split = isinstance(target, ast.Tuple) and len(values) == len(targets)
        yield from zip(targets, values if is_split else [node.value] * len(targets), strict=True)


def _reaching(node, *, is_maker) -> Iterator[ast.expr]:
    """Yield the expressions at a node that reach a user."""
    if isinstance(node, ast.Call):
        name = _name(node.func)
        grows = name in GROWS and isinstance(node.func, ast.Attribute) and HOLDS.search(_name(node.func.value))
        if SAYS.search(name) or grows:
            yield from node.args
        yield from (keyword.value for keyword in node.keywords if HOLDS.search(keyword.arg or ""))
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
        yield from (value for target, value in _pairs(node) if HOLDS.search(_name(target)))
    elif isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None and is_maker:
        yield node.value


def _name(node) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _rendered(node) -> str | None:
    """Return a string, an f-string or a sum of them, with expressions in braces; None when it is something else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else ast.unparse(ast.JoinedStr([part]))[2:-1]
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [(_rendered(side), side) for side in (node.left, node.right)]
        if any(text is not None for text, _ in sides):
            return "".join(f"{{{ast.unparse(side)}}}" if text is None else text for text, side in sides)
    return None


def _is_sentence(text) -> bool:
    words = re.sub(r"\{[^{}]*\}", "", text)
    return bool(re.search(r"[A-Za-z]{2}", words)) and " " in text.strip() and not SQL.match(text)
