"""Instances and parameters by the names that a person typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from breeze.contracts.errors import InputError

if TYPE_CHECKING:
    from breeze.contracts.parameters import Parameters
    from breeze.engine.engine import Engine
    from breeze.engine.instances import Instance


def instance_called(name: str, engine: Engine) -> Instance:
    """The instance called so. Raises InputError that names the nearest one."""
    from breeze.contracts.parameters import unknown_name

    if (found := engine.instances.get(name)) is None:
        raise InputError(f"Instance {unknown_name(name, engine.instances)}", field="instance")
    return found


def parameters_of(instance: Instance) -> type[Parameters]:
    """The type of its parameters. Raises InputError when its runner cannot be had."""
    if instance.runner_type is None:
        raise InputError(f"{instance.name}: {instance.problem}.", field="instance")
    return instance.runner_type.parameters_type
