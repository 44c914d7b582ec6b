"""What sitecustomize.py does in a Python that is new enough: arm the hook, and run the sitecustomize it hides."""

import importlib.machinery
import importlib.util
import pathlib
import sys

_HERE = pathlib.Path(__file__).resolve().parent


def _arm() -> None:
    # By path: this Python may be without guardrails, which only matters if it uses botocore.
    package = _HERE.parent
    spec = importlib.util.spec_from_file_location(
        "_guardrails_activation", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{package} has no __init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    importlib.import_module("_guardrails_activation.start").from_environment()


def _next_sitecustomize() -> None:
    """Run the sitecustomize that this one hides."""
    others = [folder for folder in sys.path if pathlib.Path(folder or ".").resolve() != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_arm()
_next_sitecustomize()
