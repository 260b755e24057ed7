"""Reads template.yaml and those in deploy for the tests."""

from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms, read as its long ones: !Ref X is {"Ref": "X"}."""


def long_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        argument = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        argument = loader.construct_mapping(node, deep=True)
    return {name: argument}


Loader.add_multi_constructor("!", long_form)


def parsed(text: str | bytes) -> dict:
    return yaml.load(text, Loader)


def load(name: str) -> dict:
    return parsed((PROJECT / name).read_text())
