"""What a screen reader sees and hears, for Debian's own Python: `/usr/bin/python3 reader.py`.

Reads a JSON command a line from standard input and answers each with a line of JSON; between them
it prints a line for each announcement and each change of the focus (`heard`). Ends with its input.

Commands: {"do": "tree"}; {"do": "find", "role": "...", "name": "how it begins"}: whether it is
shown and can be used. With role and name too, and false if it is not there: {"do": "press"}: its
first action; {"do": "focus"}; {"do": "value", "to": 40}; {"do": "text", "to": "..."}. Each may have
"program": the program's name.
"""

import json
import os
import sys

import gi

gi.require_version("Atspi", "2.0")

import pyatspi  # noqa: E402
from gi.repository import Atspi, GLib  # noqa: E402

MOST_DEEP = 40
ANSWER_WITHIN_MS = 60_000
"""By default 800: a busy program would press, and the call would have failed."""
EVENTS = ("object:announcement", "object:state-changed:focused", "window:activate")


def say(**values):
    print(json.dumps(values), flush=True)


def program(name):
    """The program of this name that shows anything; any, if there is no name."""
    for each in pyatspi.Registry.getDesktop(0):
        if each is not None and name in ("", each.name):
            each.set_cache_mask(Atspi.Cache.NONE)  # it does not follow what is hidden meanwhile
            each.clear_cache()
            if each.childCount:
                return each
    return None


def actions_of(accessible):
    try:
        offered = accessible.queryAction()
    except NotImplementedError:
        return []
    return [offered.getName(at) for at in range(offered.nActions)]


def value_of(accessible):
    try:
        value = accessible.queryValue()
    except NotImplementedError:
        return None
    return [value.minimumValue, value.currentValue, value.maximumValue]


def text_of(accessible):
    try:
        text = accessible.queryText()
    except NotImplementedError:
        return None
    return text.getText(0, -1)


def relations_of(accessible):
    """Names of what labels it."""
    found = []
    for relation in accessible.getRelationSet():
        if relation.getRelationType() == pyatspi.RELATION_LABELLED_BY:
            found += [relation.getTarget(at).name for at in range(relation.getNTargets())]
    return found


def role_of(accessible):
    """By the name of before at-spi2-core 2.56, which calls a push button a button."""
    role = accessible.getRoleName()
    return "push button" if role == "button" else role


def below(accessible, role, name):
    """The first that is shown in it, with this role and a name that begins so; None if that one
    cannot be used."""
    for child in accessible:
        if child is None:
            continue
        states = child.getState()
        if not states.contains(pyatspi.STATE_SHOWING):
            continue
        if role_of(child) == role and child.name.startswith(name):
            return child if states.contains(pyatspi.STATE_SENSITIVE) else None
        deeper = below(child, role, name)
        if deeper is not None:
            return deeper
    return None


def described(accessible, path):
    states = accessible.getState()
    shown = {
        "path": path,
        "role": role_of(accessible),
        "name": accessible.name,
        "description": accessible.description,
        "actions": actions_of(accessible),
        "value": value_of(accessible),
        "text": text_of(accessible),
        "labelled_by": relations_of(accessible),
        "states": sorted(pyatspi.stateToString(each) for each in states.getStates()),
        "children": [],
    }
    if len(path) < MOST_DEEP:
        for at, child in enumerate(accessible):
            if child is not None:
                shown["children"].append(described(child, [*path, at]))
    return shown


def found(command):
    whole = program(command.get("program", ""))
    return None if whole is None else below(whole, command["role"], command["name"])


def tree(command):
    whole = program(command.get("program", ""))
    return {"tree": None if whole is None else described(whole, [])}


def with_found(do):
    """A command that does this to what is found, at once: looked for by its place, something else
    might be there by then."""

    def command_to_do(command):
        accessible = found(command)
        return {"done": accessible is not None and do(accessible, command) is not False}

    return command_to_do


def set_value(accessible, command):
    accessible.queryValue().currentValue = command["to"]


COMMANDS = {
    "tree": tree,
    "find": with_found(lambda accessible, command: True),
    "press": with_found(lambda accessible, command: accessible.queryAction().doAction(0)),
    "focus": with_found(lambda accessible, command: accessible.queryComponent().grabFocus()),
    "value": with_found(set_value),
    "text": with_found(
        lambda accessible, command: accessible.queryEditableText().setTextContents(command["to"])
    ),
}


def carry_out(line):
    command = json.loads(line)
    try:
        say(answer=COMMANDS[command["do"]](command))
    except Exception as error:  # what was there has gone; the caller asks again
        say(answer={"error": f"{type(error).__name__}: {error}"})


def on_event(event):
    kind = str(event.type)
    try:
        source, role = event.source.name, role_of(event.source)
    except Exception:  # it has gone
        source, role = "", ""
    if kind.startswith("object:announcement"):
        say(heard="announcement", text=event.any_data, politeness=event.detail1)
    elif kind.startswith("object:state-changed:focused"):
        if event.detail1:
            say(heard="focus", text=source, role=role)
    else:
        say(heard="window", text=source, role=role)


class Input:
    """Lines of standard input, as they come."""

    def __init__(self):
        self.begun = b""

    def read(self, descriptor, _condition):
        got = os.read(descriptor, 65536)
        if not got:
            pyatspi.Registry.stop()
            return False
        *lines, self.begun = (self.begun + got).split(b"\n")
        for line in lines:
            carry_out(line)
        return True


def main():
    Atspi.set_timeout(ANSWER_WITHIN_MS, ANSWER_WITHIN_MS)
    for each in EVENTS:
        pyatspi.Registry.registerEventListener(on_event, each)
    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, Input().read)
    say(ready=True)
    pyatspi.Registry.start()


if __name__ == "__main__":
    main()
