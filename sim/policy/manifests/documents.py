"""The documents of a manifest file: YAML or JSON, read safely, written back with what was not touched as it was."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.config import InputError, Problem

Document = dict[str, Any]
MOST_CHARACTERS = 1_000_000  # assumption: manifests are typed by people


def parse(text: str, source: str) -> list[Document]:
    """Every document of a text, those of a `List` one by one. Raises InputError."""
    import yaml

    def wrong(message: str, where: str = source) -> InputError:
        return InputError(Problem(where, None, message))

    if len(text) > MOST_CHARACTERS:
        raise wrong("too large for a manifest (over 1 MB).")
    try:
        if is_json(text):
            found = [json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, source))]
        else:
            found = list(yaml.safe_load_all(text))
            _each_once(text, source)
    except json.JSONDecodeError as e:
        raise wrong(f"not valid JSON: {e.msg}. Correct this row.", f"{source}, row {e.lineno}") from None
    except yaml.MarkedYAMLError as e:
        row = f", row {e.problem_mark.line + 1}" if e.problem_mark else ""
        raise wrong(f"not valid YAML: {e.problem}. Correct this row.", f"{source}{row}") from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as e:
        raise wrong(
            f"not valid YAML: {str(e).strip().splitlines()[0] if str(e).strip() else 'nested too deep'}."
        ) from e
    documents = [document for document in _unlisted(found) if document is not None]
    if not documents or not all(isinstance(document, Mapping) for document in documents):
        raise wrong("no manifest. Expected groups of fields in YAML or JSON, such as a HorizontalPodAutoscaler.")
    return documents


_TWICE = "stands twice in one group of fields, and only one can count. Leave one of them out."


def _once(pairs: list[tuple[str, Any]], source: str) -> Document:
    """A group of fields in JSON. Raises InputError where a field is in it twice."""
    names = [name for name, _ in pairs]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise InputError(*(Problem(f"{source}, {name}", None, _TWICE) for name in twice))
    return dict(pairs)


def _each_once(text: str, source: str) -> None:
    """Raises InputError for fields in YAML that stand twice in one group, of which YAML would take the last."""
    import yaml

    problems: list[Problem] = []
    todo, seen = list(yaml.compose_all(text, Loader=yaml.SafeLoader)), set[int]()
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
            continue
        names = set[str]()
        for key, value in node.value:
            todo.append(value)
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in names:
                    where = f"{source}, row {key.start_mark.line + 1}, {key.value}"
                    problems.append(Problem(where, None, _TWICE))
                names.add(key.value)
    if problems:
        raise InputError(*problems)


def is_json(text: str) -> bool:
    """Whether a text is meant as JSON."""
    return text.lstrip().startswith(("{", "["))


def _unlisted(found: list[Any]) -> list[Any]:
    lists = [document for document in found if isinstance(document, Mapping) and document.get("kind") == "List"]
    if not lists:
        return found
    return [
        item
        for document in found
        for item in ((document.get("items") or []) if document in lists else [document])
    ]  # fmt: skip


def called(document: Mapping[str, Any]) -> str:
    """The name in a document's metadata; "" where it has none."""
    metadata = document.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""


def shown(document: Mapping[str, Any]) -> str:
    """A document in a few words."""
    kind = document.get("kind")
    if kind is None:
        return f"one with {', '.join(str(key) for key in list(document)[:4]) or 'nothing'}"
    return f"{kind} {called(document)}".strip()


def pick(
    documents: Sequence[Document], known: Callable[[Document], bool], has_name: Callable[[Document], bool], kinds: str,
    name: str | None, source: str, at: str,
) -> int:  # fmt: skip
    """Which of the documents is the one of a known kind, and of the name that is asked for. Raises InputError."""
    fitting = [i for i, document in enumerate(documents) if known(document)]
    named = [i for i in fitting if has_name(documents[i])]
    if len(named) == 1:
        return named[0]
    there = ", ".join(shown(document) for document in documents)
    if not fitting:
        message = f"no manifest of a kind that is read. There is: {there}. Read are: {kinds}."
        raise InputError(Problem(source, None, message))
    several = ", ".join(shown(documents[i]) for i in fitting)
    if not named:
        message = f"no manifest of this name in {source}. There is: {several}."
        raise InputError(Problem(f"{at}.manifest_name", name, message))
    example = called(documents[named[0]]) or "NAME"
    message = f"{len(named)} manifests to choose from: {several}. Say which: type {at}.manifest_name={example}."
    raise InputError(Problem(source, None, message))


def to_text(documents: Sequence[Document], comments: Sequence[str], *, as_json: bool) -> str:
    """The documents as text; comments: put in front, where the format has such a thing."""
    import yaml

    if as_json:
        whole: Any = documents[0] if len(documents) == 1 else {"kind": "List", "apiVersion": "v1", "items": documents}
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    head = "".join(f"# {comment}\n" for comment in comments)
    dumped: str = yaml.safe_dump_all(
        documents, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False, explicit_start=False
    )
    return head + dumped
