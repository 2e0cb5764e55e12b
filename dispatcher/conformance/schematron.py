"""ISO Schematron (ISO/IEC 19757-3, query binding ``xslt2``) turned into one XSLT 3.0 stylesheet.

Every pattern becomes a mode of its own that walks the whole document; every rule a template of that mode, earlier rules
with a higher priority, so that the first rule that matches a node is the only one that fires in its pattern. A failure
is written as ``<fail role at>message</fail>``.

Messages quote parts of the checked document; only codes, units and element names are let through, for a message may
never carry a patient's name or a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from lxml import etree

from dispatcher.errors import ConfigError

Element = etree._Element

SCH = "{http://purl.oclc.org/dsdl/schematron}"
XSL = "{http://www.w3.org/1999/XSL/Transform}"
HIDDEN = "…"
_VARIABLE = re.compile(r"\$([A-Za-z_][\w.\-]*)")
_BOUND = re.compile(r"\$([A-Za-z_][\w.\-]*)\s+in\b")
"""A variable that an expression binds itself: ``for $x in``, ``some $x in``, ``every $x in``."""
_HARMLESS = re.compile(
    r"@(code|codeSystem|codeSystemName|unit|nullFlavor|typeCode|classCode|moodCode|root|use)"
    r"|name\(.*\)|local-name\(.*\)|count\(.*\)"
    r"|\$(vue_elt|path_jdv|att_code|att_codeSystem|theUnit|theUnitTransform|theCode|theCodeSystem|theCodeSystemName)"
)
"""Expressions whose value in a message tells nothing about a person."""


def stylesheet(path: Path) -> str:
    """The XSLT text of a schematron file, includes and abstract patterns resolved.

    Raises :class:`ConfigError`: a file is missing or is not XML.
    """
    schema = _read(path)
    _expand_patterns(schema)
    patterns = [p for p in schema.iter(SCH + "pattern") if p.get("abstract") != "true"]
    sheet = _sheet(schema, path)
    for let in _lets(schema, patterns):
        _variable(sheet, let)
    shared = _Shared(sheet, {r.get("id"): r for r in schema.iter(SCH + "rule") if r.get("abstract") == "true"})
    start = etree.SubElement(sheet, XSL + "template", match="/")
    report = etree.SubElement(start, "report")
    for number, pattern in enumerate(_active(schema, patterns)):
        rules = [r for r in pattern.iterchildren(SCH + "rule") if r.get("abstract") != "true"]
        if rules:
            mode = f"pattern-{number}"
            etree.SubElement(sheet, XSL + "mode", {"name": mode, "on-no-match": "shallow-skip"})
            etree.SubElement(report, XSL + "apply-templates", select="/", mode=mode)
            for rank, rule in enumerate(rules):
                _template(sheet, rule, mode, priority=len(rules) - rank, shared=shared)
    return etree.tostring(sheet, encoding="unicode")


# ------------------------------------------------------------------------------------------------ reading


def _read(path: Path) -> Element:
    """A schematron file with everything it includes in place of the include."""
    parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False, no_network=True)
    try:
        root = etree.parse(str(path), parser).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise ConfigError(
            f"Règle officielle illisible : « {path.name} ».",
            hint="Le kit de conformité est incomplet ou abîmé ; installez-le à nouveau.",
        ) from error
    for include in list(root.iter(SCH + "include")):
        target = _existing(path.parent, include.get("href", "").partition("#")[0])
        included = _read(target)
        parent = include.getparent()
        if parent is None:
            continue
        at = parent.index(include)
        parent.remove(include)
        for offset, child in enumerate(list(included) if included.tag == SCH + "schema" else [included]):
            parent.insert(at + offset, child)
    return root


def _existing(folder: Path, href: str) -> Path:
    """The file meant. The published kit includes one file under another letter case than it has on disk."""
    path = folder / href
    if path.is_file():
        return path
    siblings = list(path.parent.iterdir()) if path.parent.is_dir() else []
    found = next((p for p in siblings if p.name.casefold() == path.name.casefold()), None)
    if found is None:
        raise ConfigError(
            f"Règle officielle absente du kit : « {href} ».",
            hint="Le kit de conformité est incomplet ; installez-le à nouveau.",
        )
    return found


def _expand_patterns(schema: Element) -> None:
    """Put a filled-in copy of its abstract pattern in the place of each ``is-a`` pattern."""
    abstract = {p.get("id"): p for p in schema.iter(SCH + "pattern") if p.get("abstract") == "true"}
    for pattern in [p for p in schema.iter(SCH + "pattern") if p.get("is-a")]:
        values = {p.get("name", ""): p.get("value", "") for p in pattern.iterchildren(SCH + "param")}
        model = abstract.get(pattern.get("is-a"))
        parent = pattern.getparent()
        if model is None or parent is None:
            raise ConfigError(f"Modèle de règle inconnu dans le kit : « {pattern.get('is-a')} ».")
        copy = etree.fromstring(etree.tostring(model))
        copy.attrib.pop("abstract", None)
        copy.set("id", pattern.get("id", ""))
        for element in copy.iter(etree.Element):
            for name, text in element.attrib.items():
                element.set(name, _filled(text, values))
        parent.replace(pattern, copy)


def _filled(text: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


def _active(schema: Element, patterns: list[Element]) -> list[Element]:
    """Patterns of the default phase, or all."""
    default = schema.get("defaultPhase")
    phase = next((p for p in schema.iter(SCH + "phase") if p.get("id") == default), None) if default else None
    if phase is None:
        return patterns
    wanted = {active.get("pattern") for active in phase.iterchildren(SCH + "active")}
    return [p for p in patterns if p.get("id") in wanted]


def _lets(schema: Element, patterns: Iterable[Element]) -> list[Element]:
    """Variables of schema and patterns are global in the kit; the first of a name holds."""
    found: dict[str, Element] = {}
    for holder in (schema, *patterns):
        for let in holder.iterchildren(SCH + "let"):
            found.setdefault(let.get("name", ""), let)
    return list(found.values())


# ------------------------------------------------------------------------------------------------ writing


def _sheet(schema: Element, path: Path) -> Element:
    prefixes: dict[str | None, str] = {"xsl": XSL[1:-1]}
    for declared in schema.iter(SCH + "ns"):
        if declared.get("prefix") != "xml":
            prefixes.setdefault(declared.get("prefix"), declared.get("uri", ""))
    sheet = etree.Element(XSL + "stylesheet", {"version": "3.0", "exclude-result-prefixes": "#all"}, nsmap=prefixes)
    # Value sets are named relative to the main schematron file.
    sheet.set("{http://www.w3.org/XML/1998/namespace}base", path.resolve().as_uri())
    return sheet


def _variable(parent: Element, let: Element) -> None:
    etree.SubElement(parent, XSL + "variable", {"name": let.get("name", ""), "select": let.get("value", "")})


class _Shared:
    """Abstract rules. Each becomes one named template that many rules call (the minimal header extends some of them
    hundreds of times; copied out, they take ten times as long to compile), unless its variables cross the border."""

    def __init__(self, sheet: Element, rules: dict[str | None, Element]) -> None:
        self._sheet = sheet
        self._rules = rules
        self._globals = {v.get("name", "") for v in sheet.iterchildren(XSL + "variable")}
        self._named: dict[str, str] = {}

    def rule(self, name: str) -> Element:
        """The abstract rule ``name``. Raises :class:`ConfigError` when there is none."""
        found = self._rules.get(name)
        if found is None:
            raise ConfigError(f"Règle abstraite inconnue dans le kit : « {name} ».")
        return found

    def template(self, name: str, used_later: set[str]) -> str | None:
        """The template that stands for ``name``; None when it must be copied in place, for it needs a variable of its
        caller or declares one that is in ``used_later``."""
        declared, used = self._variables(name, frozenset())
        if used - declared - self._globals or declared & used_later:
            return None
        if name not in self._named:
            self._named[name] = f"abstract-{len(self._named)}"
            _statements(etree.SubElement(self._sheet, XSL + "template", name=self._named[name]), self.rule(name), self)
        return self._named[name]

    def _variables(self, name: str, above: frozenset[str]) -> tuple[set[str], set[str]]:
        """Names a rule declares and names it uses, with those of the rules it extends."""
        if name in above:
            raise ConfigError(f"Règle abstraite qui s'étend elle-même dans le kit : « {name} ».")
        rule = self.rule(name)
        declared, used = {let.get("name", "") for let in rule.iterchildren(SCH + "let")}, _used(rule)
        for extends in rule.iterchildren(SCH + "extends"):
            more_declared, more_used = self._variables(extends.get("rule", ""), above | {name})
            declared |= more_declared
            used |= more_used
        return declared, used


def _used(*elements: Element) -> set[str]:
    """Names of the variables that these elements and what they hold refer to."""
    texts = [text for element in elements for part in element.iter(etree.Element) for text in part.attrib.values()]
    return {name for text in texts for name in set(_VARIABLE.findall(text)) - set(_BOUND.findall(text))}


def _template(sheet: Element, rule: Element, mode: str, *, priority: int, shared: _Shared) -> None:
    attributes = {"match": rule.get("context", ""), "mode": mode, "priority": str(priority)}
    template = etree.SubElement(sheet, XSL + "template", attributes)
    _statements(template, rule, shared)
    etree.SubElement(template, XSL + "apply-templates", select="@* | node()", mode="#current")


def _statements(template: Element, rule: Element, shared: _Shared) -> None:
    items = list(rule.iterchildren(etree.Element))
    for number, item in enumerate(items, 1):
        if item.tag == SCH + "let":
            _variable(template, item)
        elif item.tag == SCH + "extends":
            named = shared.template(item.get("rule", ""), _used(*items[number:]))
            if named is not None:
                etree.SubElement(template, XSL + "call-template", name=named)
            else:
                _statements(template, shared.rule(item.get("rule", "")), shared)
        elif item.tag in (SCH + "assert", SCH + "report"):
            test = item.get("test", "")
            wrong = f"not({test})" if item.tag == SCH + "assert" else test
            _failure(etree.SubElement(template, XSL + "if", test=wrong), item)


def _failure(holder: Element, item: Element) -> None:
    fail = etree.SubElement(holder, "fail", role=item.get("role") or "error", at="{path()}")
    _text(fail, item.text)
    for child in item.iterchildren(etree.Element):
        if child.tag == SCH + "value-of":
            select = child.get("select", "").strip()
            if _HARMLESS.fullmatch(select):
                etree.SubElement(fail, XSL + "value-of", select=select, separator=" ")
            else:
                _text(fail, HIDDEN)
        elif child.tag == SCH + "name":
            etree.SubElement(fail, XSL + "value-of", select=f"name({child.get('path') or '.'})")
        else:
            _text(fail, "".join(child.itertext()))
        _text(fail, child.tail)


def _text(parent: Element, text: str | None) -> None:
    if text:
        etree.SubElement(parent, XSL + "text").text = text
