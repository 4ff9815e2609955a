"""Test the table of the runbook's incidents. `make drills` runs its commands."""

import textwrap

from tests.drills import pages
from tests.drills.catalogue import DRILLS

INCIDENTS = pages.read()
LINES_OF_A_SCREEN, WIDTH_OF_A_SCREEN = 50, 100
"""An incident of the page has to fit one screen."""


def test_the_page_is_made_from_the_table() -> None:
    assert pages.PAGE.read_text() == pages.page(INCIDENTS), "run: make incidents"


def test_each_incident_has_its_drill() -> None:
    assert set(INCIDENTS) == {drill.incident for drill in DRILLS.values()}


def test_each_incident_has_all_parts_and_fits_one_screen() -> None:
    for incident in INCIDENTS.values():
        for part in pages.PARTS:
            assert getattr(incident, part), (incident.name, part)
        page = pages.page({incident.name: incident}).partition("\n## ")[2].splitlines()
        lines = [part for line in page for part in textwrap.wrap(line, WIDTH_OF_A_SCREEN) or [""]]
        assert len(lines) <= LINES_OF_A_SCREEN, incident.name
