"""`tskaro sms`: texts, as they go out."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated, Any

import typer
from rich.table import Table

from alerts.ports import Kind
from alerts.preview import Sample, usual_samples, widest_samples
from alerts.texts import check_site_name
from server.gateways_cli import balance, test
from server.saying import AsJson, err, out, refusals, say
from waterquality.errors import ConfigError
from waterquality.languages import Language

sms = typer.Typer(no_args_is_help=True, help="Texts, as they go out.", rich_markup_mode=None)
sms.command()(balance)
sms.command()(test)


@sms.command()
def preview(
    language: Annotated[
        list[Language] | None, typer.Option("--language", help="Only this one; may be repeated.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only texts of this kind, e.g. ph_out; may be repeated."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="A short name of a water point; left out, one of the region's.")
    ] = "",
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Every kind, also in Latin letters and with the longest names and widest numbers.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show every text that can go out, and what it costs.

    Ends with code 1 if one takes more than a segment or has no room for the name of the water point.
    """
    languages = language or list(Language)
    with refusals():
        _refuse_name(name, languages)
        kinds = _kinds(kind)
        samples = [
            sample
            for each in languages
            for sample in _samples(each, name, everything=everything)
            if sample.kind in kinds
        ]
    if as_json:
        typer.echo(json.dumps([_row(sample) for sample in samples], ensure_ascii=False))
    else:
        _print(samples)
    faults = [sample for sample in samples if sample.why_not]
    for sample in faults:
        err.print(f"{sample.language} {sample.kind}: {sample.why_not}: {sample.text}", markup=False)
    if faults:
        raise typer.Exit(1)


def _refuse_name(name: str, languages: Sequence[Language]) -> None:
    """Refuse a short name as it would be refused on entry.

    Raises:
        ConfigError: it would push a text over one segment, or spoil it; mended by whoever typed it.
    """
    reasons = [
        f"{language}: {reason}" for language in languages if (reason := check_site_name(name, language))
    ]
    if name and reasons:
        raise ConfigError(f"--name {name!r} is no short name for texts: {'; '.join(reasons)}")


def _kinds(names: Sequence[str] | None) -> Sequence[Kind]:
    """The kinds of these names; all where none is named.

    Raises:
        ConfigError: there is no such kind; mended by whoever typed it.
    """
    unknown = sorted(set(names or ()) - set(Kind))
    if unknown:
        raise ConfigError(f"--kind {unknown[0]}: there is no such kind of text; there are {', '.join(Kind)}")
    return [Kind(name) for name in names] if names else list(Kind)


def _samples(language: Language, name: str, *, everything: bool) -> Iterator[Sample]:
    if not everything:
        return usual_samples(language, site=name)
    each = (
        chain(
            usual_samples(language, site=name, is_latin=is_latin),
            widest_samples(language, is_latin=is_latin),
        )
        for is_latin in (False, True)
    )
    return chain.from_iterable(each)


def _row(sample: Sample) -> dict[str, Any]:
    cost = sample.segmentation
    return {
        "language": sample.language,
        "kind": sample.kind,
        "latin": sample.is_latin,
        "widest": sample.is_widest,
        "text": sample.text,
        "encoding": cost.encoding,
        "units": cost.units,
        "segments": cost.count,
        "whole": not sample.why_not,
    }


def _print(samples: Sequence[Sample]) -> None:
    table = Table("", "kind", "units", "text")
    for sample in samples:
        cost = sample.segmentation
        letters = f"{sample.language}, Latin" if sample.is_latin else str(sample.language)
        table.add_row(letters, sample.kind, f"{cost.units}/{cost.encoding.single}", sample.text)
    out.print(table, markup=False)
    counted = Counter(sample.segmentation.count for sample in samples)
    told = ", ".join(
        f"{times} of {count} segment{'s'[: count > 1]}" for count, times in sorted(counted.items())
    )
    say(f"texts: {told or 'none'}")
