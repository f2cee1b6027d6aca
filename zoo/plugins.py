"""Discovery of plugins: installed packages with an entry point in the group ``zoo.plugins``, and paths.

A plugin is a Python module or package that registers methods, datasets, metrics and other entries of
:mod:`zoo.registries` when imported. A package may have ``configs/methods/<name>.yaml``, ``configs/data/<name>.yaml``,
``configs/profiles/<name>.yaml`` and ``card.yaml`` next to its code. If a plugin cannot be imported, the reason is
reported, and the others are loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

from zoo.errors import ZooError
from zoo.registry import Registry

GROUP = "zoo.plugins"
DISTRIBUTION = "zoo-smis"
"""The package that ships the built-in plugins."""

_loaded: dict[str, ModuleType] = {}
_broken: dict[str, str] = {}
_reported: dict[str, str] = {}
_state = {"searched": False, "busy": False}
_lock = RLock()


def load_plugins(extra: Sequence[Path] = ()) -> list[str]:
    """Import all installed plugins, once per process, and those at the given paths.

    Failing plugins do not raise; see :func:`broken_plugins`. A path that failed before is tried again.

    Args:
        extra: ``.py`` files or package folders.

    Returns:
        The names of the plugins at ``extra`` that failed.
    """
    with _lock:
        if _state["busy"]:  # a plugin that asks a registry while it is being imported
            return []
        _state["busy"] = True
        try:
            if not _state["searched"]:
                _state["searched"] = True
                _load_announced()
            names = [_load_path(Path(path)) for path in extra]
            return [name for name in names if name in _broken]
        finally:
            _state["busy"] = False


def other_plugins() -> bool:
    """Whether there may be plugins beside those that ship with the zoo; nothing is imported to find out."""
    announced = entry_points(group=GROUP)
    return _state["searched"] or any(entry.dist is None or entry.dist.name != DISTRIBUTION for entry in announced)


def loaded_plugins() -> list[str]:
    """Names of the plugins that were imported, sorted."""
    load_plugins()
    return sorted(_loaded)


def broken_plugins() -> dict[str, str]:
    """The plugins that could not be imported: one-line reasons by name."""
    load_plugins()
    return dict(sorted(_broken.items()))


def warn_broken(names: Iterable[str], say: Callable[[str], None]) -> None:
    """Log why each of these plugins is skipped, once per process and reason."""
    for name in names:
        if _reported.get(name) != _broken[name]:
            say(f"The plugin {name} is broken and left out: {_broken[name]}")
            _reported[name] = _broken[name]


def unreported() -> list[str]:
    """One clause for each broken plugin that :func:`warn_broken` has not reported yet."""
    broken = broken_plugins().items()
    return [f"{name} is broken: {reason.rstrip('.')}" for name, reason in broken if _reported.get(name) != reason]


def _load_announced() -> None:
    announced = sorted({(e.name, e.value): e for e in entry_points(group=GROUP)}.items())
    modules = [entry.module for _, entry in announced]
    for (name, value), entry in announced:
        unique = name if name not in _loaded and name not in _broken else f"{name} ({value})"
        _attempt(unique, entry.load, entry.module, [m for m in modules if m != entry.module])


def _load_path(path: Path) -> str:
    """Import the plugin at a path; returns its name, whether it is loaded or broken."""
    name, source = _module_name(path), _source(path)
    for known, module in _loaded.items():
        if _file(module) == source:
            return known
    unique = name if name not in _loaded else f"{name} ({path})"
    try:
        spec = _spec(path)
    except ZooError as error:
        _broken[unique] = _reason(error)
    else:
        _attempt(unique, lambda: _execute(spec), name)
    return unique


def _attempt(name: str, load: Any, module: str, others: Iterable[str] = ()) -> None:
    """Import one plugin; on failure, undo its own registrations, but not those of plugins that it imported."""
    before = [(registry, set(registry.registered())) for registry in Registry.instances]
    _broken.pop(name, None)
    try:
        load()
        _loaded[name] = sys.modules[module]
    # a module may raise anything, even SystemExit; only Ctrl-C is passed on
    except (Exception, SystemExit) as error:
        _broken[name] = _reason(error)
        for registry, known in before:
            for item, value in registry.registered().items():
                home = getattr(value, "__module__", "")
                foreign = any(_inside(home, other) for other in others)
                if _inside(home, module) or (item not in known and not foreign):
                    registry.remove(item)
        for imported in [m for m in sys.modules if _inside(m, module)]:
            del sys.modules[imported]


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, ZooError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def _source(path: Path) -> Path:
    """The file that Python executes for a path given by the user."""
    return (path / "__init__.py" if path.is_dir() else path).resolve()


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _module_name(path: Path) -> str:
    return path.resolve().name.removesuffix(".py")


def _spec(path: Path) -> ModuleSpec:
    """The import spec of a path. Raises ZooError if it is not a module, or its name would shadow another module."""
    source, name = _source(path), _module_name(path)
    if not path.exists():
        raise ZooError(f"There is nothing at {path}: give a .py file or a package folder.")
    if not source.is_file():
        packages = sorted(p.parent.name for p in path.glob("*/__init__.py"))
        hint = (
            f"give one of the packages in it ({', '.join(packages)})"
            if packages
            else "give a package folder or a .py file"
        )
        raise ZooError(f"The folder {path} has no __init__.py, so it is not a Python package: {hint}.")
    if source.suffix != ".py" or not name.isidentifier():
        raise ZooError(f"{path} cannot be imported: give a .py file or package folder named by a Python identifier.")
    taken = _importable(name)
    if taken is not None and taken != str(source):
        raise ZooError(f'The name "{name}" of {path} is used by another module ({taken}): rename the file or folder.')
    folders = [str(source.parent)] if source.name == "__init__.py" else None
    spec = spec_from_file_location(name, source, submodule_search_locations=folders)
    assert spec is not None
    return spec


def _execute(spec: ModuleSpec) -> None:
    if spec.name in sys.modules:  # the same file was imported before by other code
        return
    assert spec.loader is not None
    sys.modules[spec.name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


def _importable(name: str) -> str | None:
    """The file that ``import name`` would execute, or None; namespace packages are ignored."""
    try:
        spec = find_spec(name)
    except ValueError:  # a module without a spec, such as __main__
        return "already imported"
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).resolve()) if spec.has_location else spec.origin


def homes() -> list[Path]:
    """The folders of all loaded plugins, which contain their configs and cards."""
    load_plugins()
    files = [_file(module) for _, module in sorted(_loaded.items())]
    return [file.parent for file in files if file is not None]


def home(item: Any) -> Path | None:
    """The folder of the plugin that registered a class; None if it was not loaded from a file."""
    load_plugins()
    module = getattr(item, "__module__", "")
    for plugin in sorted(_loaded.values(), key=lambda m: len(m.__name__), reverse=True):
        file = _file(plugin)
        if _inside(module, plugin.__name__) and file is not None:
            return file.parent
    file = _file(sys.modules[module]) if module in sys.modules else None
    return file.parent if file is not None else None
