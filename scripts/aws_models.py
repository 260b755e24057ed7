"""AWS's own models of its services, as botocore ships them: what a call may hold.

botocore checks members, types and minimums before it sends. What it leaves to the services is checked here, too: the
enums, patterns and maximums of the same models.
"""

import functools
import re

import botocore.session
from botocore.model import OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()


@functools.cache
def service(name: str):
    return SESSION.get_service_model(name)


def operation(name: str) -> OperationModel:
    """Of `service:Operation`, as IAM names it."""
    of, call = name.split(":")
    return service(of).operation_model(call)


def arguments(model: OperationModel) -> Shape:
    """What a call takes, if only nothing."""
    return model.input_shape or StructureShape("Nothing", {"type": "structure", "members": {}})


def faults(params: object, shape: Shape) -> list[str]:
    """What is wrong with the arguments of a call."""
    report = ParamValidator().validate(params, shape)
    return [*filter(None, report.generate_report().split("\n")), *beyond(params, shape, shape.name)]


def beyond(value: object, shape: Shape, name: str) -> list[str]:
    """What botocore does not look at."""
    found = limits(value, shape, name)
    if shape.type_name == "structure" and isinstance(value, dict):
        for member, each in value.items():
            if member in shape.members:
                found += beyond(each, shape.members[member], f"{name}.{member}")
    elif shape.type_name == "list" and isinstance(value, list | tuple):
        for each in value:
            found += beyond(each, shape.member, f"{name}[]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, each in value.items():
            found += beyond(key, shape.key, f"{name} key") + beyond(each, shape.value, f"{name}.{key}")
    return found


def limits(value: object, shape: Shape, name: str) -> list[str]:
    told = shape.metadata
    size = value if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else 0
    found = []
    if "max" in told and size > told["max"]:
        found.append(f"{name}: {size} is more than {told['max']}")
    if "enum" in told and value not in told["enum"]:
        found.append(f"{name}: {value!r} is none of {', '.join(told['enum'])}")
    if "pattern" in told and isinstance(value, str) and not pattern(told["pattern"]).fullmatch(value):
        found.append(f"{name}: {value[:200]!r} is not {told['pattern']}")
    return found


@functools.cache
def pattern(text: str) -> re.Pattern:
    """A pattern of the models, which are Java's: its classes by name are written out."""
    classes = {
        r"\p{Alnum}": "a-zA-Z0-9",
        r"\p{L}": r"\w",
        r"\p{M}": "",
        r"\p{N}": "",
        r"\p{Z}": r"\s",
        r"\p{S}": "",
    }
    for name, meaning in classes.items():
        text = text.replace(name, meaning)
    # Not anchored means found anywhere in the models' own terms; a whole match is what the services want.
    return re.compile(text, re.DOTALL)
