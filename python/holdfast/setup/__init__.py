"""Setting up a project: finding the inputs in a warehouse, and writing what dbt needs."""

from holdfast.setup._errors import SetupError
from holdfast.setup._find import Wishes
from holdfast.setup._names import INPUTS
from holdfast.setup._setup import Choices, set_up_project

__all__ = ["INPUTS", "Choices", "SetupError", "Wishes", "set_up_project"]
