"""From settings to the book of advisories."""

from datetime import timedelta

from alerts.advisories.cap import Origin, Status
from alerts.advisories.life import Policy
from server.advisories.book import AdvisoryBook
from server.advisories.publishing import Publication
from server.database.engine import Database
from server.settings import Advisories, ServerSettings


def advisory_book(database: Database, settings: ServerSettings) -> AdvisoryBook:
    """The book of advisories, as the operators want it kept."""
    return AdvisoryBook(
        database, policy_of(settings.advisories), publication_of(settings.advisories, settings.web.public_url)
    )


def policy_of(settings: Advisories) -> Policy:
    """What the operators demand."""
    return Policy(
        two_persons=settings.two_persons,
        clear_samples=settings.clear_samples,
        samples_apart=timedelta(hours=settings.samples_apart_hours),
        longest=timedelta(days=settings.longest_days),
    )


def publication_of(settings: Advisories, public_url: str) -> Publication:
    """How programs are told; not at all without a sender."""
    origin = None
    if settings.sender:
        status = Status(settings.status.capitalize())
        origin = Origin(sender=settings.sender, status=status, web=public_url.rstrip("/"))
    return Publication(origin=origin, radius_m=settings.radius_m)
