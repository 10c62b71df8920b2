"""The pages and the code say the same: what is written is there, and what is there is written."""

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.main import get_command

from alerts.seeds import shipped_rules
from alerts.transports.http_settings import read_settings
from demo.cli import app as tskaro_demo
from demo.columns import parse_mapping
from demo.recorded import open_recording
from edge.cli import app as tskaro_edge
from edge.settings import load_settings as load_edge_settings
from firmware_config.device import load_device_config
from firmware_config.parts import CalibrationCertificate
from firmware_config.schema import leaves
from server.cli import app as tskaro
from server.gateways import read_gateways
from server.registry.file import RegistryFile, read_registry_file
from server.settings import ServerSettings
from server.settings import load_settings as load_server_settings
from waterquality.flags import Why
from waterquality.parameters import Parameter
from waterquality.topics import Envelope, parse_readings
from waterquality.wire.commands import RefusedWhy
from waterquality.wire.decode import Batch, decode
from waterquality.wire.desired import AppliedState
from waterquality.wire.messages import Presence, decode_health, decode_receipt, decode_status
from waterquality.wire.records import GapWhy, NoteKind
from waterquality.wire.rejection import Rejection
from waterquality.wire.updates import UpdateState

ROOT = Path(__file__).parents[1]
DOCS, SPECS = ROOT / "docs", ROOT / "docs" / "specs"
PACKAGES = ("waterquality", "firmware_config", "edge", "alerts", "server", "demo")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
        ROOT / "alerts/templates/README.md",
    ]
)
WORDS_OF_DESIGN = """
    water point, device, deployment, probe, channel, parameter, reading, observation, raw, series, flag, screening,
    limit, exceedance, event, taken_at, received_at, outbox, sequence, epoch, receipt, gap, alert, notification,
    silence, inhibition, escalation, advisory, transport
"""
_FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(info: str) -> list[tuple[Path, str]]:
    """Every fenced block of all pages whose first line says this, with its page."""
    found = ((page, block) for page in PAGES for block in _FENCE.findall(text_of(page)))
    return [(page, body) for page, (said, body) in found if said.strip() == info]


def first_cells(page: Path) -> set[str]:
    """The words in code style in the first column of the tables of a page."""
    rows = (line.split("|")[1] for line in text_of(page).splitlines() if line.lstrip().startswith("|"))
    return {word for cell in rows for word in _SPAN.findall(cell)}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for folder, below, files in os.walk(ROOT / package):
            below[:] = [name for name in below if name not in ("node_modules", "static", "__pycache__")]
            paths = (Path(folder) / file for file in files if file.endswith(".py"))
            yield from ((path, ast.parse(text_of(path))) for path in paths)


# ---- rules and runbooks -----------------------------------------------------------------------------------------


def test_every_rule_has_a_runbook_and_every_runbook_a_rule():
    runbooks = {page.stem for page in (DOCS / "operations" / "runbooks").glob("*.md")}

    assert {rule.id for rule in shipped_rules()} == runbooks


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.id)
def test_a_runbook_says_what_to_check_and_what_never_to_conclude(rule):
    page = text_of(DOCS / "operations" / "runbooks" / f"{rule.id}.md")

    assert f"`{rule.id}`" in page
    for part in ("## What it means", "## Check", "## Never conclude"):
        assert part in page


# ---- the log and the counters -----------------------------------------------------------------------------------


def log_events() -> set[tuple[str, str]]:
    found = set()
    for path, tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=level), args=[event, *_]):
                    assert isinstance(event, ast.Constant), f"{path}:{node.lineno}: an event is a fixed name"
                    found.add((event.value, "error" if level == "exception" else level))
    return found


def counter_names() -> set[str]:
    found = set()
    for _, tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.Subscript(value=ast.Attribute(attr="counters"), slice=ast.Constant(value=str(name))):
                    found.add(name)
                case ast.Subscript(
                    value=ast.Attribute(attr="counters"), slice=ast.JoinedStr(values=[start, *_])
                ):
                    assert isinstance(start, ast.Constant)
                    found.add(f"{start.value}…")
    return found


def table_after(heading: str) -> list[list[str]]:
    part = text_of(SPECS / "telemetry.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


def test_the_catalogue_holds_every_event_of_the_log_with_its_level_and_no_other():
    assert {(row[0], row[1]) for row in table_after("Events")} == log_events()


def test_the_catalogue_holds_every_counter_and_no_other():
    assert {row[0] for row in table_after("Counters")} == counter_names()


# ---- tests named by specifications ------------------------------------------------------------------------------


def named_in(path: Path) -> set[str]:
    """Names of the tests in a file: functions, and classes that a state machine was turned into."""
    body = ast.parse(text_of(path)).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    targets = (target for node in body if isinstance(node, ast.Assign) for target in node.targets)
    return functions | {target.id for target in targets if isinstance(target, ast.Name)}


_NAMED_TEST = re.compile(r"(?P<file>(?:[\w/]+/)?test_\w+\.py)?(?:::)?(?P<name>(?:test_|Test)\w+)?")
_TEST_FILES = {path: named_in(path) for path in sorted((ROOT / "tests").rglob("*.py"))}


def names_in_file(file: str) -> set[str]:
    """The tests of a file, by its path or by its bare name; empty where there is no such file."""
    held = (names for path, names in _TEST_FILES.items() if path == ROOT / file or path.name == file)
    return set().union(*held)


@pytest.mark.parametrize("spec", sorted(SPECS.glob("*.md")), ids=lambda spec: spec.stem)
def test_every_test_that_a_specification_names_is_there(spec):
    everywhere = set().union(*_TEST_FILES.values())
    file = ""
    for line in text_of(spec).splitlines():
        file = "" if not line or line.startswith("|") else file
        for span in _SPAN.findall(line):
            named = _NAMED_TEST.fullmatch(span)
            if named is None:
                continue
            file = named["file"] or (file if span.startswith("::") else "")
            known = names_in_file(file) if file else everywhere
            assert known, f"{span}: there is no such file, or no test in it"
            assert named["name"] is None or named["name"] in known, f"{span}: there is no such test"


@pytest.mark.parametrize(
    "spec",
    ["advisories", "alerts", "delivery", "measuring", "remote", "reporting", "screening", "wire-format"],
)
def test_every_must_in_a_table_names_its_test(spec):
    rows = [
        line for line in text_of(SPECS / f"{spec}.md").splitlines() if line.startswith("|") and "MUST" in line
    ]

    assert rows
    assert [row for row in rows if not re.search(r"`[^`]*\b(test|Test)\w+`", row)] == []


# ---- links, words, paths ----------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text_of(page)), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.is_relative_to(ROOT), f"{target} leads out of the repository"
        assert aim.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(aim), f"{target}: no such heading"


_NAMED_FILE = re.compile(
    rf"(?:{'|'.join((*PACKAGES, 'tests', 'docs', 'deploy'))})/[\w./-]+\.(?:py|toml|md|json|sh)"
)


def test_every_file_that_a_page_names_is_there():
    pages = [page for page in PAGES if page.parent.name != "decisions"]  # those are as old as they are
    named = {span for page in pages for span in _SPAN.findall(text_of(page)) if _NAMED_FILE.fullmatch(span)}

    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_page_can_be_reached_from_the_readme():
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+)", text_of(page))
        aims = ((page.parent / link).resolve() for link in links if not re.match(r"[a-z]+:", link))
        ahead += [aim for aim in aims if aim.is_file()]

    assert set(DOCS.rglob("*.md")) <= seen


def test_the_glossary_covers_every_word_of_the_design_and_names_files_that_are_there():
    page = text_of(DOCS / "glossary.md")
    files = re.findall(r"^\| \*\*.+\| `([^`]+)` \|$", page, re.MULTILINE)

    words = {word.strip() for word in WORDS_OF_DESIGN.split(",")}
    assert words <= set(re.findall(r"^\| \*\*(.+?)\*\*", page, re.MULTILINE))
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_word_of_a_closed_list_of_the_wire_is_in_its_specification():
    lists = (Rejection, Why, GapWhy, NoteKind, Presence, Parameter)
    written = set(_SPAN.findall(_FENCE.sub("", text_of(SPECS / "wire-format.md"))))

    assert [word for words in lists for word in words if word and word not in written] == []


def test_every_word_of_a_closed_list_of_what_is_told_from_afar_is_in_its_specification():
    written = set(_SPAN.findall(_FENCE.sub("", text_of(SPECS / "remote.md"))))

    lists = (RefusedWhy, AppliedState, UpdateState)
    assert [word for words in lists for word in words if word not in written] == []


def test_nothing_tracked_names_a_path_of_one_machine_or_a_package_registry():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a checkout")
    hosts = ("pypi" + r"\.org", "python" + r"hosted\.org", r"registry\.npm" + r"js\.org")
    machine = re.compile("|".join((r"(?<![\w.}])/(?:work|root|home|Users)/", *hosts)).encode())
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    found = [
        str(file.relative_to(ROOT)) for file in files if file.is_file() and machine.search(file.read_bytes())
    ]

    assert found == []


# ---- commands, settings, examples -------------------------------------------------------------------------------

APPS = {"tskaro": tskaro, "tskaro-edge": tskaro_edge, "tskaro-demo": tskaro_demo}
_PROGRAM = re.compile(r"(?<![\w./@=:-])(?<!-u )(tskaro(?:-edge|-demo)?)(?![\w./\[-])((?: +[a-z][a-z-]*)*)")


def commands(name: str) -> set[str]:
    """Every command of a program, with all the words that lead to it."""
    found, ahead = set(), [(name, get_command(APPS[name]))]
    while ahead:
        words, command = ahead.pop()
        below = getattr(command, "commands", {})
        ahead += [(f"{words} {word}", child) for word, child in below.items()]
        if not below or getattr(command, "invoke_without_command", False):
            found.add(words)
    return found


def written_commands() -> Iterator[tuple[Path, str]]:
    """Every command line in the pages, up to its first argument."""
    groups = {
        "tskaro registry",
        "tskaro device",
        "tskaro authority",
        "tskaro broker",
        "tskaro",
        "tskaro-edge",
        "tskaro-demo",
        "tskaro update",
        "tskaro completeness",
        "tskaro quarantine",
        "tskaro screening",
        "tskaro store",
        "tskaro rules",
        "tskaro water-point",
        "tskaro drill",
        "tskaro sms",
        "tskaro advisory",
        "tskaro advisory authority",
        "tskaro lab",
        "tskaro people",
        "tskaro alert",
        "tskaro silence",
    }
    for page in PAGES:
        shell = [body for said, body in _FENCE.findall(text_of(page)) if said.strip() == "sh"]
        for code in [*shell, *_SPAN.findall(_FENCE.sub("", text_of(page)))]:
            for program, rest in _PROGRAM.findall(code):
                words = program
                for word in rest.split():
                    if words in groups and word not in APPS and not word.startswith("-"):
                        words = f"{words} {word}"
                yield page, words


def test_every_command_that_a_page_names_is_there_and_every_command_is_named():
    there = set().union(*map(commands, APPS))
    written = {words for _, words in written_commands()}

    assert written - there - {"tskaro", "tskaro-edge"} == set()
    assert there - written == set()


def test_every_target_of_make_that_a_page_names_is_there():
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"`make ([a-z]+)`", text_of(page))}

    assert {"demo", "test", "check", "bench", "setup"} <= named <= targets


def keys_of(model: type) -> set[str]:
    return {".".join(key for key in keys if key != "*") for keys, _ in leaves(model)}


def test_the_server_guide_documents_every_setting_and_every_key_of_the_registry_and_no_other():
    written = {
        word
        for word in first_cells(DOCS / "operations" / "install-a-server.md")
        if re.fullmatch(r"[a-z_.]+", word)
    }

    of_any_parameter = rf"^screening\.(?:{'|'.join(Parameter)})\."  # the same for each: written once
    keys = {re.sub(of_any_parameter, "screening.turbidity.", key) for key in keys_of(RegistryFile)}

    assert written == keys_of(ServerSettings) | keys


READERS = {
    "server.toml": load_server_settings,
    "edge.toml": load_edge_settings,
    "device.toml": load_device_config,
    "registry.toml": read_registry_file,
    "gateways.toml": read_gateways,
    "gateway.toml": lambda path: read_settings(text_of(path), {"secret": SecretStr("k3y")}),
}


@pytest.mark.parametrize("name", READERS)
def test_every_example_of_a_file_is_accepted_as_it_stands(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "tskaro_mqtt_password").write_text("s3cret", encoding="utf-8")
    examples = blocks(f"toml {name}")

    assert examples
    for _, body in examples:
        (tmp_path / name).write_text(body, encoding="utf-8")
        READERS[name](tmp_path / name)


def test_the_recording_of_the_guide_can_be_replayed(tmp_path):
    ((_, body),) = blocks("csv")
    (tmp_path / "water.csv").write_text(body, encoding="utf-8")
    maps = [parse_mapping(text) for text in ("turbidity=turbidity_ntu:NTU", "ph=ph:pH")]
    opened = open_recording(
        tmp_path / "water.csv", time_column="time", mappings=maps, tz=None, missing=frozenset()
    )

    assert (opened.span().rows, opened.span().bad) == (5, {})


def test_the_examples_of_the_wire_are_read_as_what_they_are():
    examples = [body for page, body in blocks("json") if page.name == "wire-format.md"]
    receipt, status, health, calibration, batch = (json.dumps(json.loads(body)).encode() for body in examples)
    decode_receipt(receipt), decode_status(status), decode_health(health)
    (topic,) = re.findall(r"`(tskaro/1/[^`]+/readings/\w+/\d+-\d+)`", text_of(SPECS / "wire-format.md"))
    golden = text_of(ROOT / "tests/contracts/wire/v1/two-observations.readings.json").split("\n", 1)

    envelope = parse_readings(topic)
    assert envelope == Envelope(**json.loads(golden[0]))
    read = decode(batch, envelope)
    assert read == decode(golden[1].encode(), envelope)
    assert isinstance(read, Batch)
    assert read.poisoned == ()
    (certificate,) = json.loads(calibration)["certificates"].values()
    assert CalibrationCertificate.model_validate(certificate).slope_percent == 100.3
